import { DrError, isDrError } from "../../core/errors.js";
import type { Session } from "../session.js";
import type { Graph, Need } from "./closure.js";
import { isContention } from "./lock.js";
import { quoteName, quoteTable } from "./name.js";
import { groupInOrder, type Edge } from "./order.js";
import type { KeyedPair } from "./pair.js";
import { isLinked } from "./picks.js";
import type { StagedTable } from "./plan.js";
import { fromTable, hasSameKey, rowText, stageOf } from "./sql.js";
import { INSERTED, withUsersPath } from "./stage.js";

/**
 * Writes what is staged, proves that it is there, and moves sequences on; in
 * a transaction that is the caller's to end.
 *
 * @throws {DrError} RECOVER_REFUSED, RECOVER_NOT_EQUAL.
 */
export async function writeStaged(
  live: Session,
  graph: Graph,
  staged: readonly StagedTable[],
): Promise<void> {
  try {
    await withUsersPath(live, async () => {
      for (const group of inOrder(graph, staged)) {
        await live.query(insertTogether(group));
      }
      for (const table of staged) {
        await update(live, table);
      }
      // What else would wait until the end is checked now, while nothing is settled yet.
      await live.query("SET CONSTRAINTS ALL IMMEDIATE");
    });
  } catch (error) {
    throw isDrError(error, "DATABASE_FAILED") && !isContention(error)
      ? new DrError(
          "RECOVER_REFUSED",
          { reason: error.values.reason ?? "" },
          { cause: error },
        )
      : error;
  }
  for (const { pair } of staged) {
    await verifyRows(live, pair);
  }
  for (const need of graph.needs) {
    if (staged.some(({ pair }) => pair.index === need.child.index)) {
      await verifyReferences(live, need);
    }
  }
  for (const table of staged) {
    await moveSequences(live, table);
  }
}

/** Parents before children; tables that need each other together. */
function inOrder(
  { needs }: Graph,
  staged: readonly StagedTable[],
): readonly (readonly KeyedPair[])[] {
  const pairs = staged
    .filter(({ hasInserts }) => hasInserts)
    .map(({ pair }) => pair);
  const edges: Edge<KeyedPair>[] = needs.flatMap(({ parent, child }) =>
    parent === undefined || parent.index === child.index
      ? []
      : [[parent, child] as const],
  );
  return groupInOrder(pairs, edges);
}

/**
 * Foreign keys are checked when a statement is through: rows that refer to
 * each other, of one table or of several, must come with one statement.
 */
function insertTogether(pairs: readonly KeyedPair[]): string {
  const inserts = pairs.map((pair) => {
    const names = pair.columns.map(({ name }) => quoteName(name)).join(", ");
    return `INSERT INTO ${quoteTable(pair.live)} (${names}) OVERRIDING SYSTEM VALUE
      SELECT ${names} FROM ${stageOf(pair)} WHERE dr_why IN ${INSERTED}`;
  });
  const [first = "", ...others] = inserts;
  const before = others.map(
    (insert, index) => `i${String(index)} AS (${insert})`,
  );
  return before.length === 0 ? first : `WITH ${before.join(", ")} ${first}`;
}

async function update(
  { query }: Session,
  { pair, changedColumns }: StagedTable,
): Promise<void> {
  if (changedColumns.length === 0) {
    return;
  }
  const set = changedColumns.map(
    (name) => `${quoteName(name)} = s.${quoteName(name)}`,
  );
  await query(
    `UPDATE ${fromTable(pair.live)} AS l SET ${set.join(", ")}
     FROM ${stageOf(pair)} AS s WHERE s.dr_why = 'changed' AND ${hasSameKey(pair, "s", "l")}`,
  );
}

/** Each is there as it was, to the last character: a trigger may have had other ideas. */
async function verifyRows({ query }: Session, pair: KeyedPair): Promise<void> {
  const names = pair.columns.map(({ name }) => name);
  const isAbsent = `l.${quoteName(pair.key.columns[0] ?? "")} IS NULL`;
  const [found] = await query<{ absent: number; different: number }>(
    `SELECT count(*) FILTER (WHERE ${isAbsent})::int AS absent,
       count(*) FILTER (WHERE NOT ${isAbsent}
         AND ${rowText(names, "s")} COLLATE "C" <> ${rowText(names, "l")})::int AS different
     FROM ${stageOf(pair)} AS s
     LEFT JOIN ${fromTable(pair.live)} AS l ON ${hasSameKey(pair, "s", "l")}`,
  );
  const { absent = 0, different = 0 } = found ?? {};
  if (absent + different > 0) {
    throw new DrError("RECOVER_NOT_EQUAL", {
      count: different === 0 ? absent : different,
      table: pair.name,
      reason:
        different === 0
          ? "they weren't there after they had been inserted"
          : "they weren't the same after they had been written",
    });
  }
}

/** Nobody else does where triggers are skipped. */
async function verifyReferences({ query }: Session, need: Need): Promise<void> {
  const { child, childColumns, parentTable } = need;
  const given = childColumns.map((name) => `c.${quoteName(name)} IS NOT NULL`);
  const [found] = await query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${stageOf(child)} AS c
     WHERE ${given.join(" AND ")} AND NOT EXISTS (
       SELECT FROM ${fromTable(parentTable)} AS p
       WHERE ${isLinked(need, ["p", parentTable], ["c", child.live])})`,
  );
  if ((found?.n ?? 0) > 0) {
    throw new DrError("RECOVER_NOT_EQUAL", {
      count: found?.n ?? 0,
      table: child.name,
      reason: `they refer by ${need.name} to rows that aren't there`,
    });
  }
}

/** Only forward; the last thing, because a sequence stays moved even where nothing is written. */
async function moveSequences(
  { query }: Session,
  { pair, sequences, hasInserts }: StagedTable,
): Promise<void> {
  for (const sequence of hasInserts ? sequences : []) {
    const { column, isDescending } = sequence;
    const [extreme, beyond] = isDescending ? ["min", "<"] : ["max", ">"];
    const name = quoteTable(sequence);
    await query(
      `SELECT setval('${name.replaceAll("'", "''")}', s.value)
       FROM (SELECT ${extreme}(${quoteName(column)})::bigint AS value FROM ${stageOf(pair)}
             WHERE dr_why IN ${INSERTED}) AS s, ${name} AS q
       WHERE s.value ${beyond} q.last_value OR (s.value = q.last_value AND NOT q.is_called)`,
    );
  }
}
