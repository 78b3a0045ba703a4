import { cancellable } from "./cancellable.js";
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
  { client, query }: Session,
  snapshot?: string,
): Promise<void> {
  await query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (snapshot !== undefined) {
    await query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`);
  }
}
