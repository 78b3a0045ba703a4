import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { DrError } from "../../src/core/errors.js";
import {
  DUMP_FORMATS,
  planDatabaseBackup,
  type DatabaseBackup,
  type DatabaseBackupOptions,
} from "../../src/database/backup.js";
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
    const options = parseOptions(args);
    if (args.dryRun || context.config.database === undefined) {
      const plan = await planDatabaseBackup(context, options);
      output.text(formatDatabasePlan(plan));
      return { json: planToJson(plan), exitCode: EXIT_CODES.done };
    }
    const interruption = new Interruption("BACKUP_INTERRUPTED");
    let made: DatabaseBackup | undefined;
    const part = databasePart(context, output, interruption, options, (one) => {
      made = one;
    });
    return await makeBackups(
      {
        context,
        parts: [part],
        after: [],
        interruption,
        more: () =>
          made === undefined
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

/** Several jobs are only for the directory format. @throws {DrError} OPTION_INVALID. */
function parseOptions({
  format: name,
  jobs: number,
  noHashes,
}: DatabaseBackupArguments): DatabaseBackupOptions {
  const jobs = parseJobs(number ?? "1");
  const wanted = name ?? (jobs > 1 ? "directory" : "custom");
  const format = DUMP_FORMATS.find((one) => one === wanted);
  if (format === undefined) {
    throw invalid("--format", wanted, DUMP_FORMATS.join(", "));
  }
  if (jobs > 1 && format !== "directory") {
    throw invalid("--format", wanted, "directory, the only one with --jobs");
  }
  return { format, jobs, hashes: !noHashes };
}

function invalid(option: string, value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", { option, value, expected });
}
