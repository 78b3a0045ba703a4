import type { Address } from "../core/hex.js";

/** Which route, and with whom: all that a plan's intent must remember of it. */
export type RouteChoice =
  DirectChoice | TimelockChoice | ManagedChoice | SafeChoice;

/** Sent by an account that Hardhat holds. */
export interface DirectChoice {
  readonly kind: "direct";
  readonly from: Address;
}

/** Scheduled in a TimelockController, executed after its delay. */
export interface TimelockChoice {
  readonly kind: "timelock";
  readonly timelock: Address;
  /** Decimal digits; what is approved, the contract's minimum at least. */
  readonly delaySeconds: string;
  readonly proposer: RouteChoice;
  readonly executor: RouteChoice;
  /** How many times these very calls were done before, as one operation; see `sealRoutes`. */
  readonly round?: number;
}

/** Executed by an AccessManager; scheduled there before where a delay is asked for. */
export interface ManagedChoice {
  readonly kind: "access-manager";
  readonly manager: Address;
  readonly member: RouteChoice;
  /** Decimal digits; 0 for at once. */
  readonly delaySeconds: string;
}

/** One transaction of a Safe, when enough of its owners have signed. */
export interface SafeChoice {
  readonly kind: "safe";
  readonly safe: Address;
  readonly version: string;
  readonly threshold: number;
  /** How many there are. */
  readonly owners: number;
  /** Owners whose keys Hardhat holds: they sign at once. */
  readonly signers: readonly Address[];
  /** Who hands it to the chain, and pays. */
  readonly executor: DirectChoice;
}

/** Who makes a call in the end, as the called contract sees it. */
export function callerOf(choice: RouteChoice): Address {
  switch (choice.kind) {
    case "direct":
      return choice.from;
    case "timelock":
      return choice.timelock;
    case "access-manager":
      return choice.manager;
    case "safe":
      return choice.safe;
  }
}

/** Whose way it is, as people name it: what an AccessManager lets through at once is its member's. */
export function actorOf(choice: RouteChoice): RouteChoice["kind"] {
  return choice.kind === "access-manager" && BigInt(choice.delaySeconds) === 0n
    ? actorOf(choice.member)
    : choice.kind;
}

/** Seconds between the first transaction of a way and its effect. */
export function totalDelay(choice: RouteChoice): bigint {
  switch (choice.kind) {
    case "direct":
    case "safe":
      return 0n;
    case "timelock":
      return (
        BigInt(choice.delaySeconds) +
        totalDelay(choice.proposer) +
        totalDelay(choice.executor)
      );
    case "access-manager":
      return BigInt(choice.delaySeconds) + totalDelay(choice.member);
  }
}

/** The first Safe whose owners must sign on the way. */
export function firstSafeOf(choice: RouteChoice): Address | undefined {
  switch (choice.kind) {
    case "direct":
      return undefined;
    case "safe":
      return choice.safe;
    case "timelock":
      return firstSafeOf(choice.proposer) ?? firstSafeOf(choice.executor);
    case "access-manager":
      return firstSafeOf(choice.member);
  }
}
