import type { Clock } from "../core/clock.js";
import { sameAddress, type Address } from "../core/hex.js";
import { minedTransactions, subjectOf } from "../route/direct/mined.js";
import { MemoryJournal } from "../run/journal.js";
import type { Plan } from "../run/plan.js";
import { applyPlan, type RunEvent, type RunOutcome } from "../run/runner.js";
import type { TransactionInStep } from "./changes.js";
import type { Fork } from "./fork.js";
import type { StepReport } from "./report.js";
import { passWait } from "./pass-wait.js";
import { readTransactionsAfter } from "./transactions.js";

/** A plan that was run on a fork. */
export interface RehearsedRun {
  readonly outcome: RunOutcome;
  readonly steps: readonly StepReport[];
  /** Of all, those no step answers for too. */
  readonly transactions: readonly TransactionInStep[];
}

export interface ForkRunOptions {
  readonly clock: Clock;
  readonly onEvent?: (event: RunEvent) => void;
  /** Owners of Safes who can't say yes. */
  readonly absent?: readonly Address[];
}

type Timing = Pick<StepReport, "status" | "seconds">;

/**
 * Runs the very plan, journaled in memory, and watches. Where the plan has to
 * wait, the fork's clock goes on.
 */
export async function runOnFork(
  plan: Plan,
  fork: Fork,
  { clock, onEvent, absent }: ForkRunOptions,
): Promise<RehearsedRun> {
  const journal = new MemoryJournal(clock);
  const timings = new Map<string, Timing>();
  const since = new Map<string, number>();
  const watch = (event: RunEvent): void => {
    const now = clock.now().getTime();
    if (event.type === "step-started") {
      since.set(event.step.id, now);
    } else {
      const seconds = (now - (since.get(event.step.id) ?? now)) / 1000;
      timings.set(event.step.id, { status: statusOf(event), seconds });
    }
    onEvent?.(event);
  };
  const waits = new Map<string, bigint>();
  let outcome = await applyPlan({ plan, journal, onEvent: watch });
  while (outcome.status === "waiting") {
    const { step, until } = outcome;
    const seconds = await passWait(fork, until, absent);
    waits.set(step, (waits.get(step) ?? 0n) + seconds);
    outcome = await applyPlan({ plan, journal, onEvent: watch });
  }
  const mined = minedTransactions(journal.records);
  const found = await readTransactionsAfter(fork.rpc, fork.start);
  const transactions = found.map((transaction) => ({
    ...transaction,
    step: mined.find(({ hash }) => sameAddress(hash, transaction.hash))?.step,
  }));
  const contractOf = (hash: string): string => {
    const own = mined.find((one) => sameAddress(one.hash, hash));
    return own === undefined ? "" : subjectOf(own);
  };
  const steps = plan.steps.map(({ id, title }): StepReport => {
    const own = transactions.filter(({ step }) => step === id);
    return {
      id,
      title,
      ...(timings.get(id) ?? { status: "not-reached", seconds: 0 }),
      waitsSeconds: Number(waits.get(id) ?? 0n),
      gasUsed: String(sumGas(own)),
      transactions: own.map(({ hash, from, block, status, gasUsed }) => ({
        hash,
        contract: contractOf(hash),
        from,
        block: Number(block),
        status,
        gasUsed: String(gasUsed),
      })),
    };
  });
  return { outcome, steps, transactions };
}

export function sumGas(transactions: readonly TransactionInStep[]): bigint {
  return transactions.reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
}

function statusOf(
  event: Exclude<RunEvent, { type: "step-started" }>,
): StepReport["status"] {
  if (event.type === "step-failed") {
    return "failed";
  }
  return event.already ? "already" : "done";
}
