import { isDrError, messageOf } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { assembleSignatures, countApprovals } from "../../safe/signature.js";
import { assertSameHash } from "../../safe/witnesses.js";
import { requireOpen, type ProposalView } from "./proposal-view.js";

/** Whether a presigned transaction would work right now. */
export type Readiness =
  | { readonly status: "ready" }
  /** So many of the Safe's transactions must go before it; then it is ready. */
  | { readonly status: "future"; readonly ahead: bigint }
  | {
      readonly status: "unsigned";
      readonly have: number;
      readonly threshold: number;
      readonly missing: readonly Address[];
    }
  /** It was executed. */
  | { readonly status: "used"; readonly tx: Hex }
  /** It can't work any more; signed anew with another nonce it may. */
  | { readonly status: "stale"; readonly reasons: readonly string[] };

/**
 * Judges a proposal by what the chain says now: nonce, owners, threshold,
 * what it was proposed for, its execution on a fork, its signatures on the
 * Safe itself.
 */
export async function readReadiness(view: ProposalView): Promise<Readiness> {
  const { standing, check } = view;
  if (standing.status === "executed") {
    return { status: "used", tx: standing.execution.tx };
  }
  const have = countApprovals(check);
  const isSigned = have >= check.threshold;
  const reasons = [
    ...(await reasonsAgainst(view)),
    ...(isSigned ? [] : check.invalid.map(({ reason }) => reason)),
  ];
  if (reasons.length > 0) {
    return { status: "stale", reasons };
  }
  if (!isSigned) {
    const { threshold, missing } = check;
    return { status: "unsigned", have, threshold, missing };
  }
  const refusal = await refusalOf(async () => {
    const { reader, state, domain, proposal } = view;
    const { transaction, signatures } = proposal;
    await assembleSignatures(reader, state, domain, transaction, signatures);
  });
  if (refusal.length > 0) {
    return { status: "stale", reasons: refusal };
  }
  return standing.status === "future"
    ? { status: "future", ahead: standing.ahead }
    : { status: "ready" };
}

async function reasonsAgainst(view: ProposalView): Promise<readonly string[]> {
  const { moved, simulation } = view;
  return [
    ...(await refusalOf(() => {
      assertSameHash(view.witnesses);
      requireOpen(view);
    })),
    ...moved.map(
      ({ name, what, approved, found }) =>
        `${name}'s ${what} is ${found}, and was ${approved} when it was signed.`,
    ),
    ...(simulation?.status === "failed"
      ? [`On a fork it fails: ${simulation.reason ?? "no reason given"}.`]
      : []),
  ];
}

async function refusalOf(
  attempt: () => void | Promise<void>,
): Promise<readonly string[]> {
  try {
    await attempt();
    return [];
  } catch (error) {
    if (isDrError(error)) {
      return [messageOf(error)];
    }
    throw error;
  }
}
