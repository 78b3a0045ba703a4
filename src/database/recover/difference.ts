import type { Session } from "../session.js";
import { quoteName, quoteTable } from "./name.js";
import type { KeyedPair } from "./pair.js";
import { readRows, valueName, valuesOfRow } from "./rows.js";

/** Rows fall into so many buckets by a hash of their key; a power of two. */
const BUCKETS = 65_536;

/** A row of the backup that isn't in the live table, or isn't the same there. */
export interface Difference {
  /** In the order of the key's columns, each in its text form. */
  readonly key: readonly string[];
  readonly kind: "missing" | "changed";
}

interface KeyRow {
  readonly hash: string;
  readonly content: string;
  readonly [value: string]: string;
}

/**
 * Compares two tables that no query can see together, in bounded memory and
 * whatever their collations: first both servers add up the hashes of their rows
 * by buckets, then only the rows of buckets that differ are read, ordered by
 * hash, and merged.
 *
 * @param isContentCompared - Also finds rows that have changed.
 */
export async function* compareTables(
  old: Session,
  live: Session,
  pair: KeyedPair,
  isContentCompared: boolean,
): AsyncGenerator<Difference[]> {
  const [before, now] = await Promise.all([
    sumBuckets(old, hashedRows(pair, "old", isContentCompared)),
    sumBuckets(live, hashedRows(pair, "live", isContentCompared)),
  ]);
  const differing = [...before]
    .filter(([bucket, sum]) => now.get(bucket) !== sum)
    .map(([bucket]) => bucket);
  if (differing.length === 0) {
    return;
  }
  const width = pair.key.columns.length;
  yield* merge(
    readBuckets(old, hashedRows(pair, "old", isContentCompared), differing),
    readBuckets(live, hashedRows(pair, "live", isContentCompared), differing),
    width,
  );
}

/** Each row's hash by its key, its content's, and the key. */
function hashedRows(
  { old, live, key, columns, texts: { send } }: KeyedPair,
  side: "old" | "live",
  isContentCompared: boolean,
): string {
  const table = side === "old" ? old : live;
  const only = table.isPartitioned ? "" : "ONLY ";
  const texts = key.columns.map((name) => `${quoteName(name)}::text`);
  const hashed =
    texts.length === 1 ? String(texts[0]) : `ROW(${texts.join(", ")})::text`;
  const content = isContentCompared
    ? `hashtextextended(ROW(${columns.map(({ name }) => quoteName(name)).join(", ")})::text COLLATE "C", 0)`
    : "0::bigint";
  const named = texts.map(
    (text, index) => `${send(text)} AS ${valueName(index)}`,
  );
  return `SELECT hashtextextended(${hashed} COLLATE "C", 0) AS hash, ${content} AS content,
    ${named.join(", ")} FROM ${only}${quoteTable(table)}`;
}

async function sumBuckets(
  { query }: Session,
  rows: string,
): Promise<ReadonlyMap<number, string>> {
  const sums = await query<{ bucket: number; sum: string }>(`
    SELECT (hash & ${String(BUCKETS - 1)})::int AS bucket,
      count(*) || '/' || sum(hash) || '/' || sum(content) AS sum
    FROM (${rows}) AS r GROUP BY 1`);
  return new Map(sums.map(({ bucket, sum }) => [bucket, sum]));
}

function readBuckets(
  session: Session,
  rows: string,
  buckets: readonly number[],
): AsyncGenerator<KeyRow[]> {
  return readRows<KeyRow>(
    session,
    `SELECT * FROM (${rows}) AS r
     WHERE (hash & ${String(BUCKETS - 1)})::int = ANY ('{${buckets.join(",")}}'::int[])
     ORDER BY hash`,
  );
}

/** Both are ordered by hash; rows of the same hash are told apart by their key. */
async function* merge(
  before: AsyncGenerator<KeyRow[]>,
  now: AsyncGenerator<KeyRow[]>,
  width: number,
): AsyncGenerator<Difference[]> {
  const lives = byHash(now)[Symbol.asyncIterator]();
  let live = await lives.next();
  let found: Difference[] = [];
  for await (const group of byHash(before)) {
    while (live.done !== true && live.value.hash < group.hash) {
      live = await lives.next();
    }
    const same =
      live.done !== true && live.value.hash === group.hash
        ? live.value.rows
        : [];
    const contents = new Map(
      same.map((row) => [keyText(row, width), row.content]),
    );
    for (const row of group.rows) {
      const content = contents.get(keyText(row, width));
      if (content !== row.content) {
        found.push({
          key: valuesOfRow(row, width) as string[],
          kind: content === undefined ? "missing" : "changed",
        });
      }
    }
    if (found.length >= 5000) {
      yield found;
      found = [];
    }
  }
  if (found.length > 0) {
    yield found;
  }
  // The connection is asked no further while a cursor is half read.
  while (live.done !== true) {
    live = await lives.next();
  }
}

function keyText(row: KeyRow, width: number): string {
  return width === 1
    ? String(row[valueName(0)])
    : JSON.stringify(valuesOfRow(row, width));
}

async function* byHash(
  batches: AsyncGenerator<KeyRow[]>,
): AsyncGenerator<{ readonly hash: bigint; readonly rows: readonly KeyRow[] }> {
  let hash: string | undefined;
  let rows: KeyRow[] = [];
  for await (const batch of batches) {
    for (const row of batch) {
      if (row.hash !== hash) {
        if (hash !== undefined) {
          yield { hash: BigInt(hash), rows };
        }
        hash = row.hash;
        rows = [];
      }
      rows.push(row);
    }
  }
  if (hash !== undefined) {
    yield { hash: BigInt(hash), rows };
  }
}
