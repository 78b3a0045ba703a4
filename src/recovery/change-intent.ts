import type { Address, Hex } from "../core/hex.js";
import type { UpgradeInterface } from "../proxy/upgrade-interface.js";
import type { RouteChoice } from "../route/choice.js";

/** A change of implementations with nothing left open; a rollback or an upgrade. */
export interface ChangeIntent {
  readonly reason: "rollback" | "upgrade";
  readonly contracts: readonly ContractChange[];
  /** Pause, upgrade and unpause in one transaction, as far as one route makes them. */
  readonly atOnce?: boolean;
  /** Of the implementation, when it isn't there yet. */
  readonly deployment?: Deployment;
}

/** A contract creation whose address is known beforehand: it follows from account and nonce. */
export interface Deployment {
  /** Fully qualified. */
  readonly contract: string;
  readonly from: Address;
  readonly nonce: number;
  readonly initCode: Hex;
  readonly address: Address;
  /** keccak256 of the code that will be there. */
  readonly codeHash: Hex;
}

export interface ContractChange {
  readonly name: string;
  readonly proxy: Address;
  readonly beacon?: Address;
  readonly from: Address;
  readonly to: Address;
  /** keccak256 of the code that must be at `to`. */
  readonly toCodeHash: Hex;
  /** Fully qualified, where known. */
  readonly toContract?: string;
  readonly versionBefore?: string;
  /** What `version()` must answer afterwards, where it is known. */
  readonly versionAfter?: string;
  readonly upgrade: UpgradeInterface;
  readonly upgradeRoute: RouteChoice;
  /** Absent when the contract isn't paused by this run. */
  readonly pauseRoute?: RouteChoice;
  /** Absent when the contract isn't unpaused by this run. */
  readonly unpauseRoute?: RouteChoice;
  /** Storage slots whose misreading the user has accepted by name. */
  readonly acceptedSlots: readonly string[];
}
