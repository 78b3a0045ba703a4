import { resolve } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { MadeBackup, RollbackChoices } from "../../src/database/engine.js";
import type { FreshBackup } from "../../src/database/migrations/fresh-backup.js";
import { readMigrationFile } from "../../src/database/migrations/migration-file.js";
import { openEngine } from "../../src/database/open-engine.js";
import { formatAside } from "../../src/display/database-restore.js";
import {
  formatPreparedRollback,
  formatRollbackResult,
  rollbackToJson,
} from "../../src/display/db-rollback.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { backupContext, whileLocked } from "./backup-context.js";
import { databasePart } from "./database-part.js";
import { runTask, type Output } from "./output.js";

interface DatabaseRollbackArguments {
  readonly migration: string;
  readonly allowOutsideTransaction: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<DatabaseRollbackArguments> = async (
  args,
  hre,
) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const { paths, dr } = hre.config;
    const file = await readMigrationFile(resolve(paths.root, args.migration));
    const engine = await openEngine(dr, paths.root);
    const interruption = new Interruption("MIGRATION_INTERRUPTED");
    const choices: RollbackChoices = {
      allowOutsideTransaction: args.allowOutsideTransaction,
      clock: systemClock,
      signal: interruption.signal,
    };
    output.progress(
      `… try ${args.migration} in a transaction that is rolled back; until then it holds the locks it takes`,
    );
    const prepared = await interruption.during(
      async () => await engine.prepareRollback(file, choices),
    );
    output.text(formatPreparedRollback(prepared, output.paint));
    const exitCode = EXIT_CODES.done;
    if (args.dryRun) {
      return { json: rollbackToJson(prepared, undefined), exitCode };
    }
    await requireYes("back up the database and roll back", args, hre);
    const result = await interruption.during(
      async () =>
        await engine.applyRollback(
          prepared,
          choices,
          async () => await backUp(hre, output, interruption),
        ),
    );
    const wasShown = prepared.trial.status === "tried";
    output.text(formatRollbackResult(result, wasShown, output.paint));
    if (result.aside !== undefined) {
      output.text(formatAside(result.aside));
    }
    return { json: rollbackToJson(prepared, result), exitCode };
  });

export default action;

async function backUp(
  hre: HardhatRuntimeEnvironment,
  output: Output,
  interruption: Interruption,
): Promise<FreshBackup> {
  const context = backupContext(hre);
  const choices = { jobs: 1, hashes: true };
  const made: MadeBackup[] = [];
  const part = databasePart(context, output, interruption, choices, (one) => {
    made.push(one);
  });
  const { notices } = await whileLocked(context, async () => await part.run());
  notices.forEach(output.progress);
  const [backup] = made;
  if (backup === undefined) {
    throw new DrError("DATABASE_NOT_CONFIGURED", {});
  }
  const { name, at } = backup;
  return { name, at };
}
