import { DrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import { hasSqlState, withSession, type Session } from "../session.js";
import { readCatalogue } from "./catalogue.js";
import { reach } from "./closure.js";
import { refuseEffects, requireWhole } from "./condition.js";
import { compareTables } from "./difference.js";
import type { ErasedRows } from "./erased.js";
import { isContention, LOCK_SECONDS, lockAll, WRITING } from "./lock.js";
import { quoteTable } from "./name.js";
import {
  findTable,
  isCalled,
  isSameSet,
  pairTables,
  requireKey,
  type KeyedPair,
  type Pair,
} from "./pair.js";
import { addErased, addPicks, createPicks, restrictPicks } from "./picks.js";
import {
  planRecovery,
  type RecoveryPlan,
  type StagedPlan,
  type TablePlan,
  type Workplace,
} from "./plan.js";
import { picksOf } from "./sql.js";
import { createStages, readStaged, type Sample } from "./stage.js";
import { allowOwnTables, requireWritable } from "./writable.js";
import { writeStaged } from "./write.js";

/** Which rows are brought back, and how. */
export interface RecoveryRequest {
  /** `profiles`, `app.Profiles`. */
  readonly table: string;
  /** A condition that old rows must meet, as after WHERE. */
  readonly where?: string;
  /** Also rows that are there but aren't what they were. */
  readonly isChangedIncluded: boolean;
  /** Also what hung on missing rows. */
  readonly areChildrenIncluded: boolean;
  /** What rows are told apart by, where there is no primary key. */
  readonly key?: readonly string[];
  /** Never brought back, nor what refers to it. */
  readonly erased: readonly ErasedRows[];
  /** `skip` needs the right to set `session_replication_role`. */
  readonly triggers: "fire" | "skip";
}

/** What becomes of the plan. */
export interface RecoveryPorts {
  /** All rows, whole, table by table. */
  readonly onRows?: (
    table: TablePlan,
    rows: AsyncIterable<readonly Sample[]>,
  ) => Promise<void>;
  /** Shows what would be written, and what is in the way. */
  readonly onPlan: (plan: RecoveryPlan) => Promise<void>;
  /** Whether it shall be written; absent where it is only to be shown. */
  readonly approve?: () => Promise<boolean>;
  /** Stops it, until it is written. */
  readonly signal?: AbortSignal;
}

export interface Recovery {
  readonly plan: RecoveryPlan;
  readonly isWritten: boolean;
  /** Where what was written took the database's place: what was there is called so now. */
  readonly aside?: string;
}

/** @see PostgreSQL, appendix A, "PostgreSQL Error Codes" */
const UNTRANSLATABLE = "22P05";
const READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/**
 * Brings rows back that were deleted or changed by accident: compares an old
 * database with the live one, plans, asks, and writes in one transaction.
 *
 * @param old - Holds what a backup held; nothing in it is changed.
 * @throws {DrError} RECOVER_…, of which those that refuse leave the live database as it was.
 */
export async function recoverRows(
  old: Access,
  live: Access,
  request: RecoveryRequest,
  ports: RecoveryPorts,
): Promise<Recovery> {
  return await withSession(
    old,
    async (before) =>
      await withSession(
        live,
        async (now) =>
          await withoutWaiting(
            [before, now],
            async () => await recoverBetween(before, now, request, ports),
          ),
      ),
  );
}

/** Whoever holds a table might do so for hours. @throws {DrError} RECOVER_BUSY, RECOVER_UNTRANSLATABLE. */
async function withoutWaiting<T>(
  sessions: readonly Session[],
  work: () => Promise<T>,
): Promise<T> {
  for (const { query } of sessions) {
    await query(`SET lock_timeout = '${String(LOCK_SECONDS)}s'`);
  }
  try {
    return await work();
  } catch (error) {
    throw isContention(error)
      ? new DrError("RECOVER_BUSY", { seconds: LOCK_SECONDS }, { cause: error })
      : await explainBytes(error, sessions);
  }
}

/** Values travel as characters, which an encoding has not for all bytes that a database takes. */
async function explainBytes(
  error: unknown,
  [session]: readonly Session[],
): Promise<unknown> {
  if (session === undefined || !hasSqlState(error, UNTRANSLATABLE)) {
    return error;
  }
  await session.query("ROLLBACK");
  const [database] = await session.query<{ encoding: string }>(
    "SELECT current_setting('server_encoding') AS encoding",
  );
  const encoding = database?.encoding ?? "";
  const reason = String(error.values.reason);
  return new DrError(
    "RECOVER_UNTRANSLATABLE",
    { encoding, reason },
    { cause: error },
  );
}

async function recoverBetween(
  old: Session,
  live: Session,
  request: RecoveryRequest,
  { onRows, onPlan, approve, signal }: RecoveryPorts,
): Promise<Recovery> {
  await requireWritable(live, approve !== undefined);
  await allowOwnTables(old);
  await allowOwnTables(live);
  const place = await prepare(old, live, request);
  await old.query(READING);
  await live.query(READING);
  await chooseRows(place, request);
  signal?.throwIfAborted();
  const staged = await planRecovery(place);
  const { plan } = staged;
  for (const [index, { pair }] of staged.staged.entries()) {
    const table = plan.tables[index];
    if (table !== undefined) {
      await onRows?.(table, readStaged(live, pair));
    }
  }
  // Whoever looks at the plan takes his time, and nothing waits for him.
  await live.query("ROLLBACK");
  await onPlan(plan);
  const { count } = plan.conflicts;
  if (plan.tables.length === 0 || approve === undefined) {
    return { plan, isWritten: false };
  }
  if (count > 0) {
    throw new DrError("RECOVER_CONFLICT", { count });
  }
  if (!(await approve())) {
    return { plan, isWritten: false };
  }
  signal?.throwIfAborted();
  await write(place, request, staged, signal);
  return { plan, isWritten: true };
}

/** What is looked at, and the lists and stages for it. */
async function prepare(
  old: Session,
  live: Session,
  { table, where, key, erased, areChildrenIncluded }: RecoveryRequest,
): Promise<Workplace> {
  if (where !== undefined) {
    requireWhole(where);
    await refuseEffects(old, where);
  }
  const [before, now] = await Promise.all([
    readCatalogue(old),
    readCatalogue(live),
  ]);
  const unkeyed = pairTables(before, now);
  refusePartition(table, before, now);
  refuseGone(table, before, now);
  const { name } = findTable(table, unkeyed, ({ old: one }) => one);
  const pairs =
    key === undefined
      ? unkeyed
      : pairTables(before, now, { keys: new Map([[name, key]]) });
  const root = requireKey(
    findTable(name, pairs, ({ old: one }) => one),
    key !== undefined,
  );
  if (key !== undefined && !isSameSet(root.key.columns, key)) {
    throw new DrError("OPTION_INVALID", {
      option: "--key",
      value: key.join(","),
      expected: `what tells rows of ${name} apart: ${root.key.columns.join(",")}`,
    });
  }
  const graph = reach(root, pairs, before, now, areChildrenIncluded);
  refuseHidden(old, live, graph.pairs);
  refuseEncodings(before, now, root);
  await createPicks(old, graph.pairs);
  await createStages(live, graph.pairs);
  const lists = erased.map((list) => ({
    pair: findErased(list, pairs, before, now),
    keys: list.keys,
  }));
  for (const { pair, keys } of lists) {
    const looked = graph.pairs.find(({ index }) => index === pair?.index);
    if (looked !== undefined) {
      await addErased(old, looked, keys);
    }
  }
  return { old, live, root, graph, hasErased: lists.length > 0 };
}

type Catalogues = Parameters<typeof pairTables>;

/**
 * A list for a table that nobody knows would protect nobody.
 *
 * @returns undefined where only one of the two has it: nothing of it is brought back.
 */
function findErased(
  { table }: ErasedRows,
  pairs: readonly Pair[],
  before: Catalogues[0],
  now: Catalogues[1],
): Pair | undefined {
  const isKnown = [...before.tables, ...now.tables].some((one) =>
    isCalled(one, table),
  );
  if (!isKnown) {
    const reason = "there is no such table";
    throw new DrError("RECOVER_ERASED_INVALID", { table, reason });
  }
  return pairs.some(({ old }) => isCalled(old, table))
    ? findTable(table, pairs, ({ old }) => old)
    : undefined;
}

function refusePartition(
  table: string,
  before: Catalogues[0],
  now: Catalogues[1],
): void {
  for (const { tables } of [before, now]) {
    const found = tables.find(
      (one) => one.root !== null && isCalled(one, table),
    );
    if (found !== undefined) {
      const root = tables.find(({ oid }) => oid === found.root)?.name ?? "";
      throw new DrError("RECOVER_TABLE_UNKNOWN", {
        table,
        reason: `it is a partition; name the whole table, ${root}`,
      });
    }
  }
}

function refuseGone(
  table: string,
  before: Catalogues[0],
  now: Catalogues[1],
): void {
  const isIn = ({ tables }: Catalogues[0]) =>
    tables.some((one) => isCalled(one, table));
  if (isIn(before) && !isIn(now)) {
    throw new DrError("RECOVER_TABLE_GONE", { table });
  }
}

function refuseHidden(
  old: Session,
  live: Session,
  pairs: readonly KeyedPair[],
): void {
  for (const pair of pairs) {
    for (const [session, table] of [
      [old, pair.old],
      [live, pair.live],
    ] as const) {
      if (table.isHidden) {
        throw new DrError("RECOVER_ROW_SECURITY", {
          table: pair.name,
          database: nameOfDatabase(session.access),
          user: session.access.user,
        });
      }
    }
  }
}

/** The same text would have other bytes, and another hash. */
function refuseEncodings(
  before: Catalogues[0],
  now: Catalogues[1],
  { name }: Pair,
): void {
  if (before.encoding !== now.encoding) {
    throw new DrError("RECOVER_SCHEMA_CHANGED", {
      table: name,
      reason: `the old database is in ${before.encoding}, the live one in ${now.encoding}`,
    });
  }
}

/** The rows asked for. */
async function chooseRows(
  { old, live, root }: Workplace,
  { where, isChangedIncluded }: RecoveryRequest,
): Promise<void> {
  for await (const batch of compareTables(old, live, root, isChangedIncluded)) {
    for (const kind of ["missing", "changed"] as const) {
      const keys = batch
        .filter((difference) => difference.kind === kind)
        .map(({ key }) => key);
      await addPicks(old, root, { keys, why: kind, round: 1 });
    }
  }
  await old.query(`ANALYZE ${picksOf(root)}`);
  if (where !== undefined) {
    await restrictPicks(old, root, where);
  }
}

/**
 * Locks the tables, plans once more on what is there now, and writes only if
 * nothing of it is different.
 */
async function write(
  place: Workplace,
  { triggers }: RecoveryRequest,
  shown: StagedPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { live, graph } = place;
  await live.query(WRITING);
  try {
    await lock(place, triggers, shown);
    if (triggers === "skip") {
      await live.query("SET LOCAL session_replication_role = replica");
    }
    await refuseOtherSchema(place);
    const again = await planRecovery(place);
    if (
      again.plan.digest !== shown.plan.digest ||
      again.plan.conflicts.count > 0
    ) {
      throw changed(
        "rows are there again, or what they need or replace is another",
      );
    }
    signal?.throwIfAborted();
    await writeStaged(live, graph, again.staged);
    await live.query("COMMIT");
  } catch (error) {
    await live.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

function changed(reason: string): DrError {
  return new DrError("RECOVER_PLAN_CHANGED", { reason });
}

/**
 * Nobody else writes to the tables meanwhile; reading goes on. Before anything
 * is read, so that what is read is what is locked.
 */
async function lock(
  { live, graph }: Workplace,
  triggers: RecoveryRequest["triggers"],
  { staged }: StagedPlan,
): Promise<void> {
  const written = staged.map(({ pair }) => quoteTable(pair.live));
  // With triggers, foreign keys themselves hold on to what rows refer to.
  const needed = graph.needs
    .filter(
      ({ child }) =>
        triggers === "skip" &&
        staged.some(({ pair }) => pair.index === child.index),
    )
    .map(({ parentTable }) => quoteTable(parentTable));
  await lockAll(live, [...new Set([...written, ...needed])].sort());
}

async function refuseOtherSchema({ live, graph }: Workplace): Promise<void> {
  const now = await readCatalogue(live);
  for (const { live: table, name } of graph.pairs) {
    const found = now.tables.find(({ oid }) => oid === table.oid);
    if (JSON.stringify(found) !== JSON.stringify(table)) {
      throw changed(`${name} is defined otherwise now`);
    }
  }
}
