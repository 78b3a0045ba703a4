import * as OxAddress from "ox/Address";

import type { Rpc } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";
import { readStateDiff, type AccountDiff } from "./state-diff.js";

/** A transaction that the fork has mined, with all that it changed. */
export interface RehearsedTransaction {
  readonly hash: Hex;
  readonly block: bigint;
  readonly from: Address;
  readonly status: "success" | "reverted";
  readonly gasUsed: bigint;
  /** Wei that the sender paid for the gas. */
  readonly cost: bigint;
  /** The part of it that went to the block's producer. */
  readonly tip: bigint;
  readonly producer: Address;
  /** Wei that went along with it. */
  readonly value: bigint;
  readonly changes: readonly AccountDiff[];
}

interface Block {
  readonly number: Hex;
  readonly miner: Address;
  readonly baseFeePerGas?: Hex;
  readonly transactions: readonly {
    readonly hash: Hex;
    readonly from: Address;
    readonly value: Hex;
  }[];
}

interface Receipt {
  readonly status: Hex;
  readonly gasUsed: Hex;
  readonly effectiveGasPrice: Hex;
}

/** Every transaction after a block, whoever sent it, in order. */
export async function readTransactionsAfter(
  rpc: Rpc,
  block: bigint,
): Promise<readonly RehearsedTransaction[]> {
  const latest = BigInt((await rpc.request("eth_blockNumber")) as Hex);
  const numbers = Array.from(
    { length: Number(latest - block) },
    (_, index) => block + BigInt(index) + 1n,
  );
  const blocks = await Promise.all(
    numbers.map(
      async (number) =>
        (await rpc.request("eth_getBlockByNumber", [
          `0x${number.toString(16)}`,
          true,
        ])) as Block,
    ),
  );
  return await Promise.all(
    blocks.flatMap((one) =>
      one.transactions.map(
        async (transaction) => await readTransaction(rpc, one, transaction),
      ),
    ),
  );
}

async function readTransaction(
  rpc: Rpc,
  block: Block,
  { hash, from, value }: Block["transactions"][number],
): Promise<RehearsedTransaction> {
  const [receipt, changes] = await Promise.all([
    rpc.request("eth_getTransactionReceipt", [hash]) as Promise<Receipt>,
    readStateDiff(rpc, hash),
  ]);
  const gasUsed = BigInt(receipt.gasUsed);
  const price = BigInt(receipt.effectiveGasPrice);
  return {
    hash,
    block: BigInt(block.number),
    from: OxAddress.checksum(from),
    status: BigInt(receipt.status) === 1n ? "success" : "reverted",
    gasUsed,
    cost: gasUsed * price,
    tip: gasUsed * (price - BigInt(block.baseFeePerGas ?? 0)),
    producer: OxAddress.checksum(block.miner),
    value: BigInt(value),
    changes,
  };
}
