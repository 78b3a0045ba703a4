const UNITS = [
  ["day", 86_400n],
  ["hour", 3_600n],
  ["minute", 60n],
  ["second", 1n],
] as const;

/** Seconds for people, to the two largest units: `2 days`, `1 hour 30 minutes`. */
export function formatDuration(seconds: bigint): string {
  let left = seconds;
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = left / size;
    left %= size;
    return count === 0n
      ? []
      : [`${String(count)} ${unit}${count === 1n ? "" : "s"}`];
  });
  return parts.slice(0, 2).join(" ") || "0 seconds";
}
