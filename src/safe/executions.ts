import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";

import { readLogs, type Log } from "../chain/logs.js";
import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

/** A transaction that a Safe has made. */
export interface Execution {
  readonly safeTxHash: Hex;
  readonly success: boolean;
  readonly tx: Hex;
  readonly block: bigint;
}

const SUCCESS = topicOf("ExecutionSuccess(bytes32,uint256)");
const FAILURE = topicOf("ExecutionFailure(bytes32,uint256)");

/**
 * What a Safe has executed since a block, in order. Every one of them used up
 * one nonce, so the last has the nonce before the present one.
 */
export async function readExecutions(
  reader: BlockReader,
  safe: Address,
  fromBlock: bigint,
): Promise<readonly Execution[]> {
  const logs = await readLogs(reader.rpc, {
    address: safe,
    topics: [[SUCCESS, FAILURE]],
    fromBlock,
    toBlock: reader.block.number,
  });
  return logs.map(toExecution);
}

/** The hash is indexed since 1.4.1, and in the data before. */
function toExecution({
  topics,
  data,
  transactionHash,
  blockNumber,
}: Log): Execution {
  const [event, hash] = topics;
  return {
    safeTxHash: hash ?? OxHex.slice(data, 0, 32),
    success: event === SUCCESS,
    tx: transactionHash,
    block: blockNumber,
  };
}

/** How a proposal stands with the Safe's nonce. */
export type NonceStanding =
  | { readonly status: "current" }
  /** So many transactions must go before it. */
  | { readonly status: "future"; readonly ahead: bigint }
  | { readonly status: "executed"; readonly execution: Execution }
  /** Another transaction took its nonce; undefined when its log isn't to be had. */
  | { readonly status: "taken"; readonly by: Execution | undefined };

/**
 * @param present - The Safe's nonce now.
 * @param fromBlock - When it was proposed.
 */
export async function readNonceStanding(
  reader: BlockReader,
  safe: Address,
  present: bigint,
  {
    safeTxHash,
    nonce,
    fromBlock,
  }: {
    readonly safeTxHash: Hex;
    readonly nonce: bigint;
    readonly fromBlock: bigint;
  },
): Promise<NonceStanding> {
  if (nonce >= present) {
    return nonce === present
      ? { status: "current" }
      : { status: "future", ahead: nonce - present };
  }
  const executions = await readExecutions(reader, safe, fromBlock);
  const own = executions.find((one) => one.safeTxHash === safeTxHash);
  return own === undefined
    ? { status: "taken", by: executions.at(-Number(present - nonce)) }
    : { status: "executed", execution: own };
}

/**
 * That a proposal's nonce isn't used up.
 *
 * @throws {DrError} SAFE_ALREADY_EXECUTED, SAFE_NONCE_TAKEN.
 */
export function requireStanding(
  standing: NonceStanding,
  {
    safe,
    safeTxHash,
    nonce,
  }: {
    readonly safe: Address;
    readonly safeTxHash: Hex;
    readonly nonce: bigint;
  },
): void {
  if (standing.status === "executed") {
    const { tx, block } = standing.execution;
    throw new DrError("SAFE_ALREADY_EXECUTED", { safeTxHash, tx, block });
  }
  if (standing.status === "taken") {
    const { by } = standing;
    throw new DrError("SAFE_NONCE_TAKEN", {
      safe,
      nonce,
      by:
        by === undefined
          ? "a transaction whose log isn't to be had"
          : `${by.safeTxHash} in ${by.tx}, block ${String(by.block)}`,
    });
  }
}

function topicOf(event: string): Hex {
  return Hash.keccak256(OxHex.fromString(event));
}
