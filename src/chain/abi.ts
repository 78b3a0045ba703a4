import * as AbiFunction from "ox/AbiFunction";
import * as AbiParameters from "ox/AbiParameters";
import type { Hex } from "../core/hex.js";

type Signature = string;

const parsed = new Map<Signature, AbiFunction.AbiFunction>();

/** Parses a human-readable signature once: `function paused() view returns (bool)`. */
function functionOf(signature: Signature): AbiFunction.AbiFunction {
  let item = parsed.get(signature);
  if (item === undefined) {
    item = AbiFunction.from(signature) as AbiFunction.AbiFunction;
    parsed.set(signature, item);
  }
  return item;
}

/** Calldata of a function given by its human-readable signature. */
export function encodeCall(
  signature: Signature,
  args: readonly unknown[] = [],
): Hex {
  return AbiFunction.encodeData(functionOf(signature), args as never);
}

/**
 * The single return value of a call, or an array when there are several.
 *
 * @returns undefined when the data isn't an answer of this shape: an address
 * without code answers `0x`, another contract's fallback anything at all.
 */
export function decodeResult(signature: Signature, data: Hex): unknown {
  if (data === "0x") {
    return undefined;
  }
  try {
    return AbiFunction.decodeResult(functionOf(signature), data);
  } catch {
    return undefined;
  }
}

/** The arguments in calldata of a known function. */
export function decodeArguments(
  signature: Signature,
  data: Hex,
): readonly unknown[] {
  const args: unknown = AbiFunction.decodeData(functionOf(signature), data);
  return Array.isArray(args) ? (args as unknown[]) : [];
}

/**
 * The same when nothing stands beside them.
 *
 * @returns undefined unless encoding them again gives the same data.
 */
export function decodeExactly(
  signature: Signature,
  data: Hex,
): readonly unknown[] | undefined {
  try {
    const args = decodeArguments(signature, data);
    return encodeCall(signature, args).toLowerCase() === data.toLowerCase()
      ? args
      : undefined;
  } catch {
    return undefined;
  }
}

export function selectorOf(signature: Signature): Hex {
  return AbiFunction.getSelector(functionOf(signature));
}

/** Values of bare ABI types, e.g. `["address", "uint256"]`. */
export function decodeValues(types: readonly string[], data: Hex): unknown[] {
  const parameters = types.map((type) => ({ type }));
  const values: unknown = AbiParameters.decode(parameters, data);
  return values as unknown[];
}

/** The ABI encoding of values of bare types, as `abi.encode` makes it. */
export function encodeValues(
  types: readonly string[],
  values: readonly unknown[],
): Hex {
  const parameters = types.map((type) => ({ type }));
  return AbiParameters.encode(parameters, [...values]);
}
