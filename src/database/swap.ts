import { createHash } from "node:crypto";

import { formatTimestamp } from "../artifact/name.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import { carrySettings } from "./database-settings.js";
import {
  closeSession,
  hasSqlState,
  openSession,
  type Session,
} from "./session.js";
import { findSwapBlockers } from "./swap-blockers.js";
import { listSessions, whileEnding } from "./swap-sessions.js";

export interface Swap {
  /** The name that people and programs know. */
  readonly live: string;
  /** The database that gets it. */
  readonly incoming: string;
  /** What the present one is called from then on; absent: there is none. */
  readonly aside?: string;
  /** Done in the same transaction, before the renaming; once more when that has to be tried again. */
  readonly prepare?: (session: Session) => Promise<void>;
}

export interface SwapOptions {
  /** How long sessions are waited for that have been told to end. Default: 20,000. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 20_000;

/** PostgreSQL gives up waiting by itself after five seconds. */
const LONGEST_TRY_MS = 6_000;

/** `55006` object_in_use, `55P03` lock_not_available, `57014` query_canceled. */
const IN_USE = ["55006", "55P03", "57014"];

/**
 * Puts a database in the place of another, in one transaction: whoever
 * connects gets the one or the other. Renaming takes a lock that lets nobody
 * new in, so that sessions which are ended meanwhile can't come back; who waits
 * for it is told that the name has just changed, and gets the new one the next
 * time. If this process dies, or the connection is lost, before the transaction
 * ends, all is as it was.
 *
 * @param session - Beside both; a second one like it is opened for the while.
 * @throws {DrError} DATABASE_SWAP_BLOCKED, DATABASE_SESSIONS_LEFT,
 * DATABASE_DENIED, DATABASE_UNREACHABLE, DATABASE_FAILED: nothing has changed.
 */
export async function swapDatabases(
  session: Session,
  swap: Swap,
  { patienceMs = PATIENCE_MS }: SwapOptions = {},
): Promise<void> {
  const { live, incoming } = swap;
  await requireSwapPossible(session, live);
  const ender = await openSession(session.access);
  try {
    await whileEnding(ender, [live, incoming], async () => {
      await renameWithin(session, swap, patienceMs);
    });
  } finally {
    await closeSession(ender);
  }
}

/** @throws {DrError} DATABASE_SWAP_BLOCKED with all that is in the way. */
export async function requireSwapPossible(
  session: Session,
  live: string,
): Promise<void> {
  const blockers = await findSwapBlockers(session, live);
  if (blockers.length > 0) {
    throw new DrError("DATABASE_SWAP_BLOCKED", {
      database: live,
      reasons: blockers.join("; "),
    });
  }
}

/** Tries what only fails at the end of a swap, and takes it back. @throws {DrError} like {@link swapDatabases}. */
export async function rehearseSettings(
  session: Session,
  { live, incoming }: Pick<Swap, "live" | "incoming">,
): Promise<void> {
  await session.query("BEGIN");
  try {
    await carrySettings(session, live, incoming);
  } catch (error) {
    if (!isDrError(error, "DATABASE_DENIED")) {
      throw error;
    }
    throw new DrError(
      "DATABASE_SWAP_BLOCKED",
      {
        database: live,
        reasons: `${session.access.user} may not give another database what this one has of its own (${messageOf(error.cause)}): restore as a superuser, let the role (GRANT SET ON PARAMETER … TO …, from PostgreSQL 15), or take it away (ALTER DATABASE … RESET …)`,
      },
      { cause: error },
    );
  } finally {
    await rollBack(session);
  }
}

async function renameWithin(
  session: Session,
  swap: Swap,
  patienceMs: number,
): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const leftMs = until - performance.now();
    try {
      await renameBoth(session, swap, Math.min(leftMs, LONGEST_TRY_MS));
      return;
    } catch (error) {
      await rollBack(session);
      if (!hasSqlState(error, ...IN_USE)) {
        throw error;
      }
      if (performance.now() >= until) {
        throw await explainLeft(session, swap, error);
      }
    }
  }
}

async function renameBoth(
  session: Session,
  { live, incoming, aside, prepare }: Swap,
  timeoutMs: number,
): Promise<void> {
  const { client } = session;
  const rename = (from: string, to: string) =>
    `ALTER DATABASE ${client.escapeIdentifier(from)} RENAME TO ${client.escapeIdentifier(to)}`;
  const timeout = String(Math.max(1, Math.round(timeoutMs)));
  await session.query("BEGIN");
  await session.query(`SET LOCAL statement_timeout = ${timeout}`);
  await prepare?.(session);
  if (aside !== undefined) {
    await session.query(rename(live, aside));
  }
  await session.query(rename(incoming, live));
  await session.query("COMMIT");
}

