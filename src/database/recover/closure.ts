import type { Session } from "../session.js";
import type { Catalogue, ForeignKey, Table } from "./catalogue.js";
import { quoteName, showTable } from "./name.js";
import type { KeyedPair, Pair } from "./pair.js";
import { addPicks, isLinked, LEFT_OUT, type Link } from "./picks.js";
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
  fromTable,
  keyTexts,
  matchesPick,
  picksOf,
  rowText,
} from "./sql.js";
import type { Texts } from "./texts.js";

/** The tables that a recovery may come to, and how they hang together. */
export interface Graph {
  readonly pairs: readonly KeyedPair[];
  /** What live rows need: the live tables' foreign keys. */
  readonly needs: readonly Need[];
  /** What hung on rows of the backup: its own foreign keys. */
  readonly hangs: readonly (Link & Pick<ForeignKey, "onDelete" | "name">)[];
  /** Tables whose rows hung on them and can't be told apart, or that aren't there any more. */
  readonly unseen: readonly string[];
  /** Tables that rows hung on from, where what hung on them isn't asked for. */
  readonly unasked: readonly {
    readonly parent: KeyedPair;
    readonly table: string;
  }[];
}

/** A foreign key of a live table. */
export interface Need {
  readonly name: string;
  readonly child: KeyedPair;
  readonly childColumns: readonly string[];
  readonly parentTable: Table;
  readonly parentColumns: readonly string[];
  readonly operators: readonly string[];
  /** Undefined where the backup hasn't what could be brought back. */
  readonly parent: KeyedPair | undefined;
}

/** All that can be reached from a table. */
export function reach(
  root: KeyedPair,
  pairs: readonly Pair[],
  old: Catalogue,
  live: Catalogue,
  hasChildren: boolean,
): Graph {
  const keyed = pairs.filter(
    (pair): pair is KeyedPair => pair.key !== undefined,
  );
  const byOld = new Map(keyed.map((pair) => [pair.old.oid, pair]));
  const byLive = new Map(keyed.map((pair) => [pair.live.oid, pair]));
  const found = new Set<KeyedPair>([root]);
  const needs: Need[] = [];
  const hangs: Graph["hangs"][number][] = [];
  const unseen = new Set<string>();
  const unasked: Graph["unasked"][number][] = [];
  // A set is walked through to what is added on the way.
  for (const pair of found) {
    for (const key of live.foreignKeys) {
      const need =
        key.child === pair.live.oid && toNeed(key, pair, byLive, live);
      if (need) {
        needs.push(need);
        if (need.parent !== undefined) {
          found.add(need.parent);
        }
      }
    }
    for (const key of old.foreignKeys) {
      if (key.parent !== pair.old.oid) {
        continue;
      }
      if (!hasChildren) {
        unasked.push({ parent: pair, table: nameOf(key.child, old) });
        continue;
      }
      const child = byOld.get(key.child);
      if (child === undefined) {
        unseen.add(nameOf(key.child, old));
        continue;
      }
      hangs.push({ ...key, child, parent: pair });
      found.add(child);
    }
  }
  return { pairs: [...found], needs, hangs, unseen: [...unseen], unasked };
}

function nameOf(oid: string, { tables }: Catalogue): string {
  const found = tables.find((table) => table.oid === oid);
  return found === undefined ? oid : showTable(found);
}

function toNeed(
  key: ForeignKey,
  child: KeyedPair,
  byLive: ReadonlyMap<string, KeyedPair>,
  live: Catalogue,
): Need | undefined {
  const parentTable = live.tables.find(({ oid }) => oid === key.parent);
  const isBroughtBack = key.childColumns.every((name) =>
    child.columns.some((column) => column.name === name),
  );
  if (parentTable === undefined || !isBroughtBack) {
    return undefined;
  }
  const parent = byLive.get(key.parent);
  const isThere = key.parentColumns.every(
    (name) => parent !== undefined && columnOf(parent.old, name) !== undefined,
  );
  return {
    ...key,
    child,
    parentTable,
    parent: isThere ? parent : undefined,
  };
}

/** Both kinds of links, for what refers to what is erased. */
export function linksOf({ needs, hangs }: Graph): readonly Link[] {
  const all: readonly Link[] = [
    ...hangs,
    ...needs.flatMap((need) =>
      need.parent === undefined ? [] : [{ ...need, parent: need.parent }],
    ),
  ];
  const told = new Map(
    all.map((link) => [
      JSON.stringify([
        link.child.index,
        link.childColumns,
        link.parent.index,
        link.parentColumns,
      ]),
      link,
    ]),
  );
  return [...told.values()];
}

