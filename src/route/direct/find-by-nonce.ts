import { ask, type Rpc } from "../../chain/rpc.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";

export interface FoundTransaction {
  readonly hash: Hex;
  readonly to: Address | null;
  readonly input: Hex;
}

/**
 * The mined transaction that used up an account's nonce.
 *
 * @param afterBlock - It was mined later than this.
 * @returns undefined when it isn't in the range, e.g. after a reorg.
 */
export async function findByNonce(
  rpc: Rpc,
  account: Address,
  nonce: number,
  afterBlock: bigint,
  latest: bigint,
): Promise<FoundTransaction | undefined> {
  let low = afterBlock;
  let high = latest;
  while (low + 1n < high) {
    const middle = (low + high) / 2n;
    if ((await countAt(rpc, account, middle)) > nonce) {
      high = middle;
    } else {
      low = middle;
    }
  }
  const block = (await ask(rpc, "eth_getBlockByNumber", [
    `0x${high.toString(16)}`,
    true,
  ])) as {
    transactions: (FoundTransaction & { from: Address; nonce: Hex })[];
  } | null;
  return block?.transactions.find(
    (found) =>
      sameAddress(found.from, account) && BigInt(found.nonce) === BigInt(nonce),
  );
}

async function countAt(
  rpc: Rpc,
  account: Address,
  block: bigint,
): Promise<number> {
  const tag = `0x${block.toString(16)}`;
  return Number(await ask(rpc, "eth_getTransactionCount", [account, tag]));
}
