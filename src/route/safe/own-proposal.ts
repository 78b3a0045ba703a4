import { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { Call } from "../../core/call.js";
import { encodeExecTransaction } from "../../safe/execution.js";
import { readNonceStanding, requireStanding } from "../../safe/executions.js";
import { plainTransaction } from "../../safe/multi-send.js";
import { parseSignature } from "../../safe/owner-signature.js";
import {
  addSignature,
  createProposal,
  listProposals,
  writeProposal,
  type Proposal,
} from "../../safe/proposal.js";
import { readSafeState, type SafeState } from "../../safe/safe-state.js";
import {
  assembleSignatures,
  checkSignatures,
  countApprovals,
} from "../../safe/signature.js";
import {
  typedDataOf,
  type SafeDomain,
  type SafeTransaction,
} from "../../safe/transaction.js";
import { assertSameHash, readHashWitnesses } from "../../safe/witnesses.js";
import { callsOf, subjectsOf } from "../actions.js";
import type { Action } from "../route.js";
import type { SafeRoutePorts } from "./ports.js";

/** A proposal of ours, as the chain sees it at one block. */
export interface ExaminedProposal {
  readonly state: SafeState;
  readonly domain: SafeDomain;
  readonly proposal: Proposal;
  /** Owners who have said yes. */
  readonly approvals: number;
  /** Owners of whom nothing valid is there. */
  readonly missing: readonly Address[];
}

type Body = Omit<SafeTransaction, "nonce">;

/** Proposes these actions with the Safe's next nonce, as a file. */
export async function propose(
  ports: SafeRoutePorts,
  safe: Address,
  actions: readonly Action[],
): Promise<Proposal> {
  const { rpc, clock, chainId, describeContracts, simulation } = ports;
  const reader = await BlockReader.at(rpc);
  const state = await readSafeState(reader, safe);
  const body = await bodyOf(ports, reader, state, callsOf(actions));
  const proposal = createProposal({
    chainId,
    safe,
    safeVersion: state.version,
    transaction: { ...body, nonce: state.nonce },
    block: Number(reader.block.number),
    proposedAt: clock.now().toISOString(),
    contracts: await describeContracts(reader, subjectsOf(actions)),
    ...(simulation === undefined ? {} : { simulation }),
  });
  const domain = domainOf(chainId, state);
  const { transaction } = proposal;
  assertSameHash(await readHashWitnesses(reader, domain, transaction));
  await writeProposal(ports, proposal);
  return proposal;
}

/**
 * The proposal of these actions, found by what it does, with a nonce that is
 * still to come.
 */
export async function findProposal(
  ports: SafeRoutePorts,
  reader: BlockReader,
  safe: Address,
  actions: readonly Action[],
): Promise<Proposal | undefined> {
  const state = await readSafeState(reader, safe);
  const proposals = await listOwn(ports, reader, state, actions);
  return proposals.find(({ transaction }) => transaction.nonce >= state.nonce);
}

/**
 * The proposal of these actions and what its signatures are worth.
 *
 * @throws {DrError} SAFE_PROPOSAL_GONE, SAFE_NONCE_TAKEN.
 */
export async function examineProposal(
  ports: SafeRoutePorts,
  reader: BlockReader,
  safe: Address,
  actions: readonly Action[],
): Promise<ExaminedProposal> {
  const { folder, chainId } = ports;
  const state = await readSafeState(reader, safe);
  const proposals = await listOwn(ports, reader, state, actions);
  const proposal =
    proposals.find(({ transaction }) => transaction.nonce >= state.nonce) ??
    proposals.at(-1);
  if (proposal === undefined) {
    throw new DrError("SAFE_PROPOSAL_GONE", { safe, folder });
  }
  await requireNonceFree(reader, state, proposal);
  const domain = domainOf(chainId, state);
  const { transaction, signatures } = proposal;
  const check = await checkSignatures(
    reader,
    state,
    domain,
    transaction,
    signatures,
  );
  const approvals = countApprovals(check);
  return { state, domain, proposal, approvals, missing: check.missing };
}

/** Adds these owners' signatures to a proposal. */
export async function signAs(
  ports: SafeRoutePorts,
  { domain, state, proposal }: ExaminedProposal,
  owners: readonly Address[],
): Promise<void> {
  const { clock, signTypedData } = ports;
  const typedData = typedDataOf(domain, proposal.transaction);
  let signed = proposal;
  for (const owner of owners) {
    const bytes = await signTypedData(owner, typedData);
    signed = addSignature(signed, {
      ...parseSignature(bytes, proposal.safeTxHash, state.owners),
      at: clock.now().toISOString(),
    });
  }
  await writeProposal(ports, signed);
}

/** Calldata of `execTransaction`, its signatures tried on the Safe. */
export async function encodeExecution(
  reader: BlockReader,
  { domain, state, proposal }: ExaminedProposal,
  sender: Address,
): Promise<Hex> {
  const { transaction, signatures } = proposal;
  const assembled = await assembleSignatures(
    reader,
    state,
    domain,
    transaction,
    signatures,
    sender,
  );
  return encodeExecTransaction(transaction, assembled);
}

/** @throws {DrError} SAFE_NONCE_TAKEN, naming the transaction that took it; SAFE_WITHOUT_EFFECT. */
async function requireNonceFree(
  reader: BlockReader,
  { address, nonce: present }: SafeState,
  { safeTxHash, transaction: { nonce }, block }: Proposal,
): Promise<void> {
  const standing = await readNonceStanding(reader, address, present, {
    safeTxHash,
    nonce,
    fromBlock: BigInt(block),
  });
  if (standing.status === "executed") {
    const { tx } = standing.execution;
    throw new DrError("SAFE_WITHOUT_EFFECT", { safe: address, safeTxHash, tx });
  }
  requireStanding(standing, { safe: address, safeTxHash, nonce });
}

/** By nonce. */
async function listOwn(
  ports: SafeRoutePorts,
  reader: BlockReader,
  state: SafeState,
  actions: readonly Action[],
): Promise<readonly Proposal[]> {
  const { folder, network, chainId, sealing } = ports;
  const [found, body] = await Promise.all([
    listProposals(folder, { network, chainId, sealing }),
    bodyOf(ports, reader, state, callsOf(actions)),
  ]);
  return found
    .flatMap((one) => ("proposal" in one ? [one.proposal] : []))
    .filter(
      ({ safe, transaction }) =>
        sameAddress(safe, state.address) && isSameBody(transaction, body),
    );
}

async function bodyOf(
  { findMultiSend }: SafeRoutePorts,
  reader: BlockReader,
  { address, version }: SafeState,
  calls: readonly Call[],
): Promise<Body> {
  const multiSend =
    calls.length > 1 ? await findMultiSend(reader, version) : address;
  return plainTransaction(calls, multiSend);
}

function isSameBody(a: Body, b: Body): boolean {
  return (
    sameAddress(a.to, b.to) &&
    a.value === b.value &&
    a.data.toLowerCase() === b.data.toLowerCase() &&
    a.operation === b.operation &&
    a.gasPrice === b.gasPrice
  );
}

function domainOf(
  chainId: number,
  { address, version }: SafeState,
): SafeDomain {
  return { chainId: BigInt(chainId), safe: address, version };
}
