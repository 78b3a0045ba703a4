import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { DrError, hasCode, isDrError, messageOf } from "../core/errors.js";
import { readJournal, type JournalRecord } from "./journal.js";

/** A run as its journal tells it. */
export interface RunSummary {
  readonly run: string;
  readonly procedure: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** `empty`: stopped before its first record, so before anything was done. */
  readonly status: "done" | "waiting" | "unfinished" | "empty" | "damaged";
  /** Steps verified, of how many. */
  readonly stepsDone: number;
  readonly steps: number;
  /** The last thing that went wrong, or is waited for. */
  readonly note: string;
}

/** All runs of a network, the newest first. */
export async function listRuns(folder: string): Promise<RunSummary[]> {
  const names = await namesIn(join(folder, "runs"));
  const runs = names
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => name.slice(0, -".ndjson".length))
    .sort()
    .reverse();
  return await Promise.all(
    runs.map(async (run) => await summarizeRun(folder, run)),
  );
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return [];
    }
    throw new DrError(
      "JOURNAL_UNREADABLE",
      { path, reason: messageOf(error) },
      { cause: error },
    );
  }
}

async function summarizeRun(folder: string, run: string): Promise<RunSummary> {
  try {
    const path = join(folder, "runs", `${run}.ndjson`);
    return summarize(run, (await readJournal(path)).records);
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    return { ...summarize(run, []), status: "damaged", note: error.message };
  }
}

function summarize(run: string, records: readonly JournalRecord[]): RunSummary {
  const [first] = records;
  const last = records.at(-1);
  const started = first?.type === "run-started" ? first : undefined;
  return {
    run,
    procedure: started?.procedure ?? "",
    startedAt: first?.at ?? "",
    endedAt: last?.at ?? "",
    status: statusOf(last),
    stepsDone: records.filter(({ type }) => type === "step-done").length,
    steps: started?.steps.length ?? 0,
    note: noteOf(last),
  };
}

function statusOf(last: JournalRecord | undefined): RunSummary["status"] {
  switch (last?.type) {
    case "run-done":
      return "done";
    case "run-waiting":
      return "waiting";
    case undefined:
      return "empty";
    default:
      return "unfinished";
  }
}

function noteOf(last: JournalRecord | undefined): string {
  switch (last?.type) {
    case "step-failed":
      return last.message;
    case "run-waiting":
      return last.reason;
    default:
      return "";
  }
}

/**
 * The run to resume: the one named, or the only unfinished one.
 *
 * @throws {DrError} RUN_UNKNOWN, NOTHING_TO_RESUME, RUN_AMBIGUOUS.
 */
export async function findRun(
  folder: string,
  run: string | undefined,
): Promise<string> {
  const runs = await listRuns(folder);
  if (run !== undefined) {
    if (!runs.some((one) => one.run === run)) {
      const known = runs.map((one) => one.run).join(", ");
      throw new DrError("RUN_UNKNOWN", { run, known: known || "(none)" });
    }
    return run;
  }
  const [only, ...others] = runs.filter(
    ({ status }) => status === "unfinished" || status === "waiting",
  );
  if (only === undefined) {
    const [newest] = runs;
    if (newest?.status === "damaged") {
      // It may be the one that was meant: whoever opens it says what is wrong.
      return newest.run;
    }
    throw new DrError("NOTHING_TO_RESUME", { folder });
  }
  if (others.length > 0) {
    throw new DrError("RUN_AMBIGUOUS", {
      runs: [only, ...others].map((one) => one.run).join(", "),
    });
  }
  return only.run;
}
