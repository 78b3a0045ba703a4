import {
  backendOf,
  closeSession,
  openSession,
  type Session,
} from "./session.js";

/**
 * Works with sessions until it is called off: a statement that nobody waits for
 * any more would go on for as long as it takes.
 *
 * @throws what the work throws; the signal's reason when it was called off.
 */
export async function cancellable<T>(
  sessions: readonly Session[],
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const numbers = await Promise.all(sessions.map(backendOf));
  const [first] = sessions;
  const cancel = () => {
    // What this process runs itself can't be interrupted while it runs.
    if (first !== undefined && first.access.embedded === undefined) {
      void cancelAll(first, numbers);
    }
  };
  signal?.addEventListener("abort", cancel);
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
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
