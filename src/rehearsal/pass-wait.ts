import { readBlock } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";
import type { WaitsFor } from "../run/step.js";
import { approveAsOwners } from "./approve-as-owner.js";
import type { Fork } from "./fork.js";

type ForkedChain = Pick<Fork, "provider" | "rpc">;

/**
 * Brings about on a fork what a plan waits for: time passes, owners of a Safe
 * say yes, as many as it really asks for.
 *
 * @param absent - Owners that don't.
 * @returns the seconds that it takes on the real chain; people's time isn't counted.
 */
export async function passWait(
  fork: ForkedChain,
  until: WaitsFor,
  absent: readonly Address[] = [],
): Promise<bigint> {
  switch (until.kind) {
    case "time":
      return await passTime(fork, until.readyAt);
    case "signatures":
      await approveAsOwners(fork, until.safe, until.safeTxHash, absent);
      return 0n;
  }
}

async function passTime(
  { provider, rpc }: ForkedChain,
  readyAt: bigint,
): Promise<bigint> {
  const { timestamp } = await readBlock(rpc, "latest");
  await provider.request({
    method: "evm_setNextBlockTimestamp",
    params: [`0x${readyAt.toString(16)}`],
  });
  await provider.request({ method: "evm_mine" });
  return readyAt - timestamp;
}
