import { DrError } from "../../core/errors.js";
import {
  numberIn,
  withoutEnding,
  type MigrationFile,
} from "./migration-file.js";
import {
  forgettingSql,
  type AppliedMigration,
  type MigrationHistory,
} from "./read-applied.js";

/** The applied migration that a file undoes, as far as names tell. */
export interface UndoneMigration {
  readonly history: MigrationHistory;
  readonly migration: AppliedMigration;
  /** As people know it. */
  readonly name: string;
  /** Applied after it, oldest first: they may build on what is undone. */
  readonly later: readonly string[];
}

/** Each history in the words of the files beside the migration. */
export function nameHistories(
  histories: readonly MigrationHistory[],
  file: MigrationFile,
): readonly MigrationHistory[] {
  return histories.map((history) =>
    history.tool === "golang-migrate" ? expand(history, file) : history,
  );
}

/** Its table holds only the version it is at: applied is whatever file comes no later. */
function expand(
  history: MigrationHistory,
  { neighbours }: MigrationFile,
): MigrationHistory {
  const [at] = history.migrations;
  const version = at === undefined ? undefined : numberIn(at.name);
  const applied = neighbours.filter(
    (name) => version !== undefined && (numberIn(name) ?? 0n) <= version,
  );
  if (at === undefined || applied.length === 0) {
    return history;
  }
  const last = applied.at(-1);
  return {
    ...history,
    migrations: applied.map((name) => ({
      name,
      state: name === last ? at.state : "applied",
    })),
    undoneByTool: last === undefined ? [] : [last],
  };
}

/**
 * Finds which applied migrations a file undoes: one of the same name, else the
 * only one of the same number. Undefined of a history in which there is none.
 *
 * @throws {DrError} MIGRATION_IS_UP when the file is byte for byte one that was applied.
 */
export function findUndone(
  histories: readonly MigrationHistory[],
  file: MigrationFile,
): readonly UndoneMigration[] {
  return histories.flatMap((history) => {
    const applied = history.migrations.filter(
      ({ state }) => state !== "rolled-back",
    );
    const same = applied.find(({ hash }) => hash === file.hash);
    if (same !== undefined) {
      throw new DrError("MIGRATION_IS_UP", {
        file: file.path,
        reason: `${history.table} says that it was applied, as ${nameOf(same, file)}`,
      });
    }
    const migration = findByName(applied, file);
    return migration === undefined
      ? []
      : [
          {
            history,
            migration,
            name: nameOf(migration, file),
            later: applied
              .slice(applied.indexOf(migration) + 1)
              .map((one) => nameOf(one, file)),
          },
        ];
  });
}

/** As people know it: Drizzle's table has numbers where its journal has names. */
export function nameOf(
  { name }: AppliedMigration,
  { journal }: MigrationFile,
): string {
  return journal.get(name) ?? name;
}

function findByName(
  applied: readonly AppliedMigration[],
  file: MigrationFile,
): AppliedMigration | undefined {
  const named = applied.find((one) =>
    file.names.includes(withoutEnding(nameOf(one, file))),
  );
  if (named !== undefined) {
    return named;
  }
  const numbers = file.names
    .map(numberIn)
    .filter((number) => number !== undefined);
  const numbered = applied.filter((one) => {
    const number = numberIn(withoutEnding(nameOf(one, file)));
    return number !== undefined && numbers.includes(number);
  });
  return numbered.length === 1 ? numbered[0] : undefined;
}

/** Undone, and its tool's table still says that it is applied. */
export interface StillRecorded {
  readonly table: string;
  readonly name: string;
  /** What takes it off the table; undefined where the tool itself must. */
  readonly forget?: string;
}

/**
 * Of the undone, those that the tools' tables go on listing. Their rows are left
 * alone: only who wrote the file knows what they stand for.
 *
 * @param after - The histories when the file was applied.
 */
export function findStillRecorded(
  undone: readonly UndoneMigration[],
  after: readonly MigrationHistory[],
): readonly StillRecorded[] {
  return undone.flatMap(({ history, migration, name }) => {
    const now = after.find(({ table }) => table === history.table);
    const isThere = now?.migrations.some(
      (one) => one.name === migration.name && one.state !== "rolled-back",
    );
    if (now === undefined || isThere !== true) {
      return [];
    }
    const forget = forgettingSql(now, migration);
    return [
      {
        table: history.table,
        name,
        ...(forget === undefined ? {} : { forget }),
      },
    ];
  });
}
