import type { Address, Hex } from "../core/hex.js";
import type { Action } from "./route.js";

/** A call as it is approved and written down. */
export interface ApprovedCall {
  readonly contracts: readonly string[];
  readonly label: string;
  readonly to: Address;
  /** Wei, decimal digits. */
  readonly value: string;
  readonly data: Hex;
}

export type ApprovedCalls = readonly (ApprovedCall &
  Readonly<Record<string, string | readonly string[]>>)[];

export function describeCalls(actions: readonly Action[]): ApprovedCalls {
  return actions.map(({ contracts, call: { label, to, value, data } }) => ({
    contracts,
    label,
    to,
    value: String(value),
    data,
  }));
}
