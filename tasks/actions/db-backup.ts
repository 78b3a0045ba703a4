import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { BackupChoices, MadeBackup } from "../../src/database/engine.js";
import { openEngine } from "../../src/database/open-engine.js";
import {
  contentsToJson,
  formatContents,
  formatDatabasePlan,
  planToJson,
} from "../../src/display/database-backup.js";
import { Interruption } from "./apply.js";
import { backupContext } from "./backup-context.js";
import { databasePart } from "./database-part.js";
import { parseJobs } from "./jobs.js";
import { makeBackups } from "./make-backups.js";
import { runTask } from "./output.js";

interface DatabaseBackupArguments {
  readonly format: string | undefined;
  readonly type: string | undefined;
  readonly jobs: string | undefined;
  readonly noHashes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<DatabaseBackupArguments> = async (
  args,
  hre,
) =>
  await runTask(args, async (output) => {
    const context = backupContext(hre);
    const engine = await openEngine(context.config, context.project);
    const choices = parseChoices(args);
    engine.requireChoices(choices);
    if (args.dryRun || context.config.database === undefined) {
      const plan = await engine.planBackup(context, choices);
      output.text(formatDatabasePlan(plan));
      return { json: planToJson(plan), exitCode: EXIT_CODES.done };
    }
    const interruption = new Interruption("BACKUP_INTERRUPTED");
    let made: MadeBackup | undefined;
    const part = databasePart(context, output, interruption, choices, (one) => {
      made = one;
    });
    return await makeBackups(
      {
        context,
        parts: [part],
        after: [],
        interruption,
        more: () =>
          made?.fingerprint === undefined
            ? { text: "", json: {} }
            : {
                text: formatContents(made.fingerprint, output.paint),
                json: contentsToJson(made.fingerprint),
              },
      },
      output,
    );
  });

export default action;

/** @throws {DrError} OPTION_INVALID. */
function parseChoices({
  format,
  type,
  jobs,
  noHashes,
}: DatabaseBackupArguments): BackupChoices {
  return {
    ...(format === undefined ? {} : { format }),
    ...(type === undefined ? {} : { type }),
    jobs: parseJobs(jobs ?? "1"),
    hashes: !noHashes,
  };
}
