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

/** Work on the database that isn't at its end, which is no run of a network's. */
export interface BrokenOffRestore {
  /** An undo swaps back what a restore has put aside. */
  readonly what: "restore" | "undo";
  /** `takumi at db.example.org:5432` */
  readonly database: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

export function formatBrokenOff({
  what,
  database,
  startedAt,
}: BrokenOffRestore): string {
  const work = what === "undo" ? "undo of a restore" : "restore";
  return `The ${work} of ${database} that was begun at ${startedAt} isn't at its end: \`npx hardhat dr:resume\` goes on with it.\n`;
}
