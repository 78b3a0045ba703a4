import { RpcResponseError, type Rpc } from "./rpc.js";
import { isDrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";

/**
 * The block a contract was deployed in, by halving the chain.
 *
 * @param head - A block at which its code is there.
 * @returns undefined when the node no longer has the state of old blocks.
 */
export async function findDeploymentBlock(
  rpc: Rpc,
  address: Address,
  head: bigint,
): Promise<bigint | undefined> {
  return await ifStateIsKept(
    async () =>
      await findFirstBlock(0n, head, async (block) => {
        const tag = `0x${block.toString(16)}`;
        return (await rpc.request("eth_getCode", [address, tag])) !== "0x";
      }),
  );
}

/**
 * The first block from `from` to `to` at which something holds that, once so,
 * stays so; at `to` it does.
 */
export async function findFirstBlock(
  from: bigint,
  to: bigint,
  holds: (block: bigint) => Promise<boolean>,
): Promise<bigint> {
  if (await holds(from)) {
    return from;
  }
  let before = from;
  let after = to;
  while (after - before > 1n) {
    const middle = (before + after) / 2n;
    if (await holds(middle)) {
      after = middle;
    } else {
      before = middle;
    }
  }
  return after;
}

/** The answer; undefined when the node says that it has no such old state. */
export async function ifStateIsKept<T>(
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const cause = isDrError(error, "RPC_FAILED") ? error.cause : error;
    if (cause instanceof RpcResponseError) {
      return undefined;
    }
    throw error;
  }
}
