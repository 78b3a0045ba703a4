import { selectorOf } from "../chain/abi.js";
import type { Hex } from "../core/hex.js";
import {
  hashOperation,
  NO_PREDECESSOR,
  SCHEDULE,
  SCHEDULE_BATCH,
  type Operation,
} from "./operation.js";

/** An operation as its events tell it, its salt not yet known. */
export type UnsaltedOperation = Omit<Operation, "salt" | "isBatch">;

const NO_SALT: Hex = NO_PREDECESSOR;

const WORD = 64;
const SELECTOR = 8;
/** The salt is the fifth argument of `schedule` and of `scheduleBatch`. */
const SALT_AT = SELECTOR + 4 * WORD;

/**
 * The operation with this salt that has this id, as a call alone or as a batch
 * of one.
 *
 * @returns undefined when it is another salt.
 */
export function withSalt(
  id: Hex,
  { calls, predecessor }: UnsaltedOperation,
  salt: Hex,
): Operation | undefined {
  const operation = { calls, predecessor, salt };
  return [operation, { ...operation, isBatch: true }].find(
    (candidate) => hashOperation(candidate) === id,
  );
}

/**
 * The operation of this id. Its salt is the one in the log, or zero, or stands
 * in the transaction that scheduled it: versions before OpenZeppelin 4.9 don't
 * log it.
 *
 * @param logged - From `CallSalt`.
 * @param input - Calldata of the scheduling transaction, however deep the
 * schedule call is in there: in a Safe's or a MultiSend's.
 * @returns undefined when none of these gives the id.
 */
export function findSalt(
  id: Hex,
  operation: UnsaltedOperation,
  logged: Hex | undefined,
  input: Hex | undefined,
): Operation | undefined {
  const likely = logged === undefined ? [NO_SALT] : [logged];
  for (const salt of [...likely, ...saltsIn(input ?? "0x")]) {
    const found = withSalt(id, operation, salt);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** What may be a salt in there: of schedule calls, then every argument, as a Governor's is its description's hash. */
function* saltsIn(input: Hex): Generator<Hex> {
  const digits = input.slice(2).toLowerCase();
  for (const signature of [SCHEDULE, SCHEDULE_BATCH]) {
    const selector = selectorOf(signature).slice(2);
    let at = digits.indexOf(selector);
    while (at !== -1) {
      yield* wordAt(digits, at + SALT_AT);
      at = digits.indexOf(selector, at + 1);
    }
  }
  for (let at = SELECTOR; at < digits.length; at += WORD) {
    yield* wordAt(digits, at);
  }
}

function* wordAt(digits: string, at: number): Generator<Hex> {
  const word = digits.slice(at, at + WORD);
  if (word.length === WORD) {
    yield `0x${word}`;
  }
}
