import type { Address, Hex } from "../core/hex.js";
import type { BlockReader } from "./block-reader.js";
import {
  decodeAggregate,
  encodeAggregate,
  type InnerResult,
} from "./multicall.js";
import { MULTICALL3_CODE } from "./multicall3-code.js";
import { RpcResponseError } from "./rpc.js";

/** A call that someone would make. */
export interface SimulatedCall {
  readonly from: Address;
  readonly to: Address;
  readonly data: Hex;
}

/** Nobody's address; the sequence starts from here. */
const CONDUCTOR: Address = "0x00000000000000000000000000000000D15a57e2";

/**
 * What a sequence of calls by given senders would do, each seeing the effects
 * of those before it. One `eth_call`: the senders are lent the code of
 * Multicall3 for its duration, so that they make the calls themselves.
 *
 * @param deployed - Code that shall be there already, by address.
 * @returns one result a call; undefined when the node has no state overrides.
 */
export async function simulateSequence(
  reader: BlockReader,
  calls: readonly SimulatedCall[],
  deployed: Readonly<Record<Address, Hex>> = {},
): Promise<readonly InnerResult[] | undefined> {
  const senders = new Set([CONDUCTOR, ...calls.map(({ from }) => from)]);
  const overrides = Object.fromEntries([
    ...Object.entries(deployed).map(([address, code]) => [address, { code }]),
    ...[...senders].map((sender) => [sender, { code: MULTICALL3_CODE }]),
  ]) as Record<string, { code: Hex }>;
  const data = encodeAggregate(
    calls.map(({ from, to, data }) => ({
      to: from,
      data: encodeAggregate([{ to, data }]),
    })),
  );
  try {
    const answer = (await reader.rpc.request("eth_call", [
      { to: CONDUCTOR, data },
      `0x${reader.block.number.toString(16)}`,
      overrides,
    ])) as Hex;
    return decodeAggregate(answer)?.map(innermost);
  } catch (error) {
    if (error instanceof RpcResponseError) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether a sequence of calls would go through, each seeing the effects of
 * those before it.
 *
 * @returns the position of the first that fails; -1 when none does; undefined
 * when this node can't tell.
 */
export async function findFailing(
  reader: BlockReader,
  calls: readonly SimulatedCall[],
  deployed: Readonly<Record<Address, Hex>> = {},
): Promise<number | undefined> {
  const results = await simulateSequence(reader, calls, deployed);
  return results?.findIndex(({ success }) => !success);
}

function innermost({ success, returnData }: InnerResult): InnerResult {
  const [inner] = success ? (decodeAggregate(returnData) ?? []) : [];
  return inner ?? { success: false, returnData };
}
