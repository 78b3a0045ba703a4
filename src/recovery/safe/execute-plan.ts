import { BlockReader } from "../../chain/block-reader.js";
import { explainRevert } from "../../chain/revert-reason.js";
import type { Json } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Action } from "../../route/route.js";
import type { Plan } from "../../run/plan.js";
import type { Step } from "../../run/step.js";
import { requireAccepted } from "../../safe/danger.js";
import { encodeExecTransaction } from "../../safe/execution.js";
import { readNonceStanding, requireStanding } from "../../safe/executions.js";
import { explainSafeRevert } from "../../safe/gs-codes.js";
import type { ProposedContract } from "../../safe/proposal.js";
import { readSafeState, type SafeState } from "../../safe/safe-state.js";
import { assembleSignatures, countApprovals } from "../../safe/signature.js";
import { assertSameHash } from "../../safe/witnesses.js";
import { agreementOn } from "../agreement.js";
import type { RecoveryPorts } from "../ports.js";
import {
  notesOf,
  readBefore,
  recordExecutionStep,
  type BeforeExecution,
} from "../record-execution.js";
import { factsOfProposal } from "./proposal-facts.js";
import { readCallNames } from "./call-names.js";
import {
  executedCalls,
  expectedEffects,
  mayMove,
  verifyEffects,
  type Effect,
} from "./effects.js";
import { requireOpen, type ProposalView } from "./proposal-view.js";
import { findMoved, requireUnmoved } from "./proposed-contracts.js";

/** The execution of a Safe's transaction with nothing left open. */
export interface SafeExecuteIntent {
  readonly safe: Address;
  readonly safeTxHash: Hex;
  /** Decimal. */
  readonly nonce: string;
  /** When it was proposed: its execution is searched for from here on. */
  readonly block: number;
  readonly from: Address;
  /** Of `execTransaction`. */
  readonly data: Hex;
  readonly contracts: readonly ProposedContract[];
  readonly effects: readonly Effect[];
  /** Absent when it can't move anything. */
  readonly before?: BeforeExecution;
}

/**
 * Whether a proposal may be executed now, and all that it takes.
 *
 * @param accepted - Dangers that were named.
 * @throws {DrError} SAFE_HASH_DISAGREES, SAFE_ALREADY_EXECUTED,
 * SAFE_NONCE_TAKEN, SAFE_NONCE_FUTURE, SAFE_DANGEROUS_CALL, PLAN_STALE,
 * SIGNATURES_MISSING, SIGNATURES_REFUSED, SAFE_EXECUTION_REFUSED, NO_ACCOUNTS.
 */
export async function resolveSafeExecution(
  ports: RecoveryPorts,
  view: ProposalView,
  accepted: readonly string[],
): Promise<SafeExecuteIntent> {
  const { proposal, reader, state, domain, review, standing } = view;
  const { transaction, safeTxHash, contracts, block } = proposal;
  assertSameHash(view.witnesses);
  requireOpen(view);
  requireAccepted(review.dangers, accepted);
  requireUnmoved(view.moved);
  const from = chooseSender(ports, view);
  const signatures = await assembleSignatures(
    reader,
    state,
    domain,
    transaction,
    proposal.signatures,
    from,
  );
  if (standing.status === "future") {
    throw new DrError("SAFE_NONCE_FUTURE", {
      nonce: transaction.nonce,
      present: state.nonce,
      ahead: standing.ahead,
    });
  }
  const data = encodeExecTransaction(transaction, signatures);
  await tryExecution(reader, state, from, data);
  const before = mayMove(review.calls)
    ? await readBefore(ports, reader)
    : undefined;
  return {
    safe: state.address,
    safeTxHash,
    nonce: transaction.nonce.toString(),
    block,
    from,
    data,
    contracts,
    effects: expectedEffects(await executedCalls(reader, review.calls)),
    ...(before === undefined ? {} : { before }),
  };
}

/** Anybody may send; an owner whose yes is the only one missing says it by sending. */
function chooseSender(
  { accounts, network }: RecoveryPorts,
  { check }: ProposalView,
): Address {
  const isOneShort = countApprovals(check) === check.threshold - 1;
  const sender =
    (isOneShort
      ? accounts.find((account) => check.missing.includes(account))
      : undefined) ?? accounts[0];
  if (sender === undefined) {
    throw new DrError("NO_ACCOUNTS", { network });
  }
  return sender;
}

