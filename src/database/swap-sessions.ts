import { setTimeout as sleep } from "node:timers/promises";

import { isDrError } from "../core/errors.js";
import type { Session } from "./session.js";

/** Somebody at work in a database. */
export interface OtherSession {
  /** `app from 10.0.0.7, process 4711 (rails)` */
  readonly who: string;
  /** Whether this role may end it. */
  readonly isEndable: boolean;
}

const AGAIN_MS = 100;

/** The server sees to its own: vacuuming gives way, parallel workers go with their leader. */
const OTHERS = `
  SELECT a.pid,
         format('%s from %s, process %s%s', a.usename,
                coalesce(host(a.client_addr), 'the same machine'), a.pid,
                ' (' || nullif(a.application_name, '') || ')') AS who,
         me.rolsuper OR (NOT r.rolsuper AND (
           pg_has_role(me.oid, r.oid, 'USAGE') OR
           pg_has_role(me.oid, 'pg_signal_backend', 'USAGE'))) AS "isEndable"
    FROM pg_stat_activity a
    JOIN pg_roles r ON r.oid = a.usesysid
    JOIN pg_roles me ON me.rolname = current_user
   WHERE a.datname = ANY($1) AND a.pid <> pg_backend_pid()
     AND coalesce(a.backend_type, '') NOT IN ('autovacuum worker', 'parallel worker')`;

export async function listSessions(
  session: Session,
  databases: readonly string[],
): Promise<readonly OtherSession[]> {
  return await session.query<{ who: string; isEndable: boolean }>(
    `SELECT who, "isEndable" FROM (${OTHERS}) o ORDER BY pid`,
    [databases],
  );
}

/** Asks all that may be asked to go; they are gone a moment later. */
export async function endSessions(
  session: Session,
  databases: readonly string[],
): Promise<void> {
  await session.query(
    `SELECT pg_terminate_backend(pid) FROM (${OTHERS}) o WHERE "isEndable"`,
    [databases],
  );
}

/**
 * Ends whoever is in these databases, again and again, while something is done
 * that nobody may be in them for.
 *
 * @param ender - Another session than the work's.
 */
export async function whileEnding<T>(
  ender: Session,
  databases: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const ending = endUntil(over.signal, ender, databases);
  try {
    return await work();
  } finally {
    over.abort();
    await ending;
  }
}

async function endUntil(
  over: AbortSignal,
  ender: Session,
  databases: readonly string[],
): Promise<void> {
  try {
    while (!over.aborted) {
      await endSessions(ender, databases);
      await sleep(AGAIN_MS, undefined, { signal: over });
    }
  } catch (error) {
    // Whoever could not be ended is named by the work, which fails of it.
    if (!over.aborted && !isDrError(error)) {
      throw error;
    }
  }
}
