import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

/** How a timelock stands to an operation; `readyAt` in Unix seconds. */
export type OperationState =
  /** Never scheduled, or cancelled: it may be scheduled. */
  | { readonly status: "unset" }
  | { readonly status: "waiting"; readonly readyAt: bigint }
  | { readonly status: "ready"; readonly readyAt: bigint }
  /** Executed: this id can never be scheduled again. */
  | { readonly status: "done" };

/** In all versions; `getOperationState` is only in 5. */
export const TIMESTAMP =
  "function getTimestamp(bytes32 id) view returns (uint256)";
export const MIN_DELAY = "function getMinDelay() view returns (uint256)";

const UNSET_TIMESTAMP = 0n;
const DONE_TIMESTAMP = 1n;

/**
 * The state of an operation at the reader's block, by that block's time.
 *
 * @throws {DrError} NOT_A_TIMELOCK.
 * @see OpenZeppelin TimelockController, `_DONE_TIMESTAMP`
 */
export async function readOperationState(
  reader: BlockReader,
  timelock: Address,
  id: Hex,
): Promise<OperationState> {
  const readyAt = await readNumber(reader, timelock, TIMESTAMP, [id]);
  switch (readyAt) {
    case UNSET_TIMESTAMP:
      return { status: "unset" };
    case DONE_TIMESTAMP:
      return { status: "done" };
    default:
      return readyAt > reader.block.timestamp
        ? { status: "waiting", readyAt }
        : { status: "ready", readyAt };
  }
}

/**
 * Seconds that an operation must wait at least, of those scheduled from now on.
 *
 * @throws {DrError} NOT_A_TIMELOCK.
 */
export async function readMinDelay(
  reader: BlockReader,
  timelock: Address,
): Promise<bigint> {
  return await readNumber(reader, timelock, MIN_DELAY);
}

async function readNumber(
  reader: BlockReader,
  timelock: Address,
  getter: string,
  args: readonly unknown[] = [],
): Promise<bigint> {
  const answer = await reader.call(timelock, getter, args);
  if (typeof answer !== "bigint") {
    throw new DrError("NOT_A_TIMELOCK", { address: timelock });
  }
  return answer;
}
