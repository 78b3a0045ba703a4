import { decodeResult, encodeCall } from "../chain/abi.js";
import { isRevert, type Rpc } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";
import type { SlotDiff } from "./state-diff.js";

const PAUSED = "function paused() view returns (bool)";

/**
 * Whether a write is the switch of `paused()` and nothing besides: one byte
 * goes between 0 and 1, and the contract's answer goes with it when the slot
 * alone is put back. So it is known of any contract, whatever its layout.
 *
 * @param block - Of the write.
 */
export async function isPauseSwitch(
  rpc: Rpc,
  account: Address,
  { slot, before, after }: SlotDiff,
  block: bigint,
): Promise<boolean> {
  if (!isOneFlag(before, after)) {
    return false;
  }
  const [then, now] = await Promise.all(
    [before, after].map(
      async (word) => await readPausedWith(rpc, account, { slot, word, block }),
    ),
  );
  return then !== undefined && now !== undefined && then !== now;
}

function isOneFlag(before: Hex, after: Hex): boolean {
  const bytes = (word: Hex): string[] => word.slice(2).match(/../g) ?? [];
  const others = bytes(after);
  const changed = bytes(before).flatMap((byte, index) =>
    byte === others[index] ? [] : [[byte, others[index]].sort().join()],
  );
  return changed.length === 1 && changed[0] === "00,01";
}

async function readPausedWith(
  rpc: Rpc,
  account: Address,
  {
    slot,
    word,
    block,
  }: { readonly slot: Hex; readonly word: Hex; readonly block: bigint },
): Promise<boolean | undefined> {
  try {
    const answer = (await rpc.request("eth_call", [
      { to: account, data: encodeCall(PAUSED) },
      `0x${block.toString(16)}`,
      { [account]: { stateDiff: { [slot]: word } } },
    ])) as Hex;
    const paused = decodeResult(PAUSED, answer);
    return typeof paused === "boolean" ? paused : undefined;
  } catch (error) {
    if (isRevert(error)) {
      return undefined;
    }
    throw error;
  }
}
