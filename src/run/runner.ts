import type { Json } from "../core/canonical-json.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import { EXIT_CODES, type ExitCode } from "../core/exit-codes.js";
import type { Journal } from "./journal.js";
import type { Plan } from "./plan.js";
import type { Step, StepLog, StepState, WaitsFor } from "./step.js";

/** How a run ended, or where it stands. */
export type RunOutcome =
  | { readonly status: "done" }
  | {
      readonly status: "waiting";
      readonly step: string;
      readonly reason: string;
      readonly until: WaitsFor;
    }
  | {
      readonly status: "failed";
      readonly step: string;
      readonly error: unknown;
      /** Whether anything may have changed in the world. */
      readonly changed: boolean;
    };

/** What those who watch a run are told. */
export type RunEvent =
  | { readonly type: "step-started"; readonly step: Step }
  | {
      readonly type: "step-done";
      readonly step: Step;
      readonly already: boolean;
      readonly entries: readonly Json[];
    }
  | {
      readonly type: "step-failed";
      readonly step: Step;
      readonly error: unknown;
    };

export interface ApplyOptions {
  readonly plan: Plan;
  readonly journal: Journal;
  readonly onEvent?: (event: RunEvent) => void;
  /** Aborted on Ctrl-C: the run stops before the next step. */
  readonly signal?: AbortSignal;
}

/**
 * Applies a plan, or what is left of it. The world is asked first and the
 * journal second; a step the journal calls done is never done again, a step
 * whose verification fails is never called done.
 */
export async function applyPlan(options: ApplyOptions): Promise<RunOutcome> {
  const { plan, journal } = options;
  const done = doneSteps(journal);
  const left = plan.steps.filter(({ id }) => !done.has(id));
  for (const batch of inBatches(left)) {
    const lanes = Map.groupBy(batch, ({ id, lane }) => lane ?? id);
    const ends = await Promise.all(
      [...lanes.values()].map(async (lane) => await applyLane(lane, options)),
    );
    const end = together(ends.filter((each) => each !== undefined));
    if (end !== undefined) {
      return end;
    }
  }
  try {
    await journal.append({ type: "run-done" });
  } catch (error) {
    const step = plan.steps.at(-1)?.id ?? "";
    return {
      status: "failed",
      step,
      error,
      changed: hasEffects(journal, plan),
    };
  }
  return { status: "done" };
}

/** Steps that follow one another and are of one batch; every other one alone. */
function inBatches(steps: readonly Step[]): Step[][] {
  const batches: Step[][] = [];
  for (const step of steps) {
    const last = batches.at(-1);
    if (step.batch !== undefined && last?.[0]?.batch === step.batch) {
      last.push(step);
    } else {
      batches.push([step]);
    }
  }
  return batches;
}

/** What stopped one lane matters most; whatever else is waited for is said together. */
function together(ends: readonly RunOutcome[]): RunOutcome | undefined {
  const failed = ends.find(({ status }) => status === "failed");
  const waiting = ends.filter((end) => end.status === "waiting");
  const [first] = waiting;
  return (
    failed ??
    (first && {
      ...first,
      reason: waiting.map(({ reason }) => reason).join("\n"),
    })
  );
}

/** Each step when the one before it is done. */
async function applyLane(
  steps: readonly Step[],
  options: ApplyOptions,
): Promise<RunOutcome | undefined> {
  for (const step of steps) {
    const end = await applyStep(step, options);
    if (end !== undefined) {
      return end;
    }
  }
  return undefined;
}

/** @returns how the run ends here; undefined when it goes on. */
async function applyStep(
  step: Step,
  options: ApplyOptions,
): Promise<RunOutcome | undefined> {
  const { journal, onEvent, signal } = options;
  try {
    signal?.throwIfAborted();
    return await advance(step, journal, onEvent);
  } catch (error) {
    return await fail(step, error, options);
  }
}

async function advance(
  step: Step,
  journal: Journal,
  onEvent: ApplyOptions["onEvent"],
): Promise<RunOutcome | undefined> {
  onEvent?.({ type: "step-started", step });
  const log = stepLog(step.id, journal);
  const state: StepState = await step.check(log);
  switch (state.status) {
    case "waiting": {
      const { reason, until } = state;
      await journal.append({ type: "run-waiting", step: step.id, reason });
      return { status: "waiting", step: step.id, reason, until };
    }
    case "blocked":
      throw state.error;
    case "done":
      await step.verify();
      await finish(step, journal, true, onEvent);
      return undefined;
    case "ready":
      await journal.append({ type: "step-started", step: step.id });
      await step.run(log);
      await step.verify();
      await finish(step, journal, false, onEvent);
      return undefined;
  }
}

async function finish(
  step: Step,
  journal: Journal,
  already: boolean,
  onEvent: ApplyOptions["onEvent"],
): Promise<void> {
  await journal.append({ type: "step-done", step: step.id, already });
  onEvent?.({
    type: "step-done",
    step,
    already,
    entries: entriesOf(step.id, journal),
  });
}

async function fail(
  step: Step,
  error: unknown,
  { plan, journal, onEvent }: ApplyOptions,
): Promise<RunOutcome> {
  onEvent?.({ type: "step-failed", step, error });
  try {
    await journal.append({
      type: "step-failed",
      step: step.id,
      code: isDrError(error) ? error.code : "UNEXPECTED",
      message: messageOf(error),
    });
  } catch (unwritten) {
    if (!isDrError(unwritten, "JOURNAL_NOT_WRITTEN")) {
      throw unwritten;
    }
    // What stopped the run matters more, and may be this very thing.
  }
  return {
    status: "failed",
    step: step.id,
    error,
    changed: hasEffects(journal, plan),
  };
}

/** Ids of the steps the journal knows to be verified. */
export function doneSteps(journal: Pick<Journal, "records">): Set<string> {
  return new Set(
    journal.records.flatMap((record) =>
      record.type === "step-done" ? [record.step] : [],
    ),
  );
}

/** Whether some step that changes anything got as far as announcing an effect. */
export function hasEffects(
  { records }: Pick<Journal, "records">,
  { steps }: Pick<Plan, "steps">,
): boolean {
  const harmless = new Set(
    steps.filter((step) => step.changesNothing).map(({ id }) => id),
  );
  return records.some(
    (record) =>
      (record.type === "step-entry" ||
        (record.type === "step-done" && !record.already)) &&
      !harmless.has(record.step),
  );
}

export function entriesOf(
  step: string,
  { records }: Pick<Journal, "records">,
): Json[] {
  return records.flatMap((record) =>
    record.type === "step-entry" && record.step === step ? [record.entry] : [],
  );
}

function stepLog(step: string, journal: Journal): StepLog {
  return {
    get entries() {
      return entriesOf(step, journal);
    },
    append: async (entry) => {
      await journal.append({ type: "step-entry", step, entry });
    },
  };
}

/** What the shell is told of a run. */
export function exitCodeOf(outcome: RunOutcome): ExitCode {
  switch (outcome.status) {
    case "done":
      return EXIT_CODES.done;
    case "waiting":
      return EXIT_CODES.waiting;
    case "failed":
      if (outcome.changed) {
        return EXIT_CODES.partial;
      }
      return outcome.error instanceof DrError
        ? outcome.error.exitCode
        : EXIT_CODES.error;
  }
}
