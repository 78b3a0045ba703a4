import Table from "cli-table3";

import type { RunSummary } from "../run/list-runs.js";
import type { Paint } from "./text.js";

const STYLES = {
  done: "green",
  waiting: "yellow",
  unfinished: "red",
  empty: "dim",
  damaged: "red",
} as const;

/** The runs of a network, the newest first. */
export function formatRuns(
  runs: readonly RunSummary[],
  folder: string,
  paint: Paint,
): string {
  if (runs.length === 0) {
    return `No runs in ${folder}.\n`;
  }
  const table = new Table({
    head: ["run", "status", "steps", "last change", "note"],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [null, null, null, null, 50],
  });
  for (const { run, status, stepsDone, steps, endedAt, note } of runs) {
    table.push([
      run,
      paint(STYLES[status], status),
      `${String(stepsDone)} of ${String(steps)}`,
      endedAt,
      note,
    ]);
  }
  return `${table.toString()}\n`;
}
