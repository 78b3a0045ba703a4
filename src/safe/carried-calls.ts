import { decodeExactly, selectorOf } from "../chain/abi.js";
import type { Address, Hex } from "../core/hex.js";
import type { InnerCall } from "./multi-send.js";

/** What a call makes a timelock or an AccessManager call in its turn. */
export type Carried =
  | {
      readonly status: "carries";
      /** Whether they are made at once, and not only announced. */
      readonly executes: boolean;
      readonly calls: readonly InnerCall[];
    }
  /** It carries some, and isn't encoded as it should be: nothing of it can be relied on. */
  | { readonly status: "unreadable" };

interface Carrier {
  readonly signature: string;
  readonly executes: boolean;
  readonly read: (args: readonly unknown[]) => readonly InnerCall[];
}

const CARRIERS = new Map<string, Carrier>(
  [
    one("schedule(address,uint256,bytes,bytes32,bytes32,uint256)", false),
    one("execute(address,uint256,bytes,bytes32,bytes32)", true),
    batch(
      "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
      false,
    ),
    batch("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)", true),
    managed("schedule(address,bytes,uint48)", false),
    managed("execute(address,bytes)", true),
  ].map((carrier) => [selectorOf(carrier.signature), carrier]),
);

/** As people write them, with `function` before. */
export const CARRIER_SIGNATURES: readonly string[] = [...CARRIERS.values()].map(
  ({ signature }) => signature,
);

function one(method: string, executes: boolean): Carrier {
  return {
    signature: `function ${method}`,
    executes,
    read: ([to, value, data]) => [toCall(to, value, data)],
  };
}

function batch(method: string, executes: boolean): Carrier {
  return {
    signature: `function ${method}`,
    executes,
    read: ([targets, values, payloads]) =>
      (targets as readonly Address[]).map((to, index) =>
        toCall(
          to,
          (values as readonly bigint[])[index],
          (payloads as readonly Hex[])[index],
        ),
      ),
  };
}

function managed(method: string, executes: boolean): Carrier {
  return {
    signature: `function ${method}`,
    executes,
    read: ([to, data]) => [toCall(to, 0n, data)],
  };
}

function toCall(to: unknown, value: unknown, data: unknown): InnerCall {
  return {
    operation: 0,
    to: to as Address,
    value: (value ?? 0n) as bigint,
    data: (data ?? "0x") as Hex,
  };
}

/**
 * The calls in a call's data, where it is for a TimelockController or an
 * AccessManager, by its selector alone; they may carry others.
 *
 * @returns undefined for any other call.
 */
export function readCarried({
  data,
}: Pick<InnerCall, "data">): Carried | undefined {
  const carrier = CARRIERS.get(data.slice(0, 10).toLowerCase());
  if (carrier === undefined) {
    return undefined;
  }
  const { signature, executes, read } = carrier;
  const args = decodeExactly(signature, data);
  return args === undefined
    ? { status: "unreadable" }
    : { status: "carries", executes, calls: read(args) };
}
