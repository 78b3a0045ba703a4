import type { Address, Hex } from "../core/hex.js";
import { decodeResult, encodeCall } from "./abi.js";

/** The same on some 300 chains. @see https://www.multicall3.com */
export const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

const AGGREGATE =
  "function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])";

export interface InnerCall {
  readonly to: Address;
  readonly data: Hex;
}

export interface InnerResult {
  readonly success: boolean;
  readonly returnData: Hex;
}

/** Calldata that makes Multicall3 do all of these, none holding up the others. */
export function encodeAggregate(calls: readonly InnerCall[]): Hex {
  return encodeCall(AGGREGATE, [
    calls.map(({ to, data }) => ({
      target: to,
      allowFailure: true,
      callData: data,
    })),
  ]);
}

/** One result a call, in order; undefined when the answer isn't Multicall3's. */
export function decodeAggregate(data: Hex): readonly InnerResult[] | undefined {
  return decodeResult(AGGREGATE, data) as readonly InnerResult[] | undefined;
}
