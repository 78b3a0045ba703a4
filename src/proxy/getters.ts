import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";

const PAUSED = "function paused() view returns (bool)";
const VERSION_TEXT = "function version() view returns (string)";
const VERSION_WORD = "function version() view returns (bytes32)";
const VERSION_NUMBER = "function version() view returns (uint256)";

/** `paused()`; undefined when the contract has no such function. */
export async function readPaused(
  reader: BlockReader,
  address: Address,
): Promise<boolean | undefined> {
  const paused = await reader.call(address, PAUSED);
  return typeof paused === "boolean" ? paused : undefined;
}

/** `version()`: text, a number, or text in a bytes32; undefined when the contract has no such function. */
export async function readVersion(
  reader: BlockReader,
  address: Address,
): Promise<string | undefined> {
  const [text, word, number] = await Promise.all([
    reader.call(address, VERSION_TEXT),
    reader.call(address, VERSION_WORD),
    reader.call(address, VERSION_NUMBER),
  ]);
  const readable = [text, textIn(word)].find(
    (each) => typeof each === "string" && /^[\x20-\x7e]+$/.test(each),
  );
  if (typeof readable === "string") {
    return readable;
  }
  // An empty text, read as a number, is where it would begin.
  return typeof number === "bigint" &&
    number < 1_000_000n &&
    !(text === "" && number === 32n)
    ? String(number)
    : undefined;
}

/** The text that a bytes32 begins with, up to its zeros. */
function textIn(word: unknown): string | undefined {
  return typeof word === "string"
    ? Buffer.from(word.slice(2), "hex").toString("latin1").replace(/\0+$/, "")
    : undefined;
}
