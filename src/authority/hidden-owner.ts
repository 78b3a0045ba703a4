import { decodeResult, encodeCall } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import { RpcResponseError } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";
import type { Candidate } from "./claims.js";

const OWNER = "function owner() view returns (address)";

/**
 * The owner that an implementation keeps in a proxy's storage, where the proxy
 * has an `owner()` of its own in front of it, as hardhat-deploy's EIP173Proxy
 * has. Asked by lending the proxy the implementation's code for one `eth_call`.
 *
 * @returns none when there is none, or the node has no state overrides.
 */
export async function readHiddenOwner(
  reader: BlockReader,
  proxy: Address,
  implementation: Address,
): Promise<readonly Candidate[]> {
  const code = await reader.code(implementation);
  try {
    const answer = await reader.rpc.request("eth_call", [
      { to: proxy, data: encodeCall(OWNER) },
      `0x${reader.block.number.toString(16)}`,
      { [proxy]: { code } },
    ]);
    const address = decodeResult(OWNER, answer as Hex);
    return typeof address === "string"
      ? [
          {
            address: address as Address,
            mechanism: { kind: "owner", getter: "owner" },
          },
        ]
      : [];
  } catch (error) {
    if (error instanceof RpcResponseError) {
      return [];
    }
    throw error;
  }
}
