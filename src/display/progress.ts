import { formatBytes, formatDuration } from "./text.js";

/** How far something is that goes by bytes. */
export interface Transfer {
  readonly doneBytes: number;
  /** Undefined when nobody knows yet. */
  readonly totalBytes: number | undefined;
  /** 0 until something has moved. */
  readonly bytesPerSecond: number;
}

const BAR_WIDTH = 20;

/** `█████████░░░░░░░░░░░ 45 %  512.0 MB of 1.1 GB  98.0 MB/s  6.0 s left` */
export function formatTransfer({
  doneBytes,
  totalBytes,
  bytesPerSecond,
}: Transfer): string {
  const rate = `${formatBytes(bytesPerSecond)}/s`;
  if (totalBytes === undefined) {
    return `${formatBytes(doneBytes)}  ${rate}`;
  }
  const share = totalBytes === 0 ? 1 : Math.min(doneBytes / totalBytes, 1);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const left =
    bytesPerSecond > 0
      ? `  ${formatDuration(((totalBytes - doneBytes) / bytesPerSecond) * 1000)} left`
      : "";
  return `${bar} ${String(Math.floor(share * 100))} %  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}  ${rate}${left}`;
}
