import { decodeResult, encodeCall } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import type { Json } from "../core/canonical-json.js";
import type { Address, Hex } from "../core/hex.js";
import type { ViewAnswer } from "./snapshot.js";

/**
 * Asks a view function without arguments.
 *
 * @param signature - Human-readable: `function totalSupply() view returns (uint256)`.
 */
export async function readView(
  reader: BlockReader,
  contract: Address,
  signature: string,
): Promise<ViewAnswer> {
  const call = { to: contract, data: encodeCall(signature) };
  const outcome = await reader.callRaw(call);
  if (!outcome.ok) {
    return { status: "reverts" };
  }
  const data = outcome.result as Hex;
  const value = decodeResult(signature, data);
  return value === undefined
    ? { status: "other", data }
    : { status: "answered", value: toJson(value) };
}

/** Numbers as decimal text: JSON's are too small for them. */
function toJson(value: unknown): Json {
  if (typeof value === "bigint" || typeof value === "number") {
    return String(value);
  }
  if (Array.isArray(value)) {
    return value.map(toJson);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, toJson(member)]),
    );
  }
  return value as string | boolean;
}