/** What a look at everything around the chosen rows has shown, besides more rows. */
export interface Surroundings {
  /** By foreign key: rows that refer to what is nowhere. */
  readonly broken: ReadonlyMap<Need, number>;
  /** Live rows that referred to the missing ones, and no longer do. */
  readonly unset: readonly Unset[];
}

export interface Unset {
  readonly table: string;
  readonly columns: readonly string[];
  readonly count: number;
  /** The first few keys. */
  readonly keys: readonly (readonly string[])[];
}

const SHOWN_KEYS = 20;

/**
 * Adds the parents that the chosen rows need and that are missing in the live
 * database, and what hung on them, and theirs in turn.
 */
export async function close(
  old: Session,
  live: Session,
  graph: Graph,
): Promise<Surroundings> {
  const broken = new Map<Need, number>();
  const unset = new Map<Graph["hangs"][number], Unset>();
  let open: ReadonlySet<KeyedPair> = new Set(graph.pairs);
  await startRounds(old, graph.pairs);
  for (let round = 1; open.size > 0; round += 1) {
    const next = new Set<KeyedPair>();
    for (const need of graph.needs.filter(({ child }) => open.has(child))) {
      const { added, nowhere } = await addParents(old, live, need, round);
      if (added > 0 && need.parent !== undefined) {
        next.add(need.parent);
      }
      if (nowhere > 0) {
        broken.set(need, (broken.get(need) ?? 0) + nowhere);
      }
    }
    for (const hang of graph.hangs.filter(({ parent }) => open.has(parent))) {
      if (hang.onDelete === "unset") {
        const before = unset.get(hang);
        unset.set(hang, await findUnset(old, live, hang, round, before));
      } else if ((await addChildren(old, live, hang, round)) > 0) {
        next.add(hang.child);
      }
    }
    open = next;
  }
  return {
    broken,
    unset: [...unset.values()].filter(({ count }) => count > 0),
  };
}

/** The rows asked for are the first round. */
async function startRounds(
  { query }: Session,
  pairs: readonly KeyedPair[],
): Promise<void> {
  for (const pair of pairs) {
    await query(`UPDATE ${picksOf(pair)} SET round = 1 WHERE round <> 1`);
    await query(`ANALYZE ${picksOf(pair)}`);
  }
}

async function addParents(
  old: Session,
  live: Session,
  need: Need,
  round: number,
): Promise<{ readonly added: number; readonly nowhere: number }> {
  const { child, childColumns, parent, parentTable, parentColumns } = need;
  const width = childColumns.length;
  const values = childColumns.map(
    (name, index) =>
      `${child.texts.send(`c.${quoteName(name)}::text`)} AS ${valueName(index)}`,
  );
  const keyed = parent === undefined ? [] : keyTexts(parent, "p", width);
  const join =
    parent === undefined
      ? ""
      : `LEFT JOIN ${fromTable(parent.old)} AS p ON ${isLinked(need, ["p", parent.old], ["c", child.old])}`;
  const present = childColumns.map(
    (name) => `c.${quoteName(name)} IS NOT NULL`,
  );
  let [added, nowhere] = [0, 0];
  const references = readRows(
    old,
    `SELECT DISTINCT ${[...values, ...keyed].join(", ")}
     FROM ${picksOf(child)} AS x JOIN ${fromTable(child.old)} AS c ON ${matchesPick(child, "x", "c")}
     ${join}
     WHERE x.round = $1 AND x.why NOT IN ${LEFT_OUT} AND ${present.join(" AND ")}`,
    [round],
  );
  for await (const batch of references) {
    const rows = batch.map((row) => valuesOfRow(row, width + keyed.length));
    const missing = await findAbsent(live, {
      table: parentTable,
      columns: parentColumns,
      operators: need.operators,
      texts: child.texts,
      rows: rows.map((row) => row.slice(0, width) as string[]),
    });
    const keys = missing.map((index) => rows[index]?.slice(width) ?? []);
    const known = keys.filter(
      (key): key is string[] => key.length > 0 && !key.includes(null),
    );
    nowhere += keys.length - known.length;
    if (parent !== undefined) {
      const addition = {
        keys: known,
        why: "parent",
        round: round + 1,
      } as const;
      added += await addPicks(old, parent, addition);
    }
  }
  return { added, nowhere };
}

