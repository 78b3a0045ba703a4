import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";

import type { BlockReader } from "../chain/block-reader.js";
import { findDeploymentBlock } from "../chain/deployment-block.js";
import { readLogs, type Log } from "../chain/logs.js";
import { RpcResponseError } from "../chain/rpc.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

/** @param event - Its name and bare types: `Cancelled(bytes32)`. */
export function topicOf(event: string): Hex {
  return Hash.keccak256(OxHex.fromString(event));
}

/**
 * A contract's events of some kinds up to the reader's block, in order. A node
 * that refuses to look through so many blocks isn't asked about those before
 * the contract's deployment.
 *
 * @throws {DrError} when the logs can't be had: that isn't none.
 */
export async function readEvents(
  { rpc, block }: BlockReader,
  address: Address,
  topics: readonly Hex[],
  fromBlock: bigint,
): Promise<readonly Log[]> {
  try {
    return await readLogs(
      rpc,
      { address, topics: [topics], fromBlock, toBlock: block.number },
      async () => await findDeploymentBlock(rpc, address, block.number),
    );
  } catch (error) {
    if (error instanceof RpcResponseError) {
      const reason = error.message;
      throw new DrError(
        "RPC_FAILED",
        { network: rpc.network, method: "eth_getLogs", reason },
        { cause: error },
      );
    }
    throw error;
  }
}

/** Where in the chain something was scheduled, and by whom. */
export interface ScheduledAt {
  readonly block: bigint;
  readonly tx: Hex;
  /** Who made the transaction; undefined when the node doesn't keep it. */
  readonly sender?: Address;
}

/** A transaction as nodes give it. */
export interface SentTransaction {
  readonly from: Address;
  readonly input: Hex;
}

/** Transactions by their hashes; those the node doesn't keep are missing. */
export async function readTransactions(
  { rpc }: BlockReader,
  hashes: readonly Hex[],
): Promise<ReadonlyMap<Hex, SentTransaction>> {
  const wanted = [...new Set(hashes)];
  const outcomes = await rpc.batch(
    wanted.map((hash) => ({
      method: "eth_getTransactionByHash",
      params: [hash],
    })),
  );
  return new Map(
    wanted.flatMap((hash, index): [Hex, SentTransaction][] => {
      const outcome = outcomes[index];
      const found = outcome?.ok ? outcome.result : null;
      return found === null ? [] : [[hash, found as SentTransaction]];
    }),
  );
}
