import { setTimeout as sleep } from "node:timers/promises";

import { DrError, isDrError } from "../core/errors.js";
import { inDatabase, type Access } from "./access.js";
import { closeSession, openSession, type Session } from "./session.js";

/** Databases that every server has; locks are taken in the first that lets us in. */
const PLACES = ["postgres", "template1"];

/**
 * A session beside a database, for what can't be done from within: it may be
 * renamed meanwhile.
 *
 * @throws {DrError} those of `withSession`.
 */
export async function withMaintenance<T>(
  access: Access,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openBeside(access);
  try {
    return await work(session);
  } finally {
    await closeSession(session);
  }
}

async function openBeside(access: Access): Promise<Session> {
  let failure: unknown;
  for (const place of PLACES.filter((name) => name !== access.database)) {
    try {
      return await openSession(inDatabase(access, place));
    } catch (error) {
      if (!isDrError(error, "DATABASE_DENIED", "DATABASE_MISSING")) {
        throw error;
      }
      failure ??= error;
    }
  }
  throw failure;
}

/** The server takes a moment to see that whoever was killed is gone. */
const PATIENCE_MS = 3000;
const LOOK_MS = 100;

/**
 * Keeps every other restore of a database out, from any machine, for as long
 * as the session lasts.
 *
 * @throws {DrError} DATABASE_BUSY with who is at it.
 */
export async function claimDatabase(
  session: Session,
  database: string,
): Promise<void> {
  const lock = `restore ${database}`;
  const until = performance.now() + PATIENCE_MS;
  while (!(await tryLock(session, lock))) {
    if (performance.now() > until) {
      const who = await holderOf(session, lock);
      throw new DrError("DATABASE_BUSY", { database, who });
    }
    await sleep(LOOK_MS);
  }
}

/** @returns false when another session has it. */
export async function tryLock(
  session: Session,
  what: string,
): Promise<boolean> {
  const [row] = await session.query<{ taken: boolean }>(
    `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS taken`,
    [what],
  );
  return row?.taken === true;
}

export async function unlock(session: Session, what: string): Promise<void> {
  await session.query(`SELECT pg_advisory_unlock(${LOCK_KEY})`, [what]);
}

const LOCK_KEY = "hashtextextended('hardhat-dr ' || $1::text, 0)";

async function holderOf(session: Session, what: string): Promise<string> {
  const [holder] = await session.query<{ who: string }>(
    `SELECT format('%s from %s, process %s of the server, since %s', a.usename,
              coalesce(host(a.client_addr), 'the same machine'), a.pid,
              to_char(a.backend_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS who
       FROM pg_locks l
       JOIN pg_stat_activity a USING (pid),
            (SELECT ${LOCK_KEY} AS key) k
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.classid::bigint = ((k.key >> 32) & 4294967295)
        AND l.objid::bigint = (k.key & 4294967295)`,
    [what],
  );
  return holder?.who ?? "a session that has just ended";
}
