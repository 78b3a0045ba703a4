import type { BlockReader } from "../chain/block-reader.js";
import type { Call } from "../core/call.js";
import type { Address, Hex } from "../core/hex.js";
import type { Step } from "../run/step.js";
import type { RouteChoice } from "./choice.js";

/** A call with the knowledge of when it is needed, still right, and done. */
export interface Action {
  /** Whom it is for: names in deploy.json. */
  readonly contracts: readonly string[];
  readonly call: Call;
  /** The implementation that it brings, if it is an upgrade. */
  readonly target?: Address;
  /** Whether the chain is already as this call would make it. */
  readonly isDone: (reader: BlockReader) => Promise<boolean>;
  /**
   * @throws {DrError} when the call is no longer what was approved: somebody
   * else changed what it builds on.
   */
  readonly assertFresh?: (reader: BlockReader) => Promise<void>;
}

/** A way to make the chain carry out calls, as its authority demands. */
export interface Route {
  readonly kind: RouteChoice["kind"];
  /**
   * The steps that bring these actions about, in one go where possible.
   *
   * @param id - Prefix of the steps' ids, unique in the plan.
   * @param title - For people: `Pause 3 contracts`.
   */
  toSteps(
    id: string,
    title: string,
    actions: readonly Action[],
  ): readonly Step[];
}

/** Opens the route that was chosen. */
export type OpenRoute = (choice: RouteChoice) => Route;

/** A contract that shall be created, and what makes its creation known. */
export interface NewContract {
  readonly label: string;
  readonly initCode: Hex;
  readonly isDone: (reader: BlockReader) => Promise<boolean>;
  /** @throws {DrError} PLAN_STALE when it would no longer get the address it was promised. */
  readonly assertFresh: (reader: BlockReader) => Promise<void>;
}

/** An account that creates contracts. */
export type OpenDeployer = (from: Address) => {
  toDeployStep(id: string, contract: NewContract): Step;
};
