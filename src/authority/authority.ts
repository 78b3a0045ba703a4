import type { Address, Hex } from "../core/hex.js";

/** Someone who can make a call happen, followed to the ends. */
export type Authority =
  /** An account with a key; EIP-7702 delegation doesn't change that. */
  | { readonly kind: "eoa"; readonly address: Address }
  | {
      readonly kind: "safe";
      readonly address: Address;
      readonly version: string;
      readonly threshold: number;
      readonly owners: readonly Authority[];
    }
  /** OpenZeppelin TimelockController. An open executor role has no executors. */
  | {
      readonly kind: "timelock";
      readonly address: Address;
      readonly delaySeconds: bigint;
      readonly proposers: readonly Authority[];
      readonly executors: readonly Authority[];
      readonly openExecutor: boolean;
    }
  /** OpenZeppelin AccessManager: who holds the role the function asks for. */
  | {
      readonly kind: "access-manager";
      readonly address: Address;
      readonly roleId: bigint;
      readonly members: readonly {
        readonly authority: Authority;
        /** Between schedule and execute; 0 for at once. */
        readonly delaySeconds: bigint;
      }[];
    }
  | { readonly kind: "contract"; readonly address: Address }
  /** The zero address: renounced. */
  | { readonly kind: "nobody" };

/** How a contract decides who may make a call. */
export type Mechanism =
  | { readonly kind: "owner"; readonly pendingOwner?: Address }
  | { readonly kind: "role"; readonly role: Hex; readonly name?: string }
  | { readonly kind: "access-manager" }
  | { readonly kind: "proxy-admin"; readonly address: Address }
  | { readonly kind: "proxy-admin-slot" }
  /** None of the mechanisms known here lets anyone make this call. */
  | { readonly kind: "unknown" }
  /** The contract has no such function. */
  | { readonly kind: "absent" };

/** Who may make a certain call, as the chain had it at one block. */
export interface Permission {
  readonly mechanism: Mechanism;
  /** Every one of them alone suffices. */
  readonly holders: readonly Authority[];
}
