import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { Json } from "../../src/core/canonical-json.js";
import { DrError } from "../../src/core/errors.js";
import { anyErrorToJson, formatAnyError } from "../../src/display/error.js";
import { formatPlan } from "../../src/display/plan.js";
import { paintFor } from "../../src/display/text.js";
import { conductPlan, type ConductedRun } from "../../src/run/conduct.js";
import { approvedSteps, digestPlan, type Plan } from "../../src/run/plan.js";
import type { RunEvent, RunOutcome } from "../../src/run/runner.js";
import type { Session } from "../../src/session/open-session.js";
import { TOOL_VERSION } from "../../src/session/tool-version.js";
import { ask } from "./ask.js";
import type { Output } from "./output.js";

interface Consent {
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** @throws {DrError} NO_TERMINAL, before anything is read. */
export function requireConsentPossible({ dryRun, yes }: Consent): void {
  if (!dryRun && !yes && !process.stdin.isTTY) {
    throw new DrError("NO_TERMINAL", {});
  }
}

/**
 * Asks before something is done; on a live chain its name must be typed.
 *
 * @param deed - What is asked for: `apply this plan`.
 * @param signal - Takes the question back; that is a no.
 * @throws {DrError} NOT_CONFIRMED.
 */
export async function requireConsent(
  deed: string,
  {
    isDevelopment,
    ports,
  }: Pick<Session, "isDevelopment"> & {
    readonly ports: Pick<Session["ports"], "network">;
  },
  { yes }: Pick<Consent, "yes">,
  { hooks }: HardhatRuntimeEnvironment,
  signal?: AbortSignal,
): Promise<void> {
  if (yes) {
    return;
  }
  if (isDevelopment) {
    await requireYes(deed, { yes }, { hooks }, signal);
    return;
  }
  const question = `This is ${ports.network}. Type its name to ${deed}`;
  const answer = (await ask(question, hooks, signal)).trim();
  if (answer !== ports.network) {
    throw new DrError("NOT_CONFIRMED", {});
  }
}

/** The same where no chain is touched. @throws {DrError} NOT_CONFIRMED. */
export async function requireYes(
  deed: string,
  { yes }: Pick<Consent, "yes">,
  { hooks }: Pick<HardhatRuntimeEnvironment, "hooks">,
  signal?: AbortSignal,
): Promise<void> {
  const isConfirmed =
    yes ||
    /^y(es)?$/i.test((await ask(`Type y to ${deed}`, hooks, signal)).trim());
  if (!isConfirmed) {
    throw new DrError("NOT_CONFIRMED", {});
  }
}

export function showPlan(plan: Plan, output: Output): void {
  output.text(
    formatPlan(
      { ...plan, steps: approvedSteps(plan), digest: digestPlan(plan) },
      output.paint,
    ),
  );
}

/** Applies an approved plan, telling how it goes; Ctrl-C stops it between two steps. */
export async function conduct(
  plan: Plan,
  { ports }: Session,
  output: Output,
  interruption: Interruption,
  onBegun?: (run: string) => void,
): Promise<ConductedRun> {
  return await interruption.during(
    async () =>
      await conductPlan(plan, {
        ...runPorts(ports, output, interruption.signal),
        ...(onBegun === undefined ? {} : { onBegun }),
      }),
  );
}

export function runPorts(
  { folder, clock }: Session["ports"],
  output: Output,
  signal: AbortSignal,
): Parameters<typeof conductPlan>[1] {
  return {
    folder,
    clock,
    signal,
    toolVersion: TOOL_VERSION,
    onEvent: (event) => {
      tell(event, output);
    },
    onTakeover: ({ user, host, pid, since }) => {
      output.progress(
        `Took over the lock that ${user}@${host}, process ${String(pid)}, left behind at ${since}.`,
      );
    },
  };
}

/** How a step goes, as it goes. */
export function tell(event: RunEvent, output: Output): void {
  const paint = paintFor(process.stderr);
  switch (event.type) {
    case "step-started":
      output.progress(`… ${event.step.title}`);
      break;
    case "step-done":
      output.progress(
        `${paint("green", "✔")} ${event.step.title}${event.already ? " (already so)" : ""}`,
      );
      break;
    case "step-failed":
      output.progress(`${paint("red", "✘")} ${event.step.title}`);
      break;
  }
}

/** A run and how it ended, for `--json`. */
export function outcomeToJson(
  run: string,
  outcome: RunOutcome,
): Readonly<Record<string, Json>> {
  const { status } = outcome;
  switch (outcome.status) {
    case "done":
      return { run, status };
    case "waiting":
      return { run, status, step: outcome.step, reason: outcome.reason };
    case "failed":
      return {
        run,
        status,
        step: outcome.step,
        error: anyErrorToJson(outcome.error),
      };
  }
}

/** Tells of a run that didn't get to its end, and how to go on. */
export function tellOutcome(run: string, outcome: RunOutcome): void {
  if (outcome.status === "failed") {
    process.stderr.write(
      formatAnyError(outcome.error, paintFor(process.stderr)),
    );
  }
  if (outcome.status === "waiting") {
    process.stderr.write(`${outcome.reason}\n`);
  }
  if (outcome.status !== "done") {
    process.stderr.write(`Go on with: npx hardhat dr:resume ${run}\n`);
  }
}

/** Ctrl-C, being told to end, and a terminal that is closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type InterruptionCode =
  | "INTERRUPTED"
  | "BACKUP_INTERRUPTED"
  | "OFFSITE_INTERRUPTED"
  | "RESTORE_INTERRUPTED"
  | "MIGRATION_INTERRUPTED"
  | "DRILL_INTERRUPTED";

const PATIENCE_MS = 10_000;
const STILL_STOPPING =
  "Still stopping: something doesn't answer. Ctrl-C once more ends it at once; what it leaves then, running it again or `npx hardhat dr:resume` clears up.";

/** Ctrl-C, made polite: the first stops the run at a safe point, the second kills. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #code: InterruptionCode;
  readonly #patienceMs: number;

  /**
   * @param code - What is said when it has stopped.
   * @param patienceMs - Until the way out is told: what it waits for may never answer.
   */
  constructor(
    code: InterruptionCode = "INTERRUPTED",
    patienceMs: number = PATIENCE_MS,
  ) {
    this.#code = code;
    this.#patienceMs = patienceMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const ignore = () => {
      for (const signal of SIGNALS) {
        process.removeListener(signal, stop);
      }
    };
    let reminder: NodeJS.Timeout | undefined;
    // Not `once`: others' listeners end the process where they find none but their own.
    const stop = () => {
      this.#controller.abort(new DrError(this.#code, {}));
      setImmediate(ignore);
      reminder = setTimeout(() => {
        process.stderr.write(`${STILL_STOPPING}\n`);
      }, this.#patienceMs);
    };
    for (const signal of SIGNALS) {
      process.on(signal, stop);
    }
    try {
      return await work();
    } finally {
      clearTimeout(reminder);
      ignore();
    }
  }
}
