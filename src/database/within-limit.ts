import { DrError } from "../core/errors.js";

export interface Limit {
  readonly minutes: number;
  readonly signal?: AbortSignal;
}

/** Node takes longer ones for none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls work off when it takes too long: while a snapshot is open the server
 * keeps all rows that it sees, deleted ones too.
 *
 * @param work - Gets what calls it off, and may call itself off with it.
 * @throws {DrError} DATABASE_TIME_LIMIT, as the reason of the work's signal.
 */
export async function withinLimit<T>(
  { minutes, signal }: Limit,
  work: (controller: AbortController) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = () => {
    controller.abort(signal?.reason);
  };
  signal?.addEventListener("abort", stop);
  const timer = setTimeout(
    () => {
      controller.abort(new DrError("DATABASE_TIME_LIMIT", { minutes }));
    },
    Math.min(minutes * 60_000, LONGEST_TIMER_MS),
  );
  try {
    return await work(controller);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
