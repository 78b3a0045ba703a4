/** One promise of ours beside its peer, both measured in the same run. */
export interface Measurement {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
  readonly target: string;
  /** Undefined where nothing is promised. */
  readonly isMet: boolean | undefined;
}

const WIDTHS = {
  what: 50,
  ours: 12,
  peer: 14,
  ratio: 12,
  target: 14,
  verdict: 4,
};

export const HEADING = row({
  what: "what",
  ours: "ours",
  peer: "peer",
  ratio: "ratio",
  target: "target",
  verdict: "",
});

/** A line of the table. */
export function formatMeasurement({ isMet, ...cells }: Measurement): string {
  const verdict = isMet === undefined ? "" : isMet ? "PASS" : "MISS";
  return row({ ...cells, verdict });
}

export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`;
}

export function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

export function formatKilobytes(bytes: number): string {
  return `${(bytes / 1e3).toFixed(0)} KB`;
}

/** What takes no longer, or no more, than so many times what its peer does. */
export function atMost(
  what: string,
  { ours, peer }: Readonly<Record<"ours" | "peer", number>>,
  target: number,
  format: (value: number) => string,
): Measurement {
  const ratio = ours / peer;
  return {
    what,
    ours: format(ours),
    peer: format(peer),
    ratio: `${ratio.toFixed(2)} ×`,
    target: `≤ ${target.toFixed(2)} ×`,
    isMet: ratio <= target,
  };
}

/** What is promised as it is, beside nothing. */
export function within(
  what: string,
  ours: number,
  target: number,
  format: (value: number) => string,
): Measurement {
  return {
    what,
    ours: format(ours),
    peer: "",
    ratio: "",
    target: `≤ ${format(target)}`,
    isMet: ours <= target,
  };
}

/** What is so many times faster than its peer. @param target - Absent where nothing is promised. */
export function timesFaster(
  what: string,
  { ours, peer }: Readonly<Record<"ours" | "peer", number>>,
  target?: number,
): Measurement {
  const ratio = peer / ours;
  return {
    what,
    ours: formatSeconds(ours),
    peer: formatSeconds(peer),
    ratio: `${ratio.toFixed(2)} × faster`,
    target: target === undefined ? "" : `≥ ${target.toFixed(2)} ×`,
    isMet: target === undefined ? undefined : ratio >= target,
  };
}

/**
 * Medians, in milliseconds, of runs in turn.
 *
 * @param leftOut - So many runs before them don't count.
 */
export async function alternate(
  runs: number,
  sides: Readonly<
    Record<"ours" | "peer", () => Promise<{ readonly milliseconds: number }>>
  >,
  leftOut = 0,
): Promise<Record<"ours" | "peer", number>> {
  const times: Record<"ours" | "peer", number[]> = { ours: [], peer: [] };
  for (let run = 0; run < leftOut + runs; run += 1) {
    for (const side of ["ours", "peer"] as const) {
      times[side].push((await sides[side]()).milliseconds);
    }
  }
  return {
    ours: median(times.ours.slice(leftOut)),
    peer: median(times.peer.slice(leftOut)),
  };
}

/** The peaks of processes above that of a task that does nothing; nothing where the kernel says nothing. */
export function* aboveBare(
  barePeak: number | undefined,
  peaks: readonly (number | undefined)[],
  targetBytes: number,
): Generator<Measurement> {
  if (barePeak === undefined || peaks.includes(undefined)) {
    return; // only Linux says
  }
  const peak = Math.max(...peaks.map(Number));
  const above = peak - barePeak;
  yield {
    what: "peak memory (a Hardhat task that does nothing)",
    ours: formatMegabytes(peak),
    peer: formatMegabytes(barePeak),
    ratio: `+ ${formatMegabytes(above)}`,
    target: `≤ + ${formatMegabytes(targetBytes)}`,
    isMet: above <= targetBytes,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

function row(cells: Readonly<Record<keyof typeof WIDTHS, string>>): string {
  return Object.entries(WIDTHS)
    .map(([column, width]) =>
      cells[column as keyof typeof WIDTHS].padEnd(width),
    )
    .join("  ")
    .trimEnd();
}
