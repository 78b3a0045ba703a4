import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type {
  BackupAddress,
  BrokenOff,
  Engine,
  FoundBackup,
  RecoveryTarget,
} from "../../src/database/engine.js";
import { measureRestore } from "../../src/database/measure-restore.js";
import { openEngine } from "../../src/database/open-engine.js";
import type { RestoreRecord } from "../../src/database/restore-record.js";
import {
  examinationToJson,
  formatRestored,
  formatRestorePlan,
  formatUndone,
  restorePlanToJson,
  tellRestored,
} from "../../src/display/database-restore.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { parseJobs } from "./jobs.js";
import { keepReport } from "./keep-report.js";
import { parseTime } from "./offsite.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";

export interface DatabaseRestoreArguments {
  readonly file: string;
  readonly before: string | undefined;
  readonly into: string | undefined;
  readonly jobs: string | undefined;
  readonly noOwner: boolean;
  readonly acceptUnauthenticated: boolean;
  readonly keep: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

interface Arguments extends DatabaseRestoreArguments {
  readonly targetTime: string | undefined;
  readonly targetLsn: string | undefined;
  readonly undo: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<Arguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    if (args.undo) {
      requireUndoAlone(args);
      return await undo(args, hre, output);
    }
    return await restoreFromBackup(toAddress(args), args, hre, output);
  });

export default action;

/** What is put aside is no backup to choose. @throws {DrError} OPTION_INVALID. */
function requireUndoAlone({
  file,
  before,
  into,
  targetTime,
  targetLsn,
}: Arguments): void {
  const chosen = [before, into, targetTime, targetLsn].some(
    (one) => one !== undefined,
  );
  if (chosen || file !== "latest") {
    throw new DrError("OPTION_INVALID", {
      option: "--undo",
      value: "set with more",
      expected:
        "set alone: a backup, --before, --into and targets don't go with it",
    });
  }
}

/** @throws {DrError} OPTION_INVALID. */
function toAddress(args: Arguments): BackupAddress {
  const { file, before, acceptUnauthenticated } = args;
  const target = parseTarget(args);
  return {
    what: file,
    acceptUnauthenticated,
    ...(before === undefined ? {} : { before: parseTime("--before", before) }),
    ...(target === undefined ? {} : { target }),
  };
}

const LSN = /^[0-9a-f]{1,8}\/[0-9a-f]{1,8}$/i;

/** @throws {DrError} OPTION_INVALID. */
function parseTarget({
  targetTime: time,
  targetLsn: lsn,
}: Arguments): RecoveryTarget | undefined {
  if (lsn === undefined) {
    return time === undefined
      ? undefined
      : { kind: "time", time: parseTime("--target-time", time) };
  }
  if (time !== undefined || !LSN.test(lsn)) {
    const expected =
      "a place in the log, such as 0/16B3748, without --target-time";
    const option = "--target-lsn";
    throw new DrError("OPTION_INVALID", { option, value: lsn, expected });
  }
  return { kind: "lsn", lsn };
}

/**
 * Restores the database from a backup: checked, shown, asked, done.
 *
 * @param begunAt - ISO 8601, of one that was broken off and is gone on with: it
 * has taken since then.
 */
export async function restoreFromBackup(
  address: BackupAddress,
  args: Omit<DatabaseRestoreArguments, "file" | "before">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
  begunAt?: string,
): Promise<TaskResult> {
  const engine = await openEngine(hre.config.dr, hre.config.paths.root);
  const database = await engine.describe();
  const { into, noOwner, acceptUnauthenticated, keep } = args;
  const jobs = parseJobs(args.jobs ?? "1");
  const backup = await findBackup(engine, address, output);
  const choices = {
    jobs,
    noOwner,
    acceptUnauthenticated,
    ...(into === undefined ? {} : { into }),
  };
  const { tool, notices } = await backup.prepareRestore(choices);
  const plan = {
    backup,
    database,
    ...(into === undefined ? {} : { into }),
    tool,
    notices,
  };
  output.text(formatRestorePlan(plan, output.paint));
  const exitCode = EXIT_CODES.done;
  if (args.dryRun) {
    const json = { status: "planned", ...restorePlanToJson(plan) };
    return { json, exitCode };
  }
  await requireYes("restore this", args, hre);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const startedAt = systemClock.now();
  const restored = await interruption.during(
    async () =>
      await withBar(
        {
          title: "Restore",
          work: async (meter) =>
            await backup.restore({
              ...choices,
              isResumed: begunAt !== undefined,
              keep,
              clock: systemClock,
              signal: interruption.signal,
              meter,
            }),
          tell: (one) => tellRestored(backup, one.database),
        },
        output,
      ),
  );
  const measures = measureRestore(
    backup,
    begunAt === undefined ? startedAt : new Date(begunAt),
    systemClock.now(),
  );
  output.text(formatRestored(restored, backup, measures, output.paint));
  const { aside, examination, missing = [] } = restored;
  const json = {
    status: "done",
    ...restorePlanToJson(plan),
    schema: backup.fingerprint?.schema ?? null,
    restored: restored.database,
    aside: aside ?? null,
    examination: examinationToJson(examination),
    missing,
    measures: { ...measures },
  };
  const what = "database_restore";
  const kept = { config: hre.config.dr, what, startedAt, json, exitCode };
  return await keepReport(kept, output);
}

/** Goes on with a restore that was broken off, as it was asked for then. */
export async function resumeDatabaseRestore(
  { path, into, options, startedAt }: RestoreRecord,
  args: Pick<DatabaseRestoreArguments, "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const { jobs, noOwner, acceptUnauthenticated } = options;
  return await restoreFromBackup(
    { what: path, acceptUnauthenticated },
    {
      ...args,
      into,
      jobs: String(jobs),
      noOwner,
      acceptUnauthenticated,
      keep: false,
    },
    hre,
    output,
    startedAt,
  );
}

/** Goes on with what the engine itself keeps account of. */
export async function resumeBrokenOff(
  { address, startedAt }: BrokenOff,
  args: Pick<DatabaseRestoreArguments, "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  return address === undefined
    ? await undo(args, hre, output)
    : await restoreFromBackup(
        address,
        {
          ...args,
          into: undefined,
          jobs: undefined,
          noOwner: false,
          acceptUnauthenticated: false,
          keep: false,
        },
        hre,
        output,
        startedAt,
      );
}

/** Finds a backup, and shows how far proving it has come. */
export async function findBackup(
  engine: Engine,
  address: BackupAddress,
  output: Output,
): Promise<FoundBackup> {
  return await withBar(
    {
      title: "Check",
      work: async (meter) => await engine.find(address, meter),
      tell: ({ name, createdAt }) =>
        createdAt === undefined ? `${name} opens` : `${name} is whole`,
    },
    output,
  );
}

async function undo(
  args: Pick<Arguments, "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const engine = await openEngine(hre.config.dr, hre.config.paths.root);
  const incoming = await engine.prepareUndo();
  const exitCode = EXIT_CODES.done;
  output.text(
    `${incoming} → ${await engine.describe()}, in the place of what is there, which is kept under another name\n`,
  );
  if (args.dryRun) {
    return { json: { status: "planned", incoming }, exitCode };
  }
  await requireYes("swap them", args, hre);
  const undone = await engine.undo(systemClock);
  output.text(formatUndone(undone, incoming, output.paint));
  return {
    json: {
      status: "done",
      incoming,
      restored: undone.database,
      aside: undone.aside ?? null,
    },
    exitCode,
  };
}
