import { DrError } from "../../core/errors.js";
import type { RollbackChoices } from "../engine.js";
import type { FreshBackup } from "../migrations/fresh-backup.js";
import type { MigrationFile } from "../migrations/migration-file.js";
import {
  applyRollback,
  prepareRollback,
  type PreparedRollback,
  type RollbackOptions,
  type RollbackResult,
} from "../migrations/rollback.js";
import { requireThere } from "./copy.js";
import { changeCopy } from "./change.js";
import { copyDatabase, describeFiles } from "./folder.js";
import type { Location } from "./location.js";
import { withOpen } from "./open.js";
import { withScratch } from "./scratch.js";

/**
 * Finds out what a migration undoes and what it does, on a copy.
 *
 * @throws {DrError} DATABASE_ENGINE_UNABLE, and those of `changeCopy` and `prepareRollback`.
 */
export async function prepareFolderRollback(
  location: Location,
  file: MigrationFile,
  choices: RollbackChoices,
): Promise<PreparedRollback> {
  requireWithin(choices);
  return await changeCopy(location, choices.clock, async (copy) => {
    const result = await withMigratorOptions(
      location,
      copy,
      choices,
      async (options) => await prepareRollback(file, options),
    );
    return { result, isChanged: false };
  });
}

/**
 * Makes a backup, applies the migration to a copy of what was backed up, and
 * puts that in the place of the database; what was there is kept under another
 * name.
 *
 * @throws {DrError} those of {@link prepareFolderRollback} and
 * `applyRollback`, and what making the backup throws; the database is as it was.
 */
export async function applyFolderRollback(
  location: Location,
  prepared: PreparedRollback,
  choices: RollbackChoices,
  backUp: () => Promise<FreshBackup>,
): Promise<RollbackResult> {
  const { live } = location;
  await requireThere(live);
  const before = await describeFiles(live);
  const backup = await backUp();
  return await changeCopy(location, choices.clock, async (copy, stamp) => {
    if (stamp !== before) {
      throw new DrError("DATABASE_FOLDER_CHANGED", { folder: live });
    }
    const result = await withMigratorOptions(
      location,
      copy,
      choices,
      async (options) =>
        await applyRollback(
          prepared,
          options,
          async () => await Promise.resolve(backup),
        ),
    );
    return { result, isChanged: true };
  });
}

/** What is done outside of a transaction nobody could look at: there is only one session. */
function requireWithin({ allowOutsideTransaction }: RollbackChoices): void {
  if (allowOutsideTransaction) {
    throw new DrError("DATABASE_ENGINE_UNABLE", {
      engine: "pglite",
      what: "roll back outside of a transaction",
      way: "Leave out `--allow-outside-transaction`: what doesn't run in one, such as CREATE INDEX CONCURRENTLY, is for servers that others use meanwhile",
    });
  }
}

/** The migration runs in one copy; what was there before is looked at in another. */
async function withMigratorOptions<T>(
  location: Location,
  copy: string,
  { allowOutsideTransaction, clock, signal }: RollbackChoices,
  work: (options: RollbackOptions) => Promise<T>,
): Promise<T> {
  const { live } = location;
  return await withScratch(location, async (original) => {
    await copyDatabase(copy, original);
    return await withOpen(
      original,
      live,
      async (observed) =>
        await withOpen(
          copy,
          live,
          async ({ access }) =>
            await work({
              access,
              observed: observed.access,
              lockTimeoutSeconds: 0,
              allowOutsideTransaction,
              clock,
              signal,
            }),
        ),
    );
  });
}
