import { closeSession, openSession, type Session } from "./session.js";

export interface SnapshotOptions {
  /** As `pg_export_snapshot` named it, of a transaction that is still open; absent: a new one. */
  readonly snapshot?: string;
  /** How many sessions share the work; 1 when absent. */
  readonly parallel?: number;
  /** Ends statements on the server, too. */
  readonly signal?: AbortSignal;
}

/**
 * Works in sessions that all see the database as it was at one moment, and
 * change nothing.
 *
 * @param session - Outside a transaction; more are opened beside it.
 * @throws what the work throws; the signal's reason when it was called off.
 */
export async function inSnapshot<T>(
  session: Session,
  { snapshot, parallel = 1, signal }: SnapshotOptions,
  work: (sessions: readonly Session[]) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const sessions = [session];
  try {
    await begin(session, snapshot);
    const shared =
      parallel === 1
        ? undefined
        : (snapshot ?? (await exportSnapshot(session)));
    while (sessions.length < parallel) {
      const another = await openSession(session.access);
      sessions.push(another);
      await begin(another, shared);
    }
    const result = await cancellable(
      sessions,
      signal,
      async () => await work(sessions),
    );
    await session.query("COMMIT");
    return result;
  } catch (error) {
    await session.query("ROLLBACK").catch(() => undefined);
    signal?.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(sessions.slice(1).map(closeSession));
  }
}

/** Others may see what this transaction sees while it is open. @returns its name. */
export async function exportSnapshot({ query }: Session): Promise<string> {
  const [row] = await query<{ name: string }>(
    "SELECT pg_export_snapshot() AS name",
  );
  return row?.name ?? "";
}

/** @param snapshot - One that was exported; absent: what is there now. */
export async function begin(
  { query }: Session,
  snapshot?: string,
): Promise<void> {
  await query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (snapshot !== undefined) {
    await query(`SET TRANSACTION SNAPSHOT '${snapshot.replaceAll("'", "''")}'`);
  }
}

/** A statement that nobody waits for any more would go on for as long as it takes. */
async function cancellable<T>(
  sessions: readonly Session[],
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const numbers = await Promise.all(sessions.map(numberOf));
  const [first] = sessions;
  const cancel = () => {
    if (first !== undefined) {
      void cancelAll(first, numbers);
    }
  };
  signal?.addEventListener("abort", cancel);
  try {
    return await work();
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

async function numberOf({ query }: Session): Promise<number> {
  const [row] = await query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return row?.pid ?? 0;
}

/** Where the server can't be asked either, the connection is lost: that ends them as well. */
async function cancelAll(
  { access }: Session,
  numbers: readonly number[],
): Promise<void> {
  try {
    const session = await openSession(access);
    await session.query(
      "SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS pid",
      [numbers],
    );
    await closeSession(session);
  } catch {
    // Nobody waits for it.
  }
}
