import { selectorOf } from "../chain/abi.js";
import type { Hex } from "../core/hex.js";

/** Whether a contract's code compares selectors with this function's: most likely it has it. */
export function hasFunction(code: Hex, signature: string): boolean {
  // The compiler drops leading zero bytes.
  const selector = selectorOf(signature)
    .slice(2)
    .toLowerCase()
    .replace(/^(00)+/, "");
  return code.toLowerCase().includes(selector);
}
