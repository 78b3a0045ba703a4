import { DrError } from "../../core/errors.js";
import type { Catalogue, Column, Table, Unique } from "./catalogue.js";
import {
  quoteName,
  quoteTable,
  showTable,
  type QualifiedName,
} from "./name.js";
import { textsOf, type Texts } from "./texts.js";

/** A table as it was, and as it is. */
export interface Pair {
  /** Names what is kept of it while rows are recovered. */
  readonly index: number;
  /** For people. */
  readonly name: string;
  readonly old: Table;
  readonly live: Table;
  /** What tells its rows apart; undefined where nothing does. */
  readonly key: Key | undefined;
  /** What rows are brought back with. */
  readonly columns: readonly PairedColumn[];
  /** Only in the backup: what was in them isn't brought back. */
  readonly lost: readonly string[];
  /** Only in the live table: they get their default. */
  readonly added: readonly string[];
  /** Rows can't be brought back into it, and why. */
  readonly obstacle: DrError | undefined;
  readonly texts: Texts;
}

export interface Key {
  readonly columns: readonly string[];
  readonly operators: readonly string[];
  readonly isPrimary: boolean;
}

export interface PairedColumn {
  readonly name: string;
  readonly old: Column;
  readonly live: Column;
  /** Declared the same, so that the same value has the same text. */
  readonly isSame: boolean;
}

/** A pair whose rows can be told apart. */
export type KeyedPair = Pair & { readonly key: Key };

export interface PairOptions {
  /** Columns to tell rows apart by, of tables that have no primary key. */
  readonly keys?: ReadonlyMap<string, readonly string[]>;
}

/** All tables that are in both. */
export function pairTables(
  old: Catalogue,
  live: Catalogue,
  { keys = new Map() }: PairOptions = {},
): readonly Pair[] {
  const texts = textsOf(old.encoding);
  const lives = new Map(live.tables.map((table) => [showTable(table), table]));
  return old.tables.flatMap((table, index) => {
    const name = showTable(table);
    const now = lives.get(name);
    return now === undefined || table.root !== null || now.root !== null
      ? []
      : [{ ...pair(index, name, table, now, keys.get(name)), texts }];
  });
}

function pair(
  index: number,
  name: string,
  old: Table,
  live: Table,
  wanted: readonly string[] | undefined,
): Omit<Pair, "texts"> {
  const columns = old.columns.flatMap((column) => {
    const now = live.columns.find((one) => one.name === column.name);
    return now === undefined || now.isGenerated
      ? []
      : [
          {
            name: column.name,
            old: column,
            live: now,
            isSame: column.declared === now.declared,
          },
        ];
  });
  const isIn = (column: Column, table: Table) =>
    table.columns.some((one) => one.name === column.name);
  const added = live.columns.filter(
    (column) => !column.isGenerated && !isIn(column, old),
  );
  const unfilled = added.find(
    ({ isRequired, hasDefault }) => isRequired && !hasDefault,
  );
  return {
    index,
    name,
    old,
    live,
    key: findKey(old, live, wanted),
    columns,
    lost: old.columns
      .filter((column) => !isIn(column, live))
      .map((column) => column.name),
    added: added.map((column) => column.name),
    obstacle:
      unfilled === undefined
        ? undefined
        : new DrError("RECOVER_SCHEMA_CHANGED", {
            table: name,
            reason: `its column ${unfilled.name} is new, must not be null and has no default`,
          }),
  };
}

/** The backup's primary key where live rows are unique by it too, else what was asked for, else anything that does. */
function findKey(
  old: Table,
  live: Table,
  wanted: readonly string[] | undefined,
): Key | undefined {
  const possible = keysOf(old).filter(({ columns }) =>
    keysOf(live).some((one) => isSameSet(one.columns, columns)),
  );
  const primary = possible.find(({ isPrimary }) => isPrimary);
  const chosen =
    primary ??
    (wanted === undefined
      ? possible[0]
      : possible.find(({ columns }) => isSameSet(columns, wanted)));
  return (
    chosen && {
      columns: chosen.columns,
      operators: chosen.operators,
      isPrimary: chosen.isPrimary,
    }
  );
}

type PlainUnique = Unique & { readonly columns: readonly string[] };

/** Of columns that are unique together and never null. */
export function keysOf({ uniques, columns }: Table): readonly PlainUnique[] {
  return uniques.filter(
    (unique): unique is PlainUnique =>
      !unique.isExclusion &&
      unique.predicate === null &&
      unique.columns.every((name) =>
        columns.some((one) => one.name === name && one.isRequired),
      ),
  );
}

export function isSameSet(
  some: readonly string[],
  others: readonly string[],
): boolean {
  return (
    some.length === others.length && some.every((one) => others.includes(one))
  );
}

/** `profiles`, `app.Profiles`, or either in quotes. @throws {DrError} RECOVER_TABLE_UNKNOWN. */
export function findTable<T>(
  wanted: string,
  all: readonly T[],
  nameOf: (one: T) => QualifiedName,
  otherwise = "it isn't a table both of the backup and of the database",
): T {
  const found = all.filter((one) => isCalled(nameOf(one), wanted));
  const own = found.filter((one) => showTable(nameOf(one)) === wanted);
  const [one, ...others] = own.length === 1 ? own : found;
  if (one === undefined || others.length > 0) {
    throw new DrError("RECOVER_TABLE_UNKNOWN", {
      table: wanted,
      reason:
        one === undefined
          ? otherwise
          : `several schemas have one: ${found.map((one) => showQualified(nameOf(one))).join(", ")}`,
    });
  }
  return one;
}

/** With its schema whichever it is. */
function showQualified({ schema, name }: QualifiedName): string {
  return `${schema}.${name}`;
}

export function isCalled(table: QualifiedName, wanted: string): boolean {
  const { schema, name } = table;
  return [
    name,
    quoteName(name),
    `${schema}.${name}`,
    quoteTable(table),
  ].includes(wanted);
}

/**
 * @param isNamed - Whether somebody has said what its rows are told apart by.
 * @throws {DrError} RECOVER_KEY_MISSING.
 */
export function requireKey(pair: Pair, isNamed: boolean): KeyedPair {
  const { key, name, old, live } = pair;
  if (key === undefined || !(key.isPrimary || isNamed)) {
    const candidates = keysOf(old)
      .filter(({ columns }) =>
        keysOf(live).some((one) => isSameSet(one.columns, columns)),
      )
      .map(({ columns }) => columns.join(","));
    throw new DrError("RECOVER_KEY_MISSING", {
      table: name,
      candidates: candidates.join(" or ") || "COLUMN,COLUMN",
    });
  }
  return pair as KeyedPair;
}
