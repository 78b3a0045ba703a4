/** Stores refuse a request whose date is further off. */
const MOST_SKEW_MINUTES = 15;

/**
 * What to do where the date of a request may be why it was refused.
 *
 * @param stores - The store's clock, by its answer's `Date`.
 * @param now - The local clock, which signatures are made with.
 * @returns undefined when the clocks agree, or nobody knows.
 */
export function wayToSetClock(
  stores: Date | undefined,
  now: Date,
): string | undefined {
  const difference = now.getTime() - (stores?.getTime() ?? NaN);
  const minutes = Math.round(difference / 60_000);
  return Math.abs(minutes) >= MOST_SKEW_MINUTES
    ? `Set this machine's clock: it is ${String(Math.abs(minutes))} minutes ${minutes > 0 ? "ahead of" : "behind"} the store's.`
    : undefined;
}
