import * as AbiFunction from "ox/AbiFunction";
import * as AbiItem from "ox/AbiItem";
import type { Hex } from "../../core/hex.js";

export interface Selector {
  readonly selector: Hex;
  /** `endorse(address,uint256)` */
  readonly signature: string;
}

/** Functions of one ABI whose selectors another doesn't have. */
export function selectorsOnlyIn(
  abi: readonly unknown[],
  other: readonly unknown[],
): Selector[] {
  const known = new Set(selectorsOf(other).map(({ selector }) => selector));
  return selectorsOf(abi).filter(({ selector }) => !known.has(selector));
}

function selectorsOf(abi: readonly unknown[]): Selector[] {
  return abi.filter(isFunction).map((item) => ({
    selector: AbiFunction.getSelector(item),
    signature: AbiItem.getSignature(item),
  }));
}

function isFunction(item: unknown): item is AbiFunction.AbiFunction {
  return (
    typeof item === "object" &&
    item !== null &&
    "type" in item &&
    item.type === "function"
  );
}
