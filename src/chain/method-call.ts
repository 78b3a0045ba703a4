import * as AbiFunction from "ox/AbiFunction";

import { DrError, messageOf } from "../core/errors.js";
import type { Hex } from "../core/hex.js";

/** A call as people write it: `NAME.method(arguments)`, or with types `NAME.method(types)(arguments)`. */
export interface MethodCall {
  readonly text: string;
  /** Of the contract. */
  readonly name: string;
  readonly method: string;
  /** `address,uint256`, when given. */
  readonly types?: string;
  /** Numbers are text still: what they become is the ABI's matter. */
  readonly args: readonly unknown[];
}

/** @throws {DrError} CALL_INVALID. */
export function parseMethodCall(text: string): MethodCall {
  const head = /^\s*([\w$-]+)\.([A-Za-z_$][\w$]*)\s*(?=\()/.exec(text);
  const [, name = "", method = ""] = head ?? [];
  const lists = head === null ? [] : splitLists(text.slice(head[0].length));
  const [first, second, ...more] = lists ?? [];
  if (first === undefined || more.length > 0) {
    throw invalid(text, "it isn't of this form");
  }
  return {
    text: text.trim(),
    name,
    method,
    ...(second === undefined ? {} : { types: first }),
    args: parseArguments(text, second ?? first),
  };
}

/** `(a)(b)` → a, b; undefined when there is more, or a parenthesis is open. */
function splitLists(text: string): string[] | undefined {
  const lists: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(
    /"(?:[^"\\]|\\.)*"|[()]|\S/g,
  )) {
    if (token === "(") {
      start = depth === 0 ? index + 1 : start;
      depth += 1;
    } else if (token === ")") {
      depth -= 1;
      if (depth === 0) {
        lists.push(text.slice(start, index));
      }
    } else if (depth === 0) {
      return undefined;
    }
    if (depth < 0) {
      return undefined;
    }
  }
  return depth === 0 ? lists : undefined;
}

/** JSON, where numbers of any size and hexadecimal need no quotes; tuples are arrays. */
function parseArguments(text: string, list: string): readonly unknown[] {
  const json = list.replace(
    /"(?:[^"\\]|\\.)*"|0x[0-9a-fA-F]*|-?\d+/g,
    (token) => (token.startsWith('"') ? token : `"${token}"`),
  );
  try {
    return JSON.parse(`[${json}]`) as unknown[];
  } catch (error) {
    throw invalid(text, `its arguments can't be read: ${messageOf(error)}`);
  }
}

/**
 * The calldata of the requested call.
 *
 * @param abi - Of the contract; undefined when it isn't known.
 * @throws {DrError} CALL_INVALID.
 */
export function encodeMethodCall(
  { text, method, types, args }: MethodCall,
  abi: readonly unknown[] | undefined,
): Hex {
  const item =
    types === undefined
      ? chooseMethod(text, method, args, abi)
      : parseMethod(text, method, types);
  if (item.inputs.length !== args.length) {
    throw invalid(
      text,
      `${method} takes ${String(item.inputs.length)} arguments, not ${String(args.length)}`,
    );
  }
  try {
    const values = item.inputs.map((input, index) =>
      toValue(input as Parameter, args[index]),
    );
    return AbiFunction.encodeData(item, values as never);
  } catch (error) {
    throw invalid(text, messageOf(error).split("\n")[0] ?? "");
  }
}

function parseMethod(
  text: string,
  method: string,
  types: string,
): AbiFunction.AbiFunction {
  try {
    return AbiFunction.from(`function ${method}(${types})`);
  } catch (error) {
    throw invalid(text, messageOf(error).split("\n")[0] ?? "");
  }
}

function chooseMethod(
  text: string,
  method: string,
  args: readonly unknown[],
  abi: readonly unknown[] | undefined,
): AbiFunction.AbiFunction {
  if (abi === undefined) {
    throw invalid(text, "the contract's ABI isn't known here");
  }
  const named = functionsOf(abi).filter(({ name }) => name === method);
  const fitting = named.filter(({ inputs }) => inputs.length === args.length);
  const [only, ...others] = fitting.length === 0 ? named : fitting;
  if (only === undefined) {
    throw invalid(text, `the contract has no method ${method}`);
  }
  if (others.length > 0) {
    throw invalid(text, `there are several methods ${method}; give the types`);
  }
  return only;
}

export function functionsOf(
  abi: readonly unknown[],
): readonly AbiFunction.AbiFunction[] {
  return (abi as readonly AbiFunction.AbiFunction[]).filter(
    (item) => (item as { readonly type: string }).type === "function",
  );
}

interface Parameter {
  readonly type: string;
  readonly components?: readonly Parameter[];
}

/** What the ABI's type makes of a literal. */
function toValue({ type, components }: Parameter, literal: unknown): unknown {
  const element = /^(.*)\[\d*\]$/.exec(type)?.[1];
  if (element !== undefined && Array.isArray(literal)) {
    const parameter = { type: element, ...(components && { components }) };
    return literal.map((one) => toValue(parameter, one));
  }
  if (components !== undefined && Array.isArray(literal)) {
    return components.map((one, index) => toValue(one, literal[index]));
  }
  return /^u?int/.test(type) && typeof literal === "string"
    ? BigInt(literal)
    : literal;
}

function invalid(call: string, reason: string): DrError {
  return new DrError("CALL_INVALID", { call, reason });
}
