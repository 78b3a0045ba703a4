import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";

const PAUSED = "function paused() view returns (bool)";
const VERSION_TEXT = "function version() view returns (string)";
const VERSION_NUMBER = "function version() view returns (uint256)";

/** `paused()`; undefined when the contract has no such function. */
export async function readPaused(
  reader: BlockReader,
  address: Address,
): Promise<boolean | undefined> {
  const paused = await reader.call(address, PAUSED);
  return typeof paused === "boolean" ? paused : undefined;
}

/** `version()`, text or number; undefined when the contract has no such function. */
export async function readVersion(
  reader: BlockReader,
  address: Address,
): Promise<string | undefined> {
  const [text, number] = await Promise.all([
    reader.call(address, VERSION_TEXT),
    reader.call(address, VERSION_NUMBER),
  ]);
  if (typeof text === "string" && /^[\x20-\x7e]+$/.test(text)) {
    return text;
  }
  return typeof number === "bigint" && number < 1_000_000n
    ? String(number)
    : undefined;
}
