import { hasSqlState, type Session } from "../session.js";

/** How long is waited for tables, all in all. */
export const LOCK_SECONDS = 10;
/** While others are held: shorter than it takes PostgreSQL to call it a deadlock, and to end somebody's transaction. */
const HOLDING_MS = 400;

/** What is read in it is what was there when the first thing was read, not when it began. */
export const WRITING = "BEGIN ISOLATION LEVEL REPEATABLE READ";

/** Somebody else is at it: a lock that wasn't given in time, a deadlock, a change meanwhile. */
export function isContention(error: unknown): boolean {
  return hasSqlState(error, "55P03", "40P01", "40001");
}

/**
 * Keeps everybody from writing to some tables, in a transaction that was begun
 * by {@link WRITING} and in which nothing was done. Applications write to their
 * tables in whatever order, each waiting for the next: who waits in another
 * order lets go, and begins with the table that wasn't to be had.
 *
 * @throws {DrError} one that {@link isContention}, when time is up.
 */
export async function lockAll(
  { query }: Session,
  tables: readonly string[],
): Promise<void> {
  const until = performance.now() + LOCK_SECONDS * 1000;
  let order = tables;
  for (;;) {
    const refused = await tryInOrder(query, order, until);
    if (refused === undefined) {
      await query(`SET LOCAL lock_timeout = '${String(LOCK_SECONDS)}s'`);
      return;
    }
    order = [refused, ...order.filter((table) => table !== refused)];
    await query("ROLLBACK");
    await query(WRITING);
  }
}

/** @returns the first that wasn't to be had. */
async function tryInOrder(
  query: Session["query"],
  tables: readonly string[],
  until: number,
): Promise<string | undefined> {
  for (const [index, table] of tables.entries()) {
    const left = Math.max(1, Math.ceil(until - performance.now()));
    const most = index === 0 ? left : Math.min(left, HOLDING_MS);
    try {
      await query(`SET LOCAL lock_timeout = ${String(most)}`);
      await query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    } catch (error) {
      if (!isContention(error) || performance.now() >= until) {
        throw error;
      }
      return table;
    }
  }
  return undefined;
}