/** Asks the Safe what would come of it. */
async function tryExecution(
  reader: BlockReader,
  { address, guard }: Pick<SafeState, "address" | "guard">,
  from: Address,
  data: Hex,
): Promise<void> {
  const outcome = await reader.callRaw({ from, to: address, data });
  if (!outcome.ok) {
    const reason = explainSafeRevert(explainRevert(outcome.error));
    throw new DrError("SAFE_EXECUTION_REFUSED", {
      safe: address,
      reason:
        guard === undefined || /\bGS\d{3}\b/.test(reason)
          ? reason
          : `${reason} (it has a guard, ${guard}, which may refuse it)`,
    });
  }
}

/** The plan of an execution, from its intent alone. */
export function buildSafeExecutePlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: SafeExecuteIntent,
): Plan {
  const action = executeAction(intent);
  const { from, safe, before } = intent;
  return {
    procedure: "safe-execute",
    network: ports.network,
    chainId,
    intent: intent as unknown as Json,
    steps: [
      ...ports
        .openRoute({ kind: "direct", from })
        .toSteps("execute", `Execute a transaction of the Safe ${safe}`, [
          action,
        ]),
      verifyStep(ports, chainId, intent),
      ...(before === undefined ? [] : [recordExecutionStep(ports, before)]),
    ],
    notes: notesOf(before),
    ...agreementOn(ports, () => Promise.resolve(factsOfProposal(intent))),
    assertFresh: async () => {
      await assertExecutable(await BlockReader.at(ports.rpc), intent);
    },
  };
}

function executeAction(intent: SafeExecuteIntent): Action {
  const { safe, safeTxHash, data } = intent;
  return {
    contracts: [safeTxHash],
    call: {
      to: safe,
      value: 0n,
      data,
      label: `execTransaction of ${safeTxHash}`,
    },
    isDone: async (reader) =>
      (await readStanding(reader, intent)).status === "executed",
    assertFresh: async (reader) => {
      await assertExecutable(reader, intent);
    },
  };
}

async function readStanding(
  reader: BlockReader,
  intent: SafeExecuteIntent,
): ReturnType<typeof readNonceStanding> {
  const { safe, safeTxHash, nonce, block } = intent;
  const state = await readSafeState(reader, safe);
  return await readNonceStanding(reader, safe, state.nonce, {
    safeTxHash,
    nonce: BigInt(nonce),
    fromBlock: BigInt(block),
  });
}

/** @throws {DrError} whatever keeps it from being executed now. */
async function assertExecutable(
  reader: BlockReader,
  intent: SafeExecuteIntent,
): Promise<void> {
  const { safe, safeTxHash, nonce, contracts, from, data } = intent;
  const [state, standing, moved] = await Promise.all([
    readSafeState(reader, safe),
    readStanding(reader, intent),
    findMoved(reader, contracts),
  ]);
  requireStanding(standing, { safe, safeTxHash, nonce: BigInt(nonce) });
  requireUnmoved(moved);
  await tryExecution(reader, state, from, data);
}

/** That the Safe says it was done, and that it has done what it was for. */
function verifyStep(
  ports: RecoveryPorts,
  chainId: number,
  intent: SafeExecuteIntent,
): Step {
  const { safe, safeTxHash, effects } = intent;
  return {
    id: "verify",
    title: "Verify that the Safe reports success, and what its calls did",
    reversibility: "reversible",
    approval: { effects: effects.map((effect) => ({ ...effect })) },
    check: () => Promise.resolve({ status: "ready" }),
    run: () => Promise.resolve(),
    verify: async () => {
      const reader = await BlockReader.at(ports.rpc);
      const standing = await readStanding(reader, intent);
      if (standing.status !== "executed" || !standing.execution.success) {
        throw new DrError("SAFE_EXECUTION_FAILED", {
          safe,
          safeTxHash,
          found: standing.status === "executed" ? "a failure" : "nothing",
        });
      }
      const { nameOf } = await readCallNames(ports, reader, chainId);
      await verifyEffects(reader, effects, (address) => nameOf?.(address));
    },
  };
}
