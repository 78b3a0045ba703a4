import type { BlockReader } from "../../chain/block-reader.js";
import type { Call } from "../../core/call.js";
import { canonicalJson } from "../../core/canonical-json.js";
import type { Address, Hex } from "../../core/hex.js";
import {
  encodeExecute,
  encodeSchedule,
  NO_PREDECESSOR,
  type Operation,
} from "../../timelock/operation.js";
import { deriveSalt, findRound } from "../../timelock/salt.js";
import type { TimelockChoice } from "../choice.js";

/**
 * The one operation that these calls are together. Its salt comes from the
 * calls and not from a clock: made again, it is the same.
 *
 * @param round - How many times it was done before: a done id never comes back.
 */
export function toOperation(
  timelock: Address,
  calls: readonly Call[],
  round: number,
): Operation {
  return withSalt(calls, deriveSalt(describeAction(timelock, calls), round));
}

/** The first round whose operation isn't done: a pending one is taken up again. */
export async function findFreeRound(
  reader: BlockReader,
  timelock: Address,
  calls: readonly Call[],
): Promise<number> {
  const { round } = await findRound(
    reader,
    timelock,
    (salt) => withSalt(calls, salt),
    describeAction(timelock, calls),
  );
  return round;
}

function withSalt(calls: readonly Call[], salt: Hex): Operation {
  return {
    calls: calls.map(({ to, value, data }) => ({ to, value, data })),
    predecessor: NO_PREDECESSOR,
    salt,
  };
}

function describeAction(timelock: Address, calls: readonly Call[]): string {
  return canonicalJson({
    timelock,
    calls: calls.map(({ to, value, data }) => [to, String(value), data]),
  });
}

export function schedulingCall(
  { timelock, delaySeconds }: Pick<TimelockChoice, "timelock" | "delaySeconds">,
  operation: Operation,
  calls: readonly Call[],
): Call {
  return {
    to: timelock,
    value: 0n,
    data: encodeSchedule(operation, BigInt(delaySeconds)),
    label: `timelock.schedule(${labelsOf(calls)})`,
  };
}

export function executionCall(
  { timelock }: Pick<TimelockChoice, "timelock">,
  operation: Operation,
  calls: readonly Call[],
): Call {
  return {
    to: timelock,
    value: calls.reduce((sum, { value }) => sum + value, 0n),
    data: encodeExecute(operation),
    label: `timelock.execute(${labelsOf(calls)})`,
  };
}

function labelsOf(calls: readonly Call[]): string {
  return calls.map(({ label }) => label).join(", ");
}
