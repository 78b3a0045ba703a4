import type { Rpc } from "../chain/rpc.js";
import type { Hex } from "../core/hex.js";

/** ISO times of blocks, in one round trip; those the node doesn't have are left out. */
export async function readBlockTimes(
  rpc: Rpc,
  blocks: readonly bigint[],
): Promise<Map<bigint, string>> {
  const unique = [...new Set(blocks)];
  const outcomes = await rpc.batch(
    unique.map((block) => ({
      method: "eth_getBlockByNumber",
      params: [`0x${block.toString(16)}`, false],
    })),
  );
  return new Map(
    unique.flatMap((block, index) => {
      const outcome = outcomes[index];
      const found = outcome?.ok === true ? outcome.result : undefined;
      const timestamp = (found as { timestamp: Hex } | null | undefined)
        ?.timestamp;
      return timestamp === undefined
        ? []
        : [[block, isoTime(Number(timestamp))] as const];
    }),
  );
}

function isoTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace(".000Z", "Z");
}
