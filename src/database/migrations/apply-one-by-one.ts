import { DrError } from "../../core/errors.js";
import type { FreshBackup } from "./fresh-backup.js";
import type { MigrationFile } from "./migration-file.js";
import { reasonOf, type Migrator } from "./migrator.js";
import { readApplied, type MigrationHistory } from "./read-applied.js";
import {
  compareSchemas,
  describeSchema,
  type SchemaChange,
  type SchemaDescription,
} from "./schema.js";
import type { Statement } from "./split-statements.js";
import { describeStatement, kindOf } from "./transaction-needs.js";

export interface AppliedOneByOne {
  readonly changes: readonly SchemaChange[];
  readonly histories: readonly MigrationHistory[];
}

/**
 * Applies a migration one statement after the other, as psql would: what is
 * done stays done.
 *
 * @throws {DrError} MIGRATION_HALF_DONE; what the first statement fails with
 * where it left nothing behind.
 */
export async function applyOneByOne(
  file: MigrationFile,
  migrator: Migrator,
  backup: FreshBackup,
): Promise<AppliedOneByOne> {
  const { observer } = migrator;
  const before = await describeSchema(observer);
  const done: Statement[] = [];
  for (const statement of file.statements) {
    try {
      await migrator.runAlone(statement);
    } catch (error) {
      await migrator.rollBack();
      throw await halfDone(
        file,
        { error, statement, done, before },
        migrator,
        backup,
      );
    }
    done.push(statement);
  }
  return {
    changes: compareSchemas(before, await describeSchema(observer)),
    histories: await readApplied(observer),
  };
}

interface Failure {
  readonly error: unknown;
  readonly statement: Statement;
  readonly done: readonly Statement[];
  readonly before: SchemaDescription;
}

/** The error itself where nothing was done; an index that was being built may be left behind, not valid. */
async function halfDone(
  { path }: MigrationFile,
  { error, statement, done, before }: Failure,
  { observer }: Migrator,
  { name, at }: FreshBackup,
): Promise<unknown> {
  const kept = withoutOpenTransaction(done).map(describeStatement);
  if (kept.length === 0) {
    const after = await describeSchema(observer).catch(() => undefined);
    if (after !== undefined && compareSchemas(before, after).length === 0) {
      return error;
    }
  }
  return new DrError(
    "MIGRATION_HALF_DONE",
    {
      file: path,
      line: statement.line,
      kind: kindOf(statement),
      reason: reasonOf(error),
      done: kept.join(", ") || "part of that statement",
      restore: `npx hardhat dr:db:restore ${name}`,
      at,
    },
    { cause: error },
  );
}

/** What it did since its own last `BEGIN` went with the transaction. */
function withoutOpenTransaction(
  done: readonly Statement[],
): readonly Statement[] {
  const begin = done.findLastIndex(({ normal }) =>
    /^(BEGIN|START TRANSACTION)\b/.test(normal),
  );
  const end = done.findLastIndex(({ normal }) =>
    /^(COMMIT|END|ROLLBACK|ABORT|PREPARE TRANSACTION)\b(?!.*\bTO\b)/.test(
      normal,
    ),
  );
  return begin > end ? done.slice(0, begin) : done;
}
