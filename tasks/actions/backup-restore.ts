import { resolve } from "node:path";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { findArtifact } from "../../src/backup/find-artifact.js";
import { artifactKeys } from "../../src/backup/place.js";
import { prepareRestore } from "../../src/backup/prepare-restore.js";
import { restoreFiles } from "../../src/backup/restore-files.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  formatReplaced,
  formatRestore,
  restoreToJson,
} from "../../src/display/restore.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { backupContext, whileLocked } from "./backup-context.js";
import { runTask } from "./output.js";

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
    const context = backupContext(hre);
    const { config, project, clock } = context;
    const keys = artifactKeys(config);
    const prepared = await prepareRestore({
      ...(await findArtifact(config, args.name)),
      keys,
      project,
      configured: [...config.files, ...config.configuration],
      ...(args.into === undefined ? {} : { into: resolve(project, args.into) }),
    });
    output.text(formatRestore(prepared, output.paint));
    const exitCode = EXIT_CODES.done;
    if (args.dryRun) {
      return { json: restoreToJson(prepared, undefined), exitCode };
    }
    await requireYes("restore this", args, hre);
    const interruption = new Interruption("RESTORE_INTERRUPTED");
    const { signal } = interruption;
    const replaced = await whileLocked(
      context,
      async () =>
        await interruption.during(
          async () => await restoreFiles(prepared, { keys, clock, signal }),
        ),
    );
    output.text(formatReplaced(replaced, output.paint));
    return { json: restoreToJson(prepared, replaced), exitCode };
  });

export default action;
