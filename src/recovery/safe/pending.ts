import type { BlockReader } from "../../chain/block-reader.js";
import { isDrError, type DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { describeCall, type DescribedCall } from "../../safe/describe.js";
import type { InnerCall } from "../../safe/multi-send.js";
import { listProposals, type Proposal } from "../../safe/proposal.js";
import { reviewTransaction } from "../../safe/review.js";
import { readSafeState } from "../../safe/safe-state.js";
import { checkSignatures, countApprovals } from "../../safe/signature.js";
import type { RecoveryPorts } from "../ports.js";
import { readCallNames } from "./call-names.js";

/** A Safe's transaction that is proposed here and can still be executed. */
export interface PendingProposal {
  readonly path: string;
  readonly safe: Address;
  readonly safeTxHash: Hex;
  readonly nonce: bigint;
  /** How many of the Safe's transactions must go before it. */
  readonly ahead: bigint;
  readonly approvals: number;
  readonly threshold: number;
  /** Owners of whom nothing valid is there. */
  readonly missing: readonly Address[];
  readonly calls: readonly DescribedCall[];
}

/** A proposal that can't be read here, and why. */
export interface UnreadProposal {
  readonly path: string;
  readonly error: DrError;
}

export interface PendingProposals {
  readonly proposals: readonly PendingProposal[];
  readonly unread: readonly UnreadProposal[];
}

/** Those of `deployments/<network>/safe` whose nonce is still to come, as they stand at the reader's block. */
export async function readPending(
  ports: Pick<
    RecoveryPorts,
    "network" | "folder" | "root" | "artifacts" | "sealing"
  >,
  reader: BlockReader,
  chainId: number,
): Promise<PendingProposals> {
  const { folder, network, sealing } = ports;
  const found = await listProposals(folder, { network, chainId, sealing });
  const read = await Promise.all(
    found.map(async (one) =>
      "error" in one ? one : await readStanding(reader, one),
    ),
  );
  const pending = read.filter((one) => one !== undefined && "calls" in one);
  const names =
    pending.length === 0 ? {} : await readCallNames(ports, reader, chainId);
  return {
    proposals: pending.map(({ calls, ...rest }) => ({
      ...rest,
      calls: calls.map((call) => describeCall(call, names)),
    })),
    unread: read.filter((one) => one !== undefined && "error" in one),
  };
}

interface Found {
  readonly path: string;
  readonly proposal: Proposal;
}

type Undescribed = Omit<PendingProposal, "calls"> & {
  readonly calls: readonly InnerCall[];
};

/**
 * A Safe that is none any more doesn't hide how all else stands.
 *
 * @returns undefined when its nonce has been used.
 */
async function readStanding(
  reader: BlockReader,
  { path, proposal }: Found,
): Promise<Undescribed | UnreadProposal | undefined> {
  try {
    const standing = await viewPending(reader, proposal);
    return standing && { path, ...standing };
  } catch (error) {
    if (isDrError(error)) {
      return { path, error };
    }
    throw error;
  }
}

async function viewPending(
  reader: BlockReader,
  { safe, transaction, signatures, chainId, safeTxHash }: Proposal,
): Promise<Omit<Undescribed, "path"> | undefined> {
  const { nonce } = transaction;
  const state = await readSafeState(reader, safe);
  if (nonce < state.nonce) {
    return undefined;
  }
  const { version, address } = state;
  const domain = { chainId: BigInt(chainId), safe: address, version };
  const [check, { calls }] = await Promise.all([
    checkSignatures(reader, state, domain, transaction, signatures),
    reviewTransaction(reader, state, transaction),
  ]);
  return {
    safe: address,
    safeTxHash,
    nonce,
    ahead: nonce - state.nonce,
    approvals: countApprovals(check),
    threshold: check.threshold,
    missing: check.missing,
    calls,
  };
}
