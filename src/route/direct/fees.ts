import type { Hex } from "../../core/hex.js";
import type { Rpc } from "../../chain/rpc.js";
import type { Fees } from "./signer.js";

const GWEI = 1_000_000_000n;
/** Nodes ask for 10 % more to replace a transaction, some for 12.5 %; 25 % is above both. */
const BUMP_PERCENT = 125n;

/**
 * Fees that get a transaction into the next blocks: twice the base fee, so
 * that six full blocks in a row don't price it out, and the node's own tip.
 */
export async function suggestFees(rpc: Rpc): Promise<Fees> {
  const [block, tip, gasPrice] = await rpc.batch([
    { method: "eth_getBlockByNumber", params: ["latest", false] },
    { method: "eth_maxPriorityFeePerGas", params: [] },
    { method: "eth_gasPrice", params: [] },
  ]);
  const baseFee = block?.ok
    ? (block.result as { baseFeePerGas?: Hex } | null)?.baseFeePerGas
    : undefined;
  if (baseFee === undefined) {
    const price = gasPrice?.ok ? BigInt(gasPrice.result as Hex) : GWEI;
    return { type: "legacy", gasPrice: price };
  }
  const maxPriorityFeePerGas = tip?.ok ? BigInt(tip.result as Hex) : GWEI;
  return {
    type: "eip1559",
    maxPriorityFeePerGas,
    maxFeePerGas: BigInt(baseFee) * 2n + maxPriorityFeePerGas,
  };
}

/** Fees that replace `old` in a node's pool and suit the present as well. */
export function bumpFees(old: Fees, present: Fees): Fees {
  if (old.type === "legacy") {
    const floor = present.type === "legacy" ? present.gasPrice : 0n;
    return { type: "legacy", gasPrice: larger(raise(old.gasPrice), floor) };
  }
  const floor = present.type === "eip1559" ? present : old;
  return {
    type: "eip1559",
    maxFeePerGas: larger(raise(old.maxFeePerGas), floor.maxFeePerGas),
    maxPriorityFeePerGas: larger(
      raise(old.maxPriorityFeePerGas),
      floor.maxPriorityFeePerGas,
    ),
  };
}

function raise(amount: bigint): bigint {
  return (amount * BUMP_PERCENT) / 100n + 1n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
