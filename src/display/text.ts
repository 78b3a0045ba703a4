import { styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_, text) => text;

/** Colours where the stream is a terminal that wants them (NO_COLOR, TERM=dumb). */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}

/** `1.2 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds < 60
    ? `${seconds.toFixed(1)} s`
    : `${String(Math.floor(seconds / 60))} min ${String(Math.round(seconds % 60))} s`;
}

export function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, " ".repeat(spaces));
}

/** `1 block`, `2 blocks`: words whose plural ends in s. */
export function count(amount: number, noun: string): string {
  return `${String(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** `1 entry`, `2 entries`. */
export function countEntries(amount: number): string {
  return amount === 1 ? "1 entry" : `${String(amount)} entries`;
}

const SIZES = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** `999 bytes`, `1.2 GB`: thousands, as disks and clouds are sold. */
export function formatBytes(sizeBytes: number): string {
  let [size, unit] = [sizeBytes, 0];
  // Not 1000.0 of one unit where 1.0 of the next is meant.
  while (Math.round(size * 10) >= 10_000 && unit < SIZES.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return unit === 0
    ? count(Math.round(size), "byte")
    : `${size.toFixed(1)} ${SIZES[unit] ?? ""}`;
}

/** Somebody's text as one that a terminal obeys none of. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^[^\\]$/u, "�"),
  );
}
