import type { Address, Hex } from "../../core/hex.js";
import type { InitializedVersion } from "./initialized.js";
import type { Selector } from "./selectors.js";

/**
 * `clean`: the target finds its storage as it left it, and no more.
 * `orphans`: there are variables which the target doesn't know of; they stay.
 * `corrupts`: the target takes something for what it isn't, and it isn't known
 * to be untouched.
 * `unknown`: a layout is missing, so nothing can be said about storage.
 */
export type SafetyVerdict = "clean" | "orphans" | "corrupts" | "unknown";

/** What becomes of a proxy's storage and functions when it is rolled back. */
export interface SafetyReport {
  readonly verdict: SafetyVerdict;
  readonly proxy: Address;
  /** The block that present values were read at. */
  readonly block: bigint;
  readonly orphaned: readonly StoredVariable[];
  /** Unknown to the current implementation: what they have now is what the target will find. */
  readonly revived: readonly StoredVariable[];
  readonly retyped: readonly RetypedVariable[];
  /** Stays as it is: an initializer of this version or less never runs again. */
  readonly initialized?: InitializedVersion;
  readonly selectorsLost: readonly Selector[];
  readonly selectorsGained: readonly Selector[];
  /** Whole sentences for a person. */
  readonly notes: readonly string[];
}

export interface StoredVariable {
  readonly label: string;
  readonly type: string;
  readonly slot: Hex;
  /** Bytes from the low end of the slot. */
  readonly offset: number;
  readonly bytes: number;
  /** What is there now; see {@link readPresentValue} for what has no fixed size. */
  readonly value: Hex;
  readonly namespace?: string;
  readonly remark?: string;
}

export interface RetypedVariable {
  /** As the target calls it. */
  readonly label: string;
  readonly slot: Hex;
  readonly offset: number;
  /** Type and name in the current implementation. */
  readonly before: string;
  /** Type and name in the target. */
  readonly after: string;
  readonly why: string;
  readonly value: Hex;
  /**
   * The bytes are those from before the upgrade, so the target reads what it
   * wrote itself. False when that isn't known.
   */
  readonly untouched: boolean;
  readonly namespace?: string;
}
