import type { Address, Hex } from "../core/hex.js";

/**
 * Someone who can make a call happen, followed to the ends: `Next` stands for
 * those behind them, in the end the same type again.
 */
export type Authority =
  | AuthorityEnd
  | SafeAuthority<Authority>
  | TimelockAuthority<Authority>
  | AccessManagerAuthority<Authority>
  | ContractAuthority<Authority>;

/** Where following ends. */
export type AuthorityEnd =
  /** An account with a key; EIP-7702 delegation doesn't change that. */
  | { readonly kind: "eoa"; readonly address: Address }
  /** The zero address: renounced. */
  | { readonly kind: "nobody" }
  /** No authority is asked for. */
  | { readonly kind: "anyone" }
  /** Whoever holds a role of which this node's logs show no grant at all. */
  | { readonly kind: "unlisted" }
  /** Not followed: it stands further up already, or too much lies above it. */
  | {
      readonly kind: "unfollowed";
      readonly address: Address;
      readonly reason: "cycle" | "size";
    };

export interface SafeAuthority<Next> {
  readonly kind: "safe";
  readonly address: Address;
  readonly version: string;
  /** How many of the owners must sign. */
  readonly threshold: number;
  readonly owners: readonly Next[];
}

/** OpenZeppelin TimelockController. An open executor role has no executors. */
export interface TimelockAuthority<Next> {
  readonly kind: "timelock";
  readonly address: Address;
  readonly delaySeconds: bigint;
  readonly proposers: readonly Next[];
  readonly executors: readonly Next[];
  readonly cancellers: readonly Next[];
  readonly openExecutor: boolean;
}

/** OpenZeppelin AccessManager: who holds the role the function asks for. */
export interface AccessManagerAuthority<Next> {
  readonly kind: "access-manager";
  readonly address: Address;
  /** Of the function in question; 0, the manager's admin, where none is. */
  readonly roleId: bigint;
  readonly members: readonly {
    readonly authority: Next;
    /** Between schedule and execute; 0 for at once. */
    readonly delaySeconds: bigint;
  }[];
}

/** A contract of no known kind, with its `owner()` or `admin()` if it has one. */
export interface ContractAuthority<Next> {
  readonly kind: "contract";
  readonly address: Address;
  readonly owner?: Next;
}

/** How a contract decides who may make a call. */
export type Mechanism =
  /** The address that a getter names: `owner` mostly, also `pauser` and such. */
  | {
      readonly kind: "owner";
      readonly getter: string;
      /** Ownable2Step: may accept the ownership at any time. */
      readonly pendingOwner?: Address;
    }
  | { readonly kind: "role"; readonly role: Hex; readonly name?: string }
  | { readonly kind: "access-manager" }
  | { readonly kind: "proxy-admin"; readonly address: Address }
  | { readonly kind: "proxy-admin-slot" }
  /** Nothing stops a stranger. */
  | { readonly kind: "open" }
  /** None of the mechanisms known here lets anyone make this call. */
  | {
      readonly kind: "unknown";
      /** Those whom the contract names, if any: told the same as a stranger. */
      readonly refused?: {
        readonly to: readonly Address[];
        readonly reason: string;
      };
    }
  /** The contract has no such function. */
  | { readonly kind: "absent" };

/** Who may make a certain call, as the chain had it at one block. */
export interface Permission {
  readonly mechanism: Mechanism;
  /** Every one of them alone suffices. */
  readonly holders: readonly Authority[];
  /**
   * Whether the chain was seen to let them: the very call succeeded from each
   * in a simulation, or the AccessManager said it would. Otherwise the holders
   * are those whom the contract names, while its state allows no such call.
   */
  readonly confirmed: boolean;
}
