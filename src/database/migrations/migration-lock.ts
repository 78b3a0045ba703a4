import { DrError } from "../../core/errors.js";
import { nameOfDatabase } from "../access.js";
import type { Session } from "../session.js";
import { formatHolders, readAdvisoryHolders } from "./lock-holders.js";
import type { MigrationHistory } from "./read-applied.js";
import { TOOLS } from "./tools.js";

/** Known to nobody else. */
const OWN_LOCK = "6016457233420914736";

/**
 * Keeps other rollbacks and the tools that are at home in the database from
 * migrating it at the same time, until the session is closed.
 *
 * @throws {DrError} MIGRATION_UNDER_WAY.
 */
export async function lockMigrations(
  session: Session,
  histories: readonly MigrationHistory[],
): Promise<void> {
  const tools = TOOLS.filter(({ name }) =>
    histories.some(({ tool }) => tool === name),
  );
  const locks = tools.map(({ advisoryLock }) => advisoryLock);
  for (const key of [OWN_LOCK, ...locks]) {
    if (key !== undefined) {
      await lockOne(session, key);
    }
  }
  for (const { tool, table } of histories) {
    if (tool === "Knex") {
      await requireKnexIdle(session, table);
    }
  }
}

async function lockOne(session: Session, key: string): Promise<void> {
  const [row] = await session.query<{ isMine: boolean }>(
    `SELECT pg_try_advisory_lock($1) AS "isMine"`,
    [key],
  );
  if (row?.isMine !== true) {
    throw underWay(
      session,
      formatHolders(await readAdvisoryHolders(session, key)),
    );
  }
}

/** Its lock is a row in a table beside the other. */
async function requireKnexIdle(session: Session, table: string): Promise<void> {
  const lockTable = table.endsWith('"')
    ? `${table.slice(0, -1)}_lock"`
    : `${table}_lock`;
  const [found] = await session.query(
    "SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass($1)",
    [lockTable],
  );
  const locked =
    found === undefined
      ? []
      : await session.query(`SELECT FROM ${lockTable} WHERE is_locked = 1`);
  if (locked.length > 0) {
    throw underWay(
      session,
      `Knex, says ${lockTable} (if it isn't so: \`knex migrate:unlock\`)`,
    );
  }
}

function underWay({ access }: Session, holders: string): DrError {
  const database = nameOfDatabase(access);
  return new DrError("MIGRATION_UNDER_WAY", { database, holders });
}
