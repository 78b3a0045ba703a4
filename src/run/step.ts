import type { Json } from "../core/canonical-json.js";
import type { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

/** How things stand with a step, read from the world and not from a journal. */
export type StepState =
  | { readonly status: "done" }
  | { readonly status: "ready" }
  /** Nothing is wrong, but it isn't time yet. */
  | {
      readonly status: "waiting";
      readonly reason: string;
      readonly until: WaitsFor;
    }
  | { readonly status: "blocked"; readonly error: DrError };

export type WaitsFor =
  /** In Unix seconds, as the chain counts them. */
  | { readonly kind: "time"; readonly readyAt: bigint }
  /** Of a Safe's owners. */
  | {
      readonly kind: "signatures";
      readonly safe: Address;
      readonly safeTxHash: Hex;
    };

export type Reversibility = "reversible" | "compensable" | "irreversible";

/** One thing to be done, provable before and after. */
export interface Step {
  /** Unique in its plan and the same when the plan is built again. */
  readonly id: string;
  readonly title: string;
  readonly reversibility: Reversibility;
  /** All that a person approves by approving this step: its calls, its files. */
  readonly approval: Json;
  /** It only looks, or copies: a run that stops after it has changed nothing yet. */
  readonly changesNothing?: true;
  /** Steps of one batch, one after the other in a plan, wait only for those of their own lane. */
  readonly batch?: string;
  /** Default: a lane of its own. */
  readonly lane?: string;

  /** @param log - Read only: what an interrupted run may have left under way. */
  check(log: StepLog): Promise<StepState>;

  /**
   * Does it. Called only when `check()` said ready. Whatever must not happen
   * twice is appended to `log` first; what an earlier, interrupted run of this
   * step appended is in `log.entries`.
   */
  run(log: StepLog): Promise<void>;

  /** @throws {DrError} when the world isn't as this step should have made it. */
  verify(): Promise<void>;
}

/** A step's own part of the journal. An append is on disk when it resolves. */
export interface StepLog {
  readonly entries: readonly Json[];
  append(entry: Json): Promise<void>;
}
