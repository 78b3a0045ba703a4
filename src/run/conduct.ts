import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { canonicalJson } from "../core/canonical-json.js";
import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import { whoRuns } from "../core/who-runs.js";
import {
  FileJournal,
  type Journal,
  type JournalEvent,
  type JournalRecord,
} from "./journal.js";
import { acquireLock, type LockOwner } from "./lock.js";
import { approvedSteps, digestPlan, type Plan } from "./plan.js";
import {
  applyPlan,
  doneSteps,
  hasEffects,
  type RunEvent,
  type RunOutcome,
} from "./runner.js";

/** What a run needs of its surroundings. */
export interface RunPorts {
  /** `deployments/<network>`; runs are journaled in its `runs/`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly toolVersion: string;
  /** Told of a new run when its journal is there; nothing has changed yet. */
  readonly onBegun?: (run: string) => void;
  readonly onEvent?: (event: RunEvent) => void;
  readonly onTakeover?: (owner: LockOwner) => void;
  readonly signal?: AbortSignal;
}

/** A run and what became of it. */
export interface ConductedRun {
  readonly run: string;
  readonly outcome: RunOutcome;
  readonly records: readonly JournalRecord[];
}

type RunStarted = Extract<JournalEvent, { type: "run-started" }>;

/**
 * Applies an approved plan: locked, checked once more, journaled.
 *
 * @throws {DrError} RUN_LOCKED, PLAN_STALE, RPC_DISAGREES, NOT_WRITABLE,
 * JOURNAL_NOT_WRITTEN: nothing has changed.
 */
export async function conductPlan(
  plan: Plan,
  ports: RunPorts,
): Promise<ConductedRun> {
  return await locked(ports, async () => {
    await plan.assertFresh();
    await plan.assertAgreed?.();
    const run = newRunId(plan.procedure, ports.clock);
    const path = join(ports.folder, "runs", `${run}.ndjson`);
    const journal = await FileJournal.create(path, ports.clock);
    return await withJournal(journal, async () => {
      await begin(journal, path, runStarted(run, plan, ports.toolVersion));
      ports.onBegun?.(run);
      return await apply(run, plan, journal, ports);
    });
  });
}

/** A run that can't be begun leaves no journal, and nothing to resume. */
async function begin(
  journal: Journal,
  path: string,
  started: RunStarted,
): Promise<void> {
  try {
    await journal.append(started);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Goes on with an interrupted run.
 *
 * @param rebuild - Makes the plan again from what the journal says of it.
 * @throws {DrError} RUN_UNKNOWN, RUN_ALREADY_DONE, JOURNAL_TAMPERED,
 * RESUME_PLAN_CHANGED when what is left is no longer what was approved, and
 * PLAN_STALE when the world has moved on since, and nothing has changed yet.
 */
export async function resumeRun(
  run: string,
  rebuild: (started: RunStarted) => Promise<Plan>,
  ports: RunPorts,
): Promise<ConductedRun> {
  return await locked(ports, async () => {
    const path = join(ports.folder, "runs", `${run}.ndjson`);
    const journal = await FileJournal.open(path, ports.clock);
    return await withJournal(journal, async () => {
      const started = startOf(journal.records, path);
      if (journal.records.some(({ type }) => type === "run-done")) {
        throw new DrError("RUN_ALREADY_DONE", { run });
      }
      const plan = await rebuild(started);
      assertAsApproved(run, started, plan, journal);
      if (!hasEffects(journal, plan)) {
        // As good as a new run: what it was planned for must still be so.
        await plan.assertFresh();
      }
      await plan.assertAgreed?.();
      await journal.append({
        type: "run-resumed",
        pid: process.pid,
        by: whoRuns(),
      });
      return await apply(run, plan, journal, ports);
    });
  });
}

/** The first record of a journal. @throws {DrError} JOURNAL_EMPTY. */
export function startOf(
  records: readonly JournalRecord[],
  path: string,
): RunStarted {
  const [first] = records;
  if (first?.type !== "run-started") {
    throw new DrError("JOURNAL_EMPTY", { path });
  }
  return first;
}

async function apply(
  run: string,
  plan: Plan,
  journal: Journal,
  { onEvent, signal }: RunPorts,
): Promise<ConductedRun> {
  const outcome = await applyPlan({
    plan,
    journal,
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { run, outcome, records: journal.records };
}

/** What is left must be step for step what was approved; what is done may look different now. */
function assertAsApproved(
  run: string,
  started: RunStarted,
  plan: Plan,
  journal: Journal,
): void {
  const done = doneSteps(journal);
  const isLeft = ({ id }: { readonly id: string }) => !done.has(id);
  const before = started.steps.filter(isLeft);
  const after = approvedSteps(plan).filter(isLeft);
  const differences = Array.from(
    { length: Math.max(before.length, after.length) },
    (_, index) => describeDifference(before[index], after[index]),
  ).filter((difference) => difference !== undefined);
  if (differences.length > 0) {
    throw new DrError("RESUME_PLAN_CHANGED", {
      run,
      differences: differences.join("\n"),
    });
  }
}

function describeDifference(
  before: object | undefined,
  after: object | undefined,
): string | undefined {
  const [approved, now] = [before, after].map((step) =>
    step === undefined ? "(no such step)" : canonicalJson({ ...step }),
  );
  return approved === now
    ? undefined
    : `  approved: ${String(approved)}\n  now:      ${String(now)}`;
}

function runStarted(run: string, plan: Plan, toolVersion: string): RunStarted {
  const { procedure, network, chainId, intent } = plan;
  return {
    type: "run-started",
    run,
    procedure,
    network,
    chainId,
    intent,
    steps: approvedSteps(plan),
    digest: digestPlan(plan),
    toolVersion,
    by: whoRuns(),
  };
}

/** Sorts by time: `20261120-031500-rollback-1f0c`. */
function newRunId(procedure: string, clock: Clock): string {
  const [date = "", time = ""] = clock.now().toISOString().split("T");
  const stamp = `${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}`;
  return `${stamp}-${procedure}-${randomBytes(2).toString("hex")}`;
}

async function locked<T>(
  { folder, clock, onTakeover }: RunPorts,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await acquireLock(folder, clock);
  try {
    if (lock.takenFrom !== undefined) {
      onTakeover?.(lock.takenFrom);
    }
    return await work();
  } finally {
    await lock.release();
  }
}

async function withJournal<T>(
  journal: Journal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await journal.close();
  }
}
