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

/** How long ago something was: `2 days 3 hours`; a clock that is ahead is told. */
export function formatAge(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / 1000);
  return seconds < 0
    ? `in ${formatDuration(BigInt(-seconds))}`
    : formatDuration(BigInt(seconds));
}

const LETTERS: Readonly<Record<string, bigint>> = {
  s: 1n,
  m: 60n,
  h: 3_600n,
  d: 86_400n,
  w: 604_800n,
};

/** Seconds of `90s`, `30m`, `12h`, `7d`, `2w`; undefined of anything else. */
export function parseDuration(text: string): bigint | undefined {
  const [, amount = "", letter = ""] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const unit = LETTERS[letter];
  return unit === undefined ? undefined : BigInt(amount) * unit;
}
