import type { Rpc } from "../../chain/rpc.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Attempt, Mined } from "./attempts.js";

export interface Receipt {
  readonly transactionHash: Hex;
  readonly blockNumber: Hex;
  readonly status: Hex;
  readonly gasUsed: Hex;
  readonly contractAddress: Address | null;
}

/** What a node knows of an account's transactions, at one look. */
export interface Pool {
  /** The latest block's number. */
  readonly block: bigint;
  /** Nonces used up on the chain: the next one. */
  readonly count: number;
  /** The same with the transactions that wait to be mined. */
  readonly pendingCount: number;
  /** By the attempts' keys. */
  readonly receipts: ReadonlyMap<string, Receipt>;
}

/** @throws {DrError} RPC_FAILED; an answer is whole or not at all. */
export async function readPool(
  rpc: Rpc,
  account: Address,
  attempts: readonly Attempt[],
): Promise<Pool> {
  const hashes = attempts.flatMap(({ key, hashes }) =>
    hashes.map((hash) => ({ key, hash })),
  );
  const [block, count, pendingCount, ...receipts] = await readAll(rpc, [
    ["eth_blockNumber"],
    ["eth_getTransactionCount", account, "latest"],
    ["eth_getTransactionCount", account, "pending"],
    ...hashes.map(({ hash }) => ["eth_getTransactionReceipt", hash] as const),
  ]);
  return {
    block: BigInt(block as Hex),
    count: Number(count),
    pendingCount: Number(pendingCount),
    receipts: new Map(
      hashes.flatMap(({ key }, index) => {
        const receipt = receipts[index] as Receipt | null | undefined;
        return receipt ? [[key, receipt] as const] : [];
      }),
    ),
  };
}

async function readAll(
  rpc: Rpc,
  requests: readonly (readonly [method: string, ...params: string[]])[],
): Promise<unknown[]> {
  const outcomes = await rpc.batch(
    requests.map(([method, ...params]) => ({ method, params })),
  );
  return outcomes.map((outcome, index) => {
    if (!outcome.ok) {
      throw new DrError("RPC_FAILED", {
        network: rpc.network,
        method: requests[index]?.[0] ?? "",
        reason: outcome.error.message,
      });
    }
    return outcome.result;
  });
}

/** Blocks on top of and including the transaction's own. */
export function depthOf({ blockNumber }: Receipt, { block }: Pool): bigint {
  return block - BigInt(blockNumber) + 1n;
}

export function minedOf(key: string, receipt: Receipt): Mined {
  const { transactionHash, blockNumber, status, gasUsed, contractAddress } =
    receipt;
  return {
    key,
    hash: transactionHash,
    block: String(BigInt(blockNumber)),
    status: BigInt(status) === 1n ? "success" : "reverted",
    gasUsed: String(BigInt(gasUsed)),
    ...(contractAddress === null ? {} : { contract: contractAddress }),
  };
}
