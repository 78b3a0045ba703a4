import type { PlannedFile } from "../schedule/write-schedule.js";
import type { Paint } from "./text.js";

/** What is to be written, whole; of what is there and differs, what would change. */
export function formatSchedule(
  planned: readonly PlannedFile[],
  paint: Paint,
): string {
  return planned
    .map(({ file, status, text, present }) => {
      const head = `${paint("bold", file)}  ${WORDS[status]}\n`;
      switch (status) {
        case "same":
          return head;
        case "new":
          return `${head}${text}\n`;
        case "differs":
          return `${head}${formatDifference(present ?? "", text, paint)}\n`;
      }
    })
    .join("");
}

const WORDS = {
  new: "is new",
  same: "is there, and the same",
  differs: "is there, and says something else",
} as const;

/** What was written, a line a file. */
export function formatWritten(
  planned: readonly PlannedFile[],
  notices: readonly string[],
  paint: Paint,
): string {
  return [
    ...planned.map(({ file, status }) =>
      status === "same"
        ? `${paint("dim", "there")}    ${file}\n`
        : `${paint("green", "written")}  ${file}\n`,
    ),
    ...notices.map((notice) => `${paint("yellow", notice)}\n`),
  ].join("");
}

/** Lines that go, and lines that come, with those between that stay left out. */
export function formatDifference(
  before: string,
  after: string,
  paint: Paint,
): string {
  const [old, next] = [before.split("\n"), after.split("\n")];
  const common = commonLengths(old, next);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < next.length) {
    const isSame = i < old.length && j < next.length && old[i] === next[j];
    if (isSame) {
      [i, j] = [i + 1, j + 1];
    } else if (
      j >= next.length ||
      (i < old.length && at(common, i + 1, j) >= at(common, i, j + 1))
    ) {
      lines.push(paint("red", `- ${old[i] ?? ""}`));
      i += 1;
    } else {
      lines.push(paint("green", `+ ${next[j] ?? ""}`));
      j += 1;
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** How many lines the rests of two texts have in common, in their order. */
function commonLengths(
  old: readonly string[],
  next: readonly string[],
): readonly (readonly number[])[] {
  const lengths = Array.from({ length: old.length + 1 }, () =>
    new Array<number>(next.length + 1).fill(0),
  );
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = next.length - 1; j >= 0; j -= 1) {
      const row = lengths[i] ?? [];
      row[j] =
        old[i] === next[j]
          ? at(lengths, i + 1, j + 1) + 1
          : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  }
  return lengths;
}

function at(
  lengths: readonly (readonly number[])[],
  i: number,
  j: number,
): number {
  return lengths[i]?.[j] ?? 0;
}
