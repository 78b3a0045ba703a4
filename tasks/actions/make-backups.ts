import type { BackupPart, PartKind } from "../../src/backup/part.js";
import type { FileBackupContext } from "../../src/backup/files.js";
import { pruneLocally } from "../../src/backup/prune.js";
import {
  exitCodeOf,
  failuresOf,
  runBackup,
} from "../../src/backup/run-backup.js";
import type { Json } from "../../src/core/canonical-json.js";
import type { DrError } from "../../src/core/errors.js";
import { backupToJson, formatBackup } from "../../src/display/backup.js";
import type { Interruption } from "./apply.js";
import { whileLocked } from "./backup-context.js";
import { butFor, keepReport, tellError } from "./keep-report.js";
import type { Output, TaskResult } from "./output.js";

/** Backups to make, and what is told of them. */
export interface BackupsToMake {
  readonly context: FileBackupContext;
  readonly parts: readonly BackupPart[];
  /** What is done with them then. */
  readonly after: readonly BackupPart[];
  readonly only?: readonly PartKind[];
  /** Begins no more parts; which of them it stops is theirs to know. */
  readonly interruption: Interruption;
  /** Looks whether something is wrong that a backup doesn't mend: told when it is through. */
  readonly findTrouble?: () => Promise<DrError | undefined>;
  /** What else there is to tell of what was made. */
  readonly more?: () => {
    readonly text: string;
    readonly json: Readonly<Record<string, Json>>;
  };
}

/** Makes backups, one task at a time, shows what came of it, and keeps a report. */
export async function makeBackups(
  { context, findTrouble, interruption, more, ...run }: BackupsToMake,
  output: Output,
): Promise<TaskResult> {
  const troubles: DrError[] = [];
  const report = await runBackup({
    ...run,
    clock: context.clock,
    signal: interruption.signal,
    prune: async (kinds) =>
      await pruneLocally(context.config, kinds, context.clock.now()),
    onStart: (kind) => {
      output.progress(`… ${kind}`);
    },
    whileLocked: async (work) =>
      await whileLocked(context, async () => {
        const trouble = await findTrouble?.();
        troubles.push(...(trouble === undefined ? [] : [trouble]));
        return await work();
      }),
  });
  const told = more?.();
  output.text(`${formatBackup(report, output.paint)}${told?.text ?? ""}`);
  failuresOf(report).forEach(tellError);
  const json = { ...backupToJson(report), ...told?.json };
  const exitCode = exitCodeOf(report);
  const { startedAt } = report;
  const kept = { config: context.config, what: "backup", startedAt };
  const result = await keepReport({ ...kept, json, exitCode }, output);
  return troubles[0] === undefined
    ? result
    : butFor(troubles[0], result.json, result.exitCode);
}
