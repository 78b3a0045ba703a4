import type { Session } from "../session.js";
import { quoteName } from "./name.js";
import type { KeyedPair } from "./pair.js";
import {
  readRows,
  toColumns,
  unnestTexts,
  valueName,
  valuesOfRow,
} from "./rows.js";
import {
  castTo,
  columnOf,
  erasedOf,
  fromTable,
  keyName,
  matchesPick,
} from "./sql.js";

/** What became of a list of erased rows, of which some entries protect nobody. */
export interface ErasedList {
  readonly table: string;
  readonly entries: number;
  /** In neither database: erased before the backup was made, or written otherwise than the key. */
  readonly unmatched: number;
  /** Those of them that differ only by blanks or case from a row of the backup. */
  readonly alike: number;
}

/** Looks at a list as {@link addErased} has filled it; undefined where it is empty. */
export async function checkErased(
  old: Session,
  live: Session,
  pair: KeyedPair,
): Promise<ErasedList | undefined> {
  const isAbsent = `NOT EXISTS (SELECT FROM ${fromTable(pair.old)} AS c WHERE ${matchesPick(pair, "e", "c")})`;
  const absent = `FROM ${erasedOf(pair)} AS e WHERE ${isAbsent}`;
  const [all] = await old.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${erasedOf(pair)}`,
  );
  if ((all?.n ?? 0) === 0) {
    return undefined;
  }
  const [found] = await old.query<{ n: number }>(
    `SELECT count(*)::int AS n ${absent} AND EXISTS (
       SELECT FROM ${fromTable(pair.old)} AS c WHERE ${isAlike(pair)})`,
  );
  return {
    table: pair.name,
    entries: all?.n ?? 0,
    unmatched: await countAbsent(old, live, pair, absent),
    alike: found?.n ?? 0,
  };
}

/** But for blanks and case. */
function isAlike({ key }: KeyedPair): string {
  const plain = (text: string) =>
    `lower(btrim(${text}::text, E' \\t\\r\\n')) COLLATE "C"`;
  return key.columns
    .map(
      (name, index) =>
        `${plain(`c.${quoteName(name)}`)} = ${plain(`e.${keyName(index)}`)}`,
    )
    .join(" AND ");
}

/** Of those that aren't in the backup: how many aren't in the live table either. */
async function countAbsent(
  old: Session,
  live: Session,
  pair: KeyedPair,
  absent: string,
): Promise<number> {
  const width = pair.key.columns.length;
  const keys = pair.key.columns.map(
    (_, index) =>
      `${pair.texts.send(`e.${keyName(index)}::text`)} AS ${valueName(index)}`,
  );
  let count = 0;
  for await (const batch of readRows(
    old,
    `SELECT ${keys.join(", ")} ${absent}`,
  )) {
    const rows = batch.map((row) => valuesOfRow(row, width));
    const [found] = await live.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${unnestTexts(width, pair.texts)}
       WHERE NOT EXISTS (SELECT FROM ${fromTable(pair.live)} AS l WHERE ${isSent(pair)})`,
      toColumns(rows, width),
    );
    count += found?.n ?? 0;
  }
  return count;
}

/** By the column's type, unless it is another since. */
function isSent({ key, live, columns }: KeyedPair): string {
  return key.columns
    .map((name, index) => {
      const sent = `s.${valueName(index)}`;
      const column = columnOf(live, name);
      return column !== undefined &&
        columns.some((one) => one.name === name && one.isSame)
        ? `${castTo(column, sent)} ${key.operators[index] ?? "="} l.${quoteName(name)}`
        : `${sent} = l.${quoteName(name)}::text`;
    })
    .join(" AND ");
}
