import { isAbsolute, join } from "node:path";

import { BlockReader, readChainId } from "../../chain/block-reader.js";
import type { Hex } from "../../core/hex.js";
import { describeCall, type DescribedCall } from "../../safe/describe.js";
import {
  readNonceStanding,
  type NonceStanding,
  requireStanding,
} from "../../safe/executions.js";
import {
  listProposals,
  locateProposal,
  readProposal,
  type Proposal,
  type SimulationReport,
} from "../../safe/proposal.js";
import {
  reviewTransaction,
  type TransactionReview,
} from "../../safe/review.js";
import { readSafeState, type SafeState } from "../../safe/safe-state.js";
import { checkSignatures, type SignatureCheck } from "../../safe/signature.js";
import type { SafeDomain } from "../../safe/transaction.js";
import { readHashWitnesses, type HashWitnesses } from "../../safe/witnesses.js";
import type { RecoveryPorts } from "../ports.js";
import { readCallNames } from "./call-names.js";
import { findMoved, type Moved } from "./proposed-contracts.js";

/** A proposal and all that the chain says of it, at one block. */
export interface ProposalView {
  readonly path: string;
  readonly proposal: Proposal;
  readonly network: string;
  readonly reader: BlockReader;
  readonly state: SafeState;
  readonly domain: SafeDomain;
  readonly witnesses: HashWitnesses;
  readonly review: TransactionReview;
  /** Decoded from the transaction's data. */
  readonly calls: readonly DescribedCall[];
  readonly check: SignatureCheck;
  readonly standing: NonceStanding;
  /** What isn't as it was when this was proposed; empty once it is too late. */
  readonly moved: readonly Moved[];
  /** Absent when nobody could simulate it here. */
  readonly simulation?: SimulationReport;
}

/**
 * Opens the proposal of a hash or in a file, and reads what it rests on.
 *
 * @throws {DrError} the proposal's own errors, NOT_A_SAFE.
 */
export async function openProposal(
  ports: RecoveryPorts,
  wanted: string,
): Promise<ProposalView> {
  const chainId = Number(await readChainId(ports.rpc));
  const path = await locate(ports, wanted);
  const { network, sealing } = ports;
  const proposal = await readProposal(path, { network, chainId, sealing });
  return await viewProposal(ports, path, proposal);
}

async function locate(
  { folder, root }: RecoveryPorts,
  wanted: string,
): Promise<string> {
  if (/^0x[0-9a-fA-F]{64}$/.test(wanted)) {
    return await locateProposal(folder, wanted.toLowerCase() as Hex);
  }
  return isAbsolute(wanted) ? wanted : join(root, wanted);
}

/** Reads anew all that a proposal rests on. */
export async function viewProposal(
  ports: RecoveryPorts,
  path: string,
  proposal: Proposal,
): Promise<ProposalView> {
  const { transaction, safeTxHash, safe } = proposal;
  const reader = await BlockReader.at(ports.rpc);
  const state = await readSafeState(reader, safe);
  const domain = {
    chainId: BigInt(proposal.chainId),
    safe: state.address,
    version: state.version,
  };
  const [witnesses, review, check, standing, moved, simulation] =
    await Promise.all([
      readHashWitnesses(reader, domain, transaction),
      reviewTransaction(reader, state, transaction),
      checkSignatures(
        reader,
        state,
        domain,
        transaction,
        proposal.signatures,
        await knownSafes(ports, proposal),
      ),
      readNonceStanding(reader, state.address, state.nonce, {
        safeTxHash,
        nonce: transaction.nonce,
        fromBlock: BigInt(proposal.block),
      }),
      findMoved(reader, proposal.contracts),
      ports.simulateProposal?.(proposal),
    ]);
  const names = await readCallNames(ports, reader, proposal.chainId);
  return {
    path,
    proposal,
    network: ports.network,
    reader,
    state,
    domain,
    witnesses,
    review,
    calls: review.calls.map((call) => describeCall(call, names)),
    check,
    standing,
    moved: standing.status === "executed" ? [] : moved,
    ...(simulation === undefined ? {} : { simulation }),
  };
}

/** Safes that somebody may have signed for by mistake: those of the other proposals. */
export async function knownSafes(
  { folder, network, sealing }: RecoveryPorts,
  { chainId }: Pick<Proposal, "chainId">,
): Promise<{ readonly safes: readonly Hex[] }> {
  const found = await listProposals(folder, { network, chainId, sealing });
  return {
    safes: found.flatMap((one) =>
      "proposal" in one ? [one.proposal.safe] : [],
    ),
  };
}

/**
 * That there is still something to sign or to execute.
 *
 * @throws {DrError} SAFE_ALREADY_EXECUTED, SAFE_NONCE_TAKEN.
 */
export function requireOpen({ standing, proposal }: ProposalView): void {
  requireStanding(standing, {
    ...proposal,
    nonce: proposal.transaction.nonce,
  });
}