async function addChildren(
  old: Session,
  live: Session,
  link: Link,
  round: number,
): Promise<number> {
  const { child } = link;
  const width = child.key.columns.length;
  let added = 0;
  for await (const batch of readRows(
    old,
    `SELECT DISTINCT ${keyTexts(child, "c").join(", ")} ${fromHanging(link)}`,
    [round],
  )) {
    const keys = batch.map((row) => valuesOfRow(row, width) as string[]);
    const missing = await findAbsentKeys(live, child, keys);
    added += await addPicks(old, child, {
      keys: missing.map((index) => keys[index] ?? []),
      why: "child",
      round: round + 1,
    });
  }
  return added;
}

/** What hung on a round's rows that were missing themselves. */
function fromHanging(link: Link): string {
  const { child, parent } = link;
  return `FROM ${picksOf(parent)} AS x
    JOIN ${fromTable(parent.old)} AS p ON ${matchesPick(parent, "x", "p")}
    JOIN ${fromTable(child.old)} AS c ON ${isLinked(link, ["p", parent.old], ["c", child.old])}
    WHERE x.round = $1 AND x.why IN ('missing', 'child')`;
}

async function findUnset(
  old: Session,
  live: Session,
  link: Link,
  round: number,
  before: Unset | undefined,
): Promise<Unset> {
  const { child, childColumns } = link;
  const width = child.key.columns.length;
  let count = before?.count ?? 0;
  const keys = [...(before?.keys ?? [])];
  const areThere = childColumns.every(
    (name) => columnOf(child.live, name) !== undefined,
  );
  for await (const batch of areThere
    ? readRows(
        old,
        `SELECT DISTINCT ${keyTexts(child, "c").join(", ")},
           ${child.texts.send(rowText(childColumns, "c"))} AS ${valueName(width)} ${fromHanging(link)}`,
        [round],
      )
    : []) {
    const rows = batch.map((row) => valuesOfRow(row, width + 1) as string[]);
    const changed = await live.query<{ n: string }>(
      `SELECT s.n::text FROM ${unnestTexts(width + 1, child.texts)}
       JOIN ${fromTable(child.live)} AS l ON ${isSent(child.live, child.key.columns, child.key.operators, "l")}
       WHERE ${rowText(childColumns, "l")} IS DISTINCT FROM s.${valueName(width)} ORDER BY s.n`,
      toColumns(rows, width + 1),
    );
    count += changed.length;
    for (const { n } of changed.slice(0, SHOWN_KEYS - keys.length)) {
      const key = (rows[Number(n) - 1] ?? []).slice(0, width);
      keys.push(key.map((value) => child.texts.show(value)));
    }
  }
  return { table: child.name, columns: childColumns, count, keys };
}

interface Wanted {
  readonly table: Table;
  readonly columns: readonly string[];
  readonly operators: readonly string[];
  readonly texts: Texts;
  readonly rows: readonly (readonly string[])[];
}

/** Which of some values no row of a live table has; their places. */
async function findAbsent(
  { query }: Session,
  { table, columns, operators, texts, rows }: Wanted,
): Promise<readonly number[]> {
  const absent = await query<{ n: string }>(
    `SELECT s.n::text FROM ${unnestTexts(columns.length, texts)} WHERE NOT EXISTS (
       SELECT FROM ${fromTable(table)} AS l WHERE ${isSent(table, columns, operators, "l")})`,
    toColumns(rows, columns.length),
  );
  return absent.map(({ n }) => Number(n) - 1);
}

/** Which of some keys no live row has; their places. */
async function findAbsentKeys(
  live: Session,
  { live: table, key, texts }: KeyedPair,
  rows: readonly (readonly string[])[],
): Promise<readonly number[]> {
  return await findAbsent(live, { table, ...key, texts, rows });
}

/** A live row has the values that were sent as texts. */
function isSent(
  table: Table,
  columns: readonly string[],
  operators: readonly string[],
  row: string,
): string {
  return columns
    .map((name, index) => {
      const column = columnOf(table, name);
      const text = `s.${valueName(index)}`;
      const value = column === undefined ? text : castTo(column, text);
      return `${row}.${quoteName(name)} ${operators[index] ?? "="} ${value}`;
    })
    .join(" AND ");
}
