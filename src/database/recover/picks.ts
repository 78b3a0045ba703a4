import { DrError, isDrError } from "../../core/errors.js";
import type { Session } from "../session.js";
import type { Table } from "./catalogue.js";
import { quoteName, quoteTable } from "./name.js";
import type { KeyedPair } from "./pair.js";
import { toColumns, unnestTexts, valueName } from "./rows.js";
import {
  castTo,
  columnOf,
  erasedOf,
  fromTable,
  keyName,
  matchesPick,
  picksOf,
} from "./sql.js";

/**
 * Why a row of the backup is looked at: it is missing or changed, those need it,
 * it hung on them; or why it stays away: it is erased, or needs one that is.
 */
export type Why =
  "missing" | "changed" | "parent" | "child" | "erased" | "orphan";

/** Those that stay away. */
export const LEFT_OUT = `('erased', 'orphan')`;

/** Makes the lists in the backup's database; before its transaction, in which nothing is made. */
export async function createPicks(
  { query }: Session,
  pairs: readonly KeyedPair[],
): Promise<void> {
  for (const pair of pairs) {
    const names = pair.key.columns.map((_, index) => keyName(index));
    const columns = pair.key.columns.map(
      (name, index) => `${quoteName(name)} AS ${keyName(index)}`,
    );
    const list = columns.join(", ");
    const from = quoteTable(pair.old);
    for (const [table, more] of [
      [picksOf(pair), ", ''::text AS why, 0 AS round"],
      [erasedOf(pair), ""],
    ] as const) {
      await query(
        `CREATE TEMP TABLE ${table.replace("pg_temp.", "")} AS
           SELECT ${list}${more} FROM ${from} WITH NO DATA;
         CREATE UNIQUE INDEX ON ${table} (${names.join(", ")})`,
      );
    }
  }
}

/** What can go into one list at a time. */
export interface Addition {
  readonly keys: readonly (readonly string[])[];
  readonly why: Why;
  readonly round: number;
}

/**
 * Adds keys. What hung on a row says more than what one needs: it brings along
 * what hangs on it in turn.
 *
 * @returns how many weren't there so.
 */
export async function addPicks(
  { query }: Session,
  pair: KeyedPair,
  { keys, why, round }: Addition,
): Promise<number> {
  if (keys.length === 0) {
    return 0;
  }
  const width = pair.key.columns.length;
  const names = pair.key.columns.map((_, index) => keyName(index)).join(", ");
  const [added] = await query<{ n: number }>(
    `WITH added AS (
       INSERT INTO ${picksOf(pair)} AS x (${names}, why, round)
       SELECT DISTINCT ${keyCasts(pair)}, $${String(width + 1)}, $${String(width + 2)}::int
       FROM ${unnestTexts(width, pair.texts)}
       ON CONFLICT (${names}) DO UPDATE SET why = excluded.why, round = excluded.round
         WHERE x.why = 'parent' AND excluded.why = 'child'
       RETURNING 1
     ) SELECT count(*)::int AS n FROM added`,
    [...toColumns(keys, width), why, round],
  );
  return added?.n ?? 0;
}

/** `s.v0::bigint, s.v1::text` */
function keyCasts({ key, old }: KeyedPair): string {
  return key.columns
    .map((name, index) => {
      const column = columnOf(old, name);
      const value = `s.${valueName(index)}`;
      return column === undefined ? value : castTo(column, value);
    })
    .join(", ");
}

/** Keeps of a list what a condition of the user's holds for. @throws {DrError} RECOVER_WHERE_INVALID. */
export async function restrictPicks(
  { query }: Session,
  pair: KeyedPair,
  where: string,
): Promise<void> {
  // Names in it are looked up as everybody's are; of all else, only in pg_catalog.
  const path = `${quoteName(pair.old.schema)}, public`;
  await query(
    `SET LOCAL search_path = ${path}; SET LOCAL standard_conforming_strings = on`,
  );
  try {
    // With a value it is one statement: nothing can be hung on behind it.
    await query(
      `DELETE FROM ${picksOf(pair)} AS dr_pick WHERE $1::boolean AND NOT EXISTS (
         SELECT FROM ${fromTable(pair.old)}
         WHERE ${matchesPick(pair, "dr_pick", quoteName(pair.old.name))} AND (${where}
       ))`,
      [true],
    );
  } catch (error) {
    if (!isDrError(error, "DATABASE_FAILED")) {
      throw error;
    }
    const reason = String(error.values.reason);
    throw new DrError("RECOVER_WHERE_INVALID", { reason }, { cause: error });
  }
  await query(`SET LOCAL search_path = ''`);
}

