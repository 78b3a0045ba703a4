import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { withSalt } from "../../timelock/find-salt.js";
import type { Operation } from "../../timelock/operation.js";
import type { World } from "../ports.js";
import { readGovernance, type Governance } from "./governance.js";
import { listScheduled, type ScheduledOperation } from "./list.js";
import { governanceAt } from "./read.js";

export interface FindOptions {
  readonly id: Hex;
  /** Or an AccessManager; default: deploy.json's, and all that stand over its contracts. */
  readonly timelock?: Address;
}

export interface FoundOperation {
  readonly operation: ScheduledOperation;
  readonly governance: Governance;
}

/**
 * An operation by its id, wherever it was scheduled: the last time, when it
 * was more than once.
 *
 * @throws {DrError} OPERATION_UNKNOWN, NOT_A_TIMELOCK.
 */
export async function findScheduled(
  world: World,
  { id, timelock }: FindOptions,
): Promise<FoundOperation> {
  const governance =
    timelock === undefined
      ? await readGovernance(world)
      : await governanceAt(world.reader, timelock);
  const { reader } = world;
  const all = await listScheduled({ reader, governance }, "all");
  const operation = all.findLast(
    (one) => one.id.toLowerCase() === id.toLowerCase(),
  );
  if (operation === undefined) {
    const places = [...governance.timelocks, ...governance.managers];
    throw new DrError("OPERATION_UNKNOWN", {
      id,
      places: places.join(", ") || "any timelock (none is known)",
    });
  }
  return { operation, governance };
}

/**
 * A timelock's operation as `execute` takes it.
 *
 * @param given - A salt, where the chain doesn't tell it.
 * @throws {DrError} OPERATION_SALT_UNKNOWN, OPERATION_SALT_WRONG.
 */
export function completeOperation(
  operation: ScheduledOperation & { readonly kind: "timelock" },
  given: Hex | undefined,
): Operation {
  const { id, scheduledAt } = operation;
  const salt = given ?? operation.salt;
  if (salt === undefined) {
    throw new DrError("OPERATION_SALT_UNKNOWN", { id, tx: scheduledAt.tx });
  }
  const complete = withSalt(id, operation, salt);
  if (complete === undefined) {
    throw new DrError("OPERATION_SALT_WRONG", { id, salt });
  }
  return complete;
}
