import type { Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import {
  countLosses,
  readRewritten,
  readStoredTables,
  readWritten,
  type Loss,
  type TableChange,
} from "./losses.js";
import { applyOneByOne } from "./apply-one-by-one.js";
import type { FreshBackup } from "./fresh-backup.js";
import { commit } from "./commit.js";
import type { MigrationFile } from "./migration-file.js";
import { lockMigrations } from "./migration-lock.js";
import { Migrator } from "./migrator.js";
import { readApplied, type MigrationHistory } from "./read-applied.js";
import { compareSchemas, describeSchema, type SchemaChange } from "./schema.js";
import {
  putSequencesForward,
  readSequencePlaces,
  type SequencePlace,
} from "./sequence-places.js";
import {
  describeStatement,
  transactionNeeds,
  type TransactionNeeds,
} from "./transaction-needs.js";
import {
  findStillRecorded,
  findUndone,
  nameHistories,
  type StillRecorded,
  type UndoneMigration,
} from "./undone.js";

export interface RollbackOptions {
  readonly access: Access;
  /** See `MigratorOptions`. */
  readonly observed?: Access;
  /** How long a statement waits for a lock; all who come after it wait as long. */
  readonly lockTimeoutSeconds: number;
  /** What PostgreSQL refuses in a transaction may run, one statement after the other. */
  readonly allowOutsideTransaction: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** What a migration does, tried in a transaction that was rolled back. */
export interface TriedRollback {
  readonly status: "tried";
  readonly changes: readonly SchemaChange[];
  readonly losses: readonly Loss[];
  /** How long it held its locks. */
  readonly seconds: number;
}

/** Nobody can say what it does: it can't be tried. */
export interface UntriedRollback {
  readonly status: "untried";
  /** Why: what it holds that can't run in a transaction. */
  readonly reason: string;
}

/** A migration, what is applied, and what it will do. */
export interface PreparedRollback {
  readonly file: MigrationFile;
  readonly database: string;
  readonly histories: readonly MigrationHistory[];
  readonly undone: readonly UndoneMigration[];
  readonly trial: TriedRollback | UntriedRollback;
}

export interface RollbackResult {
  readonly backup: FreshBackup;
  readonly changes: readonly SchemaChange[];
  /** What the tools' tables say now. */
  readonly histories: readonly MigrationHistory[];
  readonly stillRecorded: readonly StillRecorded[];
  /** Where what came out took the database's place: what was there is called so now. */
  readonly aside?: string;
}

/**
 * Finds out what a migration undoes and what it does, by applying it in a
 * transaction that is rolled back. Meanwhile it holds the locks that it takes.
 * What it draws from sequences isn't put back; what it sets back is.
 *
 * @throws {DrError} MIGRATION_IS_UP, MIGRATION_NOT_ATOMIC, MIGRATION_FAILED,
 * MIGRATION_LOCKED, MIGRATION_UNDER_WAY, DATABASE_UNREACHABLE and the like; the
 * signal's reason. The database is as it was.
 */
export async function prepareRollback(
  file: MigrationFile,
  options: RollbackOptions,
): Promise<PreparedRollback> {
  return await withMigrator(file, options, async (migrator) => {
    const { observer } = migrator;
    const histories = nameHistories(await readApplied(observer), file);
    const undone = findUndone(histories, file);
    await lockMigrations(observer, histories);
    return {
      file,
      database: nameOfDatabase(options.access),
      histories,
      undone,
      trial: await tryOut(file, migrator, options),
    };
  });
}

async function withMigrator<T>(
  { path }: MigrationFile,
  { access, observed, lockTimeoutSeconds, signal }: RollbackOptions,
  work: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const options = { file: path, observed, lockTimeoutSeconds, signal };
  const migrator = await Migrator.open(access, options);
  try {
    return await work(migrator);
  } finally {
    await migrator.close();
  }
}

async function tryOut(
  file: MigrationFile,
  migrator: Migrator,
  options: RollbackOptions,
): Promise<TriedRollback | UntriedRollback> {
  const needs = transactionNeeds(file.statements);
  const sequences = await readSequencePlaces(migrator.observer);
  try {
    requireAtomic(needs, file);
    const start = options.clock.now().getTime();
    const { changes, tables } = await applyOpenly(needs, migrator);
    await migrator.rollBack();
    await putSequencesForward(migrator.observer, sequences);
    const seconds = (options.clock.now().getTime() - start) / 1000;
    const losses = await countAsBefore(migrator, tables, options);
    return { status: "tried", changes, losses, seconds };
  } catch (error) {
    await undo(migrator, sequences);
    if (
      options.allowOutsideTransaction &&
      isDrError(error, "MIGRATION_NOT_ATOMIC")
    ) {
      return { status: "untried", reason: String(error.values.what) };
    }
    throw error;
  }
}

function requireAtomic(
  { outside }: TransactionNeeds,
  file: MigrationFile,
): void {
  if (outside.length > 0) {
    const what = outside.map(describeStatement).join(", ");
    throw new DrError("MIGRATION_NOT_ATOMIC", { file: file.path, what });
  }
}

interface Effects {
  readonly changes: readonly SchemaChange[];
  readonly tables: TableChange;
  readonly histories: readonly MigrationHistory[];
}

/** Applies it in a transaction, which is left open. */
async function applyOpenly(
  { begin, statements }: TransactionNeeds,
  migrator: Migrator,
): Promise<Effects> {
  const { observer } = migrator;
  const schema = await describeSchema(observer);
  const before = await readStoredTables(observer);
  await migrator.order(begin?.text ?? "BEGIN");
  for (const statement of statements) {
    await migrator.run(statement);
  }
  const last = statements.at(-1);
  await migrator.run({
    text: "SET CONSTRAINTS ALL IMMEDIATE",
    normal: "deferred constraints",
    line: last?.line ?? 1,
  });
  return await migrator.look(async (session) => {
    const after = await readStoredTables(session);
    return {
      changes: compareSchemas(schema, await describeSchema(session)),
      tables: {
        before,
        after,
        rewritten: await readRewritten(session, before, after),
        written: await readWritten(session),
      },
      histories: await readApplied(session),
    };
  });
}

async function countAsBefore(
  migrator: Migrator,
  tables: TableChange,
  { signal }: RollbackOptions,
): Promise<readonly Loss[]> {
  await migrator.order("BEGIN READ ONLY");
  const losses = await migrator.look(
    async (session) =>
      await countLosses(
        {
          query: async (sql, values) => {
            signal?.throwIfAborted();
            return await session.query(sql, values);
          },
        },
        tables,
      ),
  );
  await migrator.rollBack();
  return losses;
}

/**
 * Makes a backup, applies the migration in one transaction, and commits it only
 * if it does what was shown.
 *
 * @param backUp - Makes a complete backup of the database as it is now.
 * @throws {DrError} what {@link prepareRollback} throws, and what making the
 * backup throws: then the database is as it was. MIGRATION_DRIFTED, likewise.
 * MIGRATION_HALF_DONE, outside of a transaction only; MIGRATION_UNCERTAIN.
 */
export async function applyRollback(
  prepared: PreparedRollback,
  options: RollbackOptions,
  backUp: () => Promise<FreshBackup>,
): Promise<RollbackResult> {
  const { file, trial } = prepared;
  return await withMigrator(file, options, async (migrator) => {
    await lockMigrations(migrator.observer, prepared.histories);
    const backup = await backUp();
    const { changes, histories } =
      trial.status === "tried"
        ? await applyAsShown(prepared, trial, migrator, async () => {
            await commit(file, migrator, backup, options.clock);
          })
        : await applyOneByOne(file, migrator, backup);
    const named = nameHistories(histories, file);
    return {
      backup,
      changes,
      histories: named,
      stillRecorded: findStillRecorded(prepared.undone, named),
    };
  });
}

async function applyAsShown(
  { file, database }: PreparedRollback,
  trial: TriedRollback,
  migrator: Migrator,
  commitIt: () => Promise<void>,
): Promise<Pick<Effects, "changes" | "histories">> {
  const sequences = await readSequencePlaces(migrator.observer);
  try {
    const needs = transactionNeeds(file.statements);
    const { changes, histories } = await applyOpenly(needs, migrator);
    if (!isSame(trial.changes, changes)) {
      const what = "the rollback changes other things now";
      throw new DrError("MIGRATION_DRIFTED", { database, what });
    }
    await commitIt();
    return { changes, histories };
  } catch (error) {
    await undo(migrator, sequences);
    throw error;
  }
}

/** Where the server is gone the error that is on its way says it. */
async function undo(
  migrator: Migrator,
  sequences: readonly SequencePlace[],
): Promise<void> {
  await migrator.rollBack();
  await putSequencesForward(migrator.observer, sequences).catch(
    () => undefined,
  );
}

/** What is made anew has another number each time. */
function isSame(
  shown: readonly SchemaChange[],
  found: readonly SchemaChange[],
): boolean {
  const withoutIds = (changes: readonly SchemaChange[]) =>
    JSON.stringify(changes, (key, value: unknown) =>
      key === "id" ? undefined : value,
    );
  return withoutIds(shown) === withoutIds(found);
}