/** Fills the list of what must not come back. @throws {DrError} RECOVER_ERASED_INVALID. */
export async function addErased(
  { query }: Session,
  pair: KeyedPair,
  keys: readonly (readonly string[])[],
): Promise<void> {
  const width = pair.key.columns.length;
  const odd = keys.find((key) => key.length !== width);
  const invalid = (reason: string, cause?: unknown) =>
    new DrError(
      "RECOVER_ERASED_INVALID",
      { table: pair.name, reason },
      { cause },
    );
  if (odd !== undefined) {
    throw invalid(
      `one of its keys has ${String(odd.length)} values, the table's ${String(width)} (${pair.key.columns.join(", ")})`,
    );
  }
  const sent = keys.map((key) =>
    key.map((written) => {
      const text = pair.texts.read(written);
      if (text === undefined) {
        throw invalid(
          `${written} isn't as PostgreSQL writes bytes in a text, E'caf\\xe9'`,
        );
      }
      return text;
    }),
  );
  try {
    await query(
      `INSERT INTO ${erasedOf(pair)} SELECT ${keyCasts(pair)}
       FROM ${unnestTexts(width, pair.texts)} ON CONFLICT DO NOTHING`,
      toColumns(sent, width),
    );
    await query(`ANALYZE ${erasedOf(pair)}`);
  } catch (error) {
    throw isDrError(error, "DATABASE_FAILED")
      ? invalid(String(error.values.reason), error)
      : error;
  }
}

/** A foreign key between tables that are looked at, as the backup's database has its columns. */
export interface Link {
  readonly child: KeyedPair;
  readonly childColumns: readonly string[];
  readonly parent: KeyedPair;
  readonly parentColumns: readonly string[];
  readonly operators: readonly string[];
}

/** A child's row belongs to a parent's. */
export function isLinked(
  { childColumns, parentColumns, operators }: Omit<Link, "child" | "parent">,
  [parent, parentTable]: readonly [string, Table],
  [child, childTable]: readonly [string, Table],
): string {
  return parentColumns
    .map((name, index) => {
      const own = columnOf(parentTable, name)?.collation ?? null;
      const childName = childColumns[index] ?? name;
      const other = columnOf(childTable, childName)?.collation ?? null;
      // Two columns' collations would contradict each other.
      const collation =
        own === other ? "" : ` COLLATE ${own ?? 'pg_catalog."default"'}`;
      return `${parent}.${quoteName(name)} ${operators[index] ?? "="} ${child}.${quoteName(childName)}${collation}`;
    })
    .join(" AND ");
}

/**
 * Marks what is erased, and all that refers to it, directly or not.
 *
 * @returns how many rows it newly is.
 */
export async function leaveOutErased(
  { query }: Session,
  pairs: readonly KeyedPair[],
  links: readonly Link[],
): Promise<number> {
  const count = async (update: string) => {
    const [row] = await query<{ n: number }>(
      `WITH u AS (${update} RETURNING 1) SELECT count(*)::int AS n FROM u`,
    );
    return row?.n ?? 0;
  };
  let all = 0;
  for (const pair of pairs) {
    const same = pair.key.columns.map(
      (_, index) =>
        `e.${keyName(index)} ${pair.key.operators[index] ?? "="} x.${keyName(index)}`,
    );
    all += await count(
      `UPDATE ${picksOf(pair)} AS x SET why = 'erased' WHERE why NOT IN ${LEFT_OUT}
       AND EXISTS (SELECT FROM ${erasedOf(pair)} AS e WHERE ${same.join(" AND ")})`,
    );
  }
  for (;;) {
    let more = 0;
    for (const link of links) {
      const { child, parent } = link;
      more += await count(
        `UPDATE ${picksOf(child)} AS x SET why = 'orphan' WHERE why NOT IN ${LEFT_OUT}
         AND EXISTS (
           SELECT FROM ${fromTable(child.old)} AS c JOIN ${fromTable(parent.old)} AS p
             ON ${isLinked(link, ["p", parent.old], ["c", child.old])}
           WHERE ${matchesPick(child, "x", "c")} AND (
             EXISTS (SELECT FROM ${erasedOf(parent)} AS e WHERE ${matchesPick(parent, "e", "p")})
             OR EXISTS (SELECT FROM ${picksOf(parent)} AS y
                        WHERE ${matchesPick(parent, "y", "p")} AND y.why IN ${LEFT_OUT})))`,
      );
    }
    if (more === 0) {
      return all;
    }
    all += more;
  }
}

/** Takes back what was added for the sake of the rows asked for, which begin a new first round. */
export async function keepRoots(
  { query }: Session,
  pairs: readonly KeyedPair[],
): Promise<void> {
  for (const pair of pairs) {
    await query(
      `DELETE FROM ${picksOf(pair)} WHERE why IN ('parent', 'child')`,
    );
  }
}

/** How many rows a list has, by why. */
export async function countPicks(
  { query }: Session,
  pair: KeyedPair,
): Promise<Readonly<Record<Why, number>>> {
  const counts: Record<Why, number> = {
    missing: 0,
    changed: 0,
    parent: 0,
    child: 0,
    erased: 0,
    orphan: 0,
  };
  const rows = await query<{ why: Why; n: number }>(
    `SELECT why, count(*)::int AS n FROM ${picksOf(pair)} GROUP BY why`,
  );
  rows.forEach(({ why, n }) => (counts[why] = n));
  return counts;
}