async function rollBack(session: Session): Promise<void> {
  try {
    await session.query("ROLLBACK");
  } catch (error) {
    // A lost connection has rolled it back.
    if (!isDrError(error, "DATABASE_UNREACHABLE")) {
      throw error;
    }
  }
}

async function explainLeft(
  session: Session,
  { live, incoming }: Swap,
  cause: DrError,
): Promise<DrError> {
  const left = await listSessions(session, [live, incoming]);
  const sessions =
    left.map(({ who }) => who).join("; ") || "none that can be seen";
  return new DrError(
    "DATABASE_SESSIONS_LEFT",
    { database: live, sessions },
    { cause },
  );
}

/** Bytes of a name, PostgreSQL's NAMEDATALEN less one. */
const LONGEST_NAME = 63;

/** `takumi_before_20240115_140000`, or the first second after it that is free. */
export async function nameAside(
  session: Session,
  live: string,
  at: Date,
): Promise<string> {
  return await nameFree(session, beginningOf(live, "before"), at);
}

/**
 * `takumi_before`. Too long a name is cut, and told from others that begin like
 * it: what was put aside of one must never come back as another.
 */
export function beginningOf(
  database: string,
  what: "before" | "restore",
): string {
  const end = `_${what}`;
  const room = LONGEST_NAME - `${end}${TIME}`.length;
  if (Buffer.byteLength(database) <= room) {
    return `${database}${end}`;
  }
  const hash = createHash("sha256").update(database).digest("hex").slice(0, 8);
  return `${cutTo(database, room - hash.length - 1)}_${hash}${end}`;
}

const TIME = "_20240115_140000";

/** A name with a time that no database has; too long a beginning is cut. */
export async function nameFree(
  session: Session,
  beginning: string,
  at: Date,
): Promise<string> {
  const taken = new Set(
    (
      await session.query<{ name: string }>(
        "SELECT datname AS name FROM pg_database",
      )
    ).map(({ name }) => name),
  );
  for (let time = at.getTime(); ; time += 1000) {
    const end = `_${formatTimestamp(new Date(time))}`;
    const name = `${cutTo(beginning, LONGEST_NAME - end.length)}${end}`;
    if (!taken.has(name)) {
      return name;
    }
  }
}

function cutTo(text: string, bytes: number): string {
  const cut = Buffer.from(text).subarray(0, bytes).toString();
  // Half a character at its end is none.
  return text.startsWith(cut) ? cut : cut.slice(0, -1);
}

/**
 * The newest that {@link swapDatabases} has put aside.
 *
 * @throws {DrError} DATABASE_NOTHING_TO_UNDO.
 */
export async function findAside(
  session: Session,
  live: string,
): Promise<string> {
  const [newest] = await listAside(session, live);
  if (newest === undefined) {
    throw new DrError("DATABASE_NOTHING_TO_UNDO", { database: live });
  }
  return newest.name;
}

export interface DatabaseAside {
  readonly name: string;
  /** On the server's disk; null where the role may not know. */
  readonly sizeBytes: string | null;
}

/** All that {@link swapDatabases} has put aside, the newest first. */
export async function listAside(
  session: Session,
  live: string,
): Promise<readonly DatabaseAside[]> {
  const all = await session.query<Record<keyof DatabaseAside, never>>(
    `SELECT datname AS name,
            CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
                 THEN pg_database_size(oid) END::text AS "sizeBytes"
       FROM pg_database WHERE datname ~ '_before_[0-9]{8}_[0-9]{6}$'
      ORDER BY right(datname, 15) DESC`,
  );
  const beginning = beginningOf(live, "before");
  return all.filter(
    ({ name }: DatabaseAside) => name.slice(0, -TIME.length) === beginning,
  );
}

/** @throws {DrError} DATABASE_EXISTS. */
export async function requireNew(
  session: Session,
  database: string,
): Promise<void> {
  const length = Buffer.byteLength(database);
  if (length === 0 || length > LONGEST_NAME) {
    throw new DrError("OPTION_INVALID", {
      option: "--into",
      value: database === "" ? "empty" : database,
      expected: `a name of 1 to ${String(LONGEST_NAME)} bytes: PostgreSQL cuts longer ones`,
    });
  }
  const found = await session.query(
    "SELECT FROM pg_database WHERE datname = $1",
    [database],
  );
  if (found.length > 0) {
    throw new DrError("DATABASE_EXISTS", { database });
  }
}
