import { join, resolve } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import {
  findArtifact,
  type ArtifactAddress,
} from "../../src/backup/find-artifact.js";
import type { FileBackupContext } from "../../src/backup/files.js";
import { swapRecordFile } from "../../src/backup/folder.js";
import { artifactKeys } from "../../src/backup/place.js";
import {
  prepareRestore,
  type PreparedRestore,
} from "../../src/backup/prepare-restore.js";
import { restoreFiles } from "../../src/backup/restore-files.js";
import { findBrokenOff } from "../../src/backup/swap-record.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatError } from "../../src/display/error.js";
import {
  formatReplaced,
  formatRestore,
  restoreToJson,
} from "../../src/display/restore.js";
import { paintFor } from "../../src/display/text.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { backupContext, whileLocked } from "./backup-context.js";
import { noteProof } from "./note-proof.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";

interface RestoreArguments {
  readonly name: string;
  readonly into: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<RestoreArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const address = await findArtifact(hre.config.dr, args.name);
    return await restoreBackup(address, args, hre, output);
  });

export default action;

/** Restores files or configuration from where their backup lies: shown, asked, done. */
export async function restoreBackup(
  address: ArtifactAddress,
  args: Pick<RestoreArguments, "into" | "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const context = backupContext(hre);
  const { config, project, clock } = context;
  const keys = artifactKeys(config);
  const record = swapRecordFile(config);
  await tellBrokenOff(record, context);
  const prepared = await withBar(
    {
      title: "Check",
      work: async (meter) =>
        await prepareRestore({
          ...address,
          keys,
          project,
          configured: [...config.files, ...config.configuration],
          ...(args.into === undefined
            ? {}
            : { into: resolve(project, args.into) }),
          meter,
        }),
      tell: tellChecked,
    },
    output,
  );
  output.text(formatRestore(prepared, output.paint));
  const exitCode = EXIT_CODES.done;
  if (args.dryRun) {
    return { json: restoreToJson(prepared, undefined), exitCode };
  }
  await requireYes("restore this", args, hre);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const { signal } = interruption;
  const startedAt = performance.now();
  const replaced = await whileLocked(
    context,
    async () =>
      await interruption.during(
        async () =>
          await withBar(
            {
              title: "Restore",
              work: async (meter) =>
                await restoreFiles(prepared, {
                  keys,
                  clock,
                  record,
                  signal,
                  meter,
                }),
              tell: () => "every file is what was backed up",
            },
            output,
          ),
      ),
  );
  output.text(formatReplaced(replaced, output.paint));
  await noteProof(
    config,
    {
      kind: prepared.kind,
      path: join(address.folder, address.name),
      how: {
        restored: true,
        by: "dr:backup:restore",
        seconds: secondsSince(startedAt),
      },
    },
    output,
  );
  return { json: restoreToJson(prepared, replaced), exitCode };
}

/** To the tenth. */
function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

function tellChecked({ name, chain }: PreparedRestore): string {
  return chain.length === 1
    ? `${name} is whole`
    : `${name} and the ${String(chain.length - 1)} that it builds on are whole`;
}

/** @throws {DrError} RUN_LOCKED: it isn't broken off, it is under way. */
async function tellBrokenOff(
  record: string,
  context: FileBackupContext,
): Promise<void> {
  if ((await findBrokenOff(record)) === undefined) {
    return;
  }
  const error = await whileLocked(
    context,
    async () => await findBrokenOff(record),
  );
  if (error !== undefined) {
    process.stderr.write(formatError(error, paintFor(process.stderr)));
  }
}
