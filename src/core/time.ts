/** The last second that a Date can hold. */
const LAST = 8_640_000_000_000n;

/** Unix seconds as ISO 8601, UTC. A delay can be so long that no calendar has its end. */
export function formatTime(seconds: bigint): string {
  return seconds > LAST
    ? `Unix time ${String(seconds)}`
    : new Date(Number(seconds) * 1000).toISOString();
}
