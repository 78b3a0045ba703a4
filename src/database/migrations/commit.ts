import type { Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import { withSession } from "../session.js";
import type { FreshBackup } from "./fresh-backup.js";
import type { MigrationFile } from "./migration-file.js";
import { reasonOf, type Migrator } from "./migrator.js";

/** Half a minute: a server that crashed may be back by then. */
const ATTEMPTS = 120;
const PAUSE_MS = 250;

/**
 * Commits the transaction at work. When the connection is lost meanwhile, the
 * server is asked what became of it.
 *
 * @throws {DrError} MIGRATION_FAILED: it was rolled back; MIGRATION_UNCERTAIN.
 */
export async function commit(
  file: MigrationFile,
  migrator: Migrator,
  backup: FreshBackup,
  clock: Clock,
): Promise<void> {
  const transaction = await migrator.transactionId();
  try {
    await migrator.order("COMMIT");
  } catch (error) {
    if (!isDrError(error, "DATABASE_UNREACHABLE")) {
      throw failedAtCommit(file, error);
    }
    const { access } = migrator.observer;
    const end = await askForEnd(access, transaction, clock);
    if (end === "aborted") {
      throw failedAtCommit(file, error);
    }
    if (end !== "committed") {
      const database = nameOfDatabase(access);
      throw new DrError(
        "MIGRATION_UNCERTAIN",
        { database, file: file.path, transaction, backup: backup.name },
        { cause: error },
      );
    }
  }
}

function failedAtCommit(
  { path, statements }: MigrationFile,
  error: unknown,
): DrError {
  return new DrError(
    "MIGRATION_FAILED",
    {
      file: path,
      line: statements.at(-1)?.line ?? 1,
      kind: "COMMIT",
      reason: reasonOf(error),
    },
    { cause: error },
  );
}

/** @returns `committed`, `aborted`; undefined when nobody answers in time. */
async function askForEnd(
  access: Access,
  transaction: string,
  clock: Clock,
): Promise<string | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const [row] = await withSession(
        access,
        async (session) =>
          await session.query<{ end: string | null }>(
            "SELECT txid_status($1) AS end",
            [transaction],
          ),
      );
      if (row?.end === "committed" || row?.end === "aborted") {
        return row.end;
      }
    } catch {
      // It may be starting again.
    }
    await clock.sleep(PAUSE_MS);
  }
  return undefined;
}
