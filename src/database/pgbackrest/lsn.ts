/** A place in the log, `0/16B3748`, as a number of bytes. */
export function parseLsn(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** What a segment's name says: `000000010000000000000003`. */
export interface Segment {
  readonly timeline: number;
  /** Where it begins. */
  readonly start: bigint;
}

/** @param segmentBytes - 16 MiB unless initdb was told otherwise. */
export function parseSegment(name: string, segmentBytes: bigint): Segment {
  const [timeline, high, low] = [0, 8, 16].map((at) =>
    BigInt(`0x${name.slice(at, at + 8)}`),
  ) as [bigint, bigint, bigint];
  return {
    timeline: Number(timeline),
    start: (high << 32n) + low * segmentBytes,
  };
}

/** A timeline that another one went on from, and where. */
export interface Ancestor {
  readonly timeline: number;
  readonly end: bigint;
}

/** `00000002.history` */
export function historyName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, "0")}.history`;
}

/** @see PostgreSQL, src/backend/access/transam/timeline.c */
export function parseHistory(text: string): readonly Ancestor[] {
  return text.split("\n").flatMap((line) => {
    const [, timeline, end] =
      /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line) ?? [];
    return end === undefined
      ? []
      : [{ timeline: Number(timeline), end: parseLsn(end) }];
  });
}
