import type { Session } from "../session.js";

/** A connection that holds what another waits for; without what it asks, which may hold secrets. */
export interface LockHolder {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  /** `idle in transaction`, … */
  readonly state: string | null;
  /** Of its transaction. */
  readonly seconds: number | null;
}

const HOLDER = `a.pid, a.usename AS user, a.application_name AS application, a.state,
  extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds`;
const POLL_MS = 100;

/** @param pid - Of the connection that waits. */
async function readBlockers(
  { query }: Pick<Session, "query">,
  pid: number,
): Promise<readonly LockHolder[]> {
  return await query<LockHolder & Record<string, unknown>>(
    `SELECT ${HOLDER} FROM unnest(pg_blocking_pids($1)) AS b (pid)
    JOIN pg_catalog.pg_stat_activity a USING (pid) ORDER BY a.pid`,
    [pid],
  );
}

/** Who holds an advisory lock. @param key - A decimal number of 64 bits. */
export async function readAdvisoryHolders(
  { query }: Pick<Session, "query">,
  key: string,
): Promise<readonly LockHolder[]> {
  return await query<LockHolder & Record<string, unknown>>(
    `SELECT ${HOLDER} FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint = $1`,
    [key],
  );
}

/** `process 4711 (app, web, idle in transaction for 12 s)` */
export function formatHolders(holders: readonly LockHolder[]): string {
  return holders.length === 0
    ? "somebody who is gone already"
    : holders.map(formatHolder).join(", ");
}

function formatHolder({
  pid,
  user,
  application,
  state,
  seconds,
}: LockHolder): string {
  const doing =
    seconds === null ? state : `${state ?? "busy"} for ${String(seconds)} s`;
  const known = [user, application, doing].filter(Boolean).join(", ");
  return `process ${String(pid)} (${known})`;
}

/** Looks, while a connection is at work, at who keeps it waiting: afterwards nobody knows. */
export class BlockerWatch {
  readonly #observer: Pick<Session, "query">;
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #look: Promise<void> | undefined;
  #seen: readonly LockHolder[] = [];

  /** @param observer - Another connection to the same server. */
  constructor(observer: Pick<Session, "query">, pid: number) {
    this.#observer = observer;
    this.#pid = pid;
    this.#timer = setInterval(() => {
      this.#look ??= this.#lookOnce();
    }, POLL_MS);
  }

  /** @returns who was seen last. */
  async stop(): Promise<readonly LockHolder[]> {
    clearInterval(this.#timer);
    await this.#look;
    return this.#seen;
  }

  async #lookOnce(): Promise<void> {
    try {
      const found = await readBlockers(this.#observer, this.#pid);
      this.#seen = found.length === 0 ? this.#seen : found;
    } catch {
      // What is watched tells when the server is gone.
    }
    this.#look = undefined;
  }
}
