import Table from "cli-table3";

import type { RestoreRecord } from "../database/restore-record.js";
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

/** A restore of the database that isn't at its end, which is no run of a network's. */
export function formatBrokenOff({
  database,
  startedAt,
}: Pick<RestoreRecord, "database" | "startedAt">): string {
  return `The restore of ${database} that was begun at ${startedAt} isn't at its end: \`npx hardhat dr:resume\` goes on with it.\n`;
}
