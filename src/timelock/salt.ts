import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";

import type { BlockReader } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";
import { hashOperation, type Operation } from "./operation.js";
import { readOperationState, type OperationState } from "./operation-state.js";

/** An operation with the salt that makes it this round's. */
export interface Round {
  /** How many times it was done before. */
  readonly round: number;
  readonly salt: Hex;
  readonly operation: Operation;
  readonly id: Hex;
  readonly state: OperationState;
}

/** Rounds asked for at once. */
const ROUNDS_PER_LOOK = 8;

/**
 * The salt of an action's n-th repetition.
 *
 * @param action - What is done, in words that name all that makes it another.
 * @param round - 0 for the first time.
 */
export function deriveSalt(action: string, round: number): Hex {
  return Hash.keccak256(
    OxHex.fromString(`hardhat-dr:timelock-salt:1:${String(round)}:${action}`),
  );
}

/**
 * The first round of an action whose operation isn't done. No clock is in the
 * salt: who asks again finds the operation that is under way, and only after
 * it is done a new one. A cancelled operation may be scheduled again.
 *
 * @param operationOf - The operation that does it, with this salt.
 * @throws {DrError} NOT_A_TIMELOCK.
 */
export async function findRound(
  reader: BlockReader,
  timelock: Address,
  operationOf: (salt: Hex) => Operation,
  action: string,
): Promise<Round> {
  for (let first = 0; ; first += ROUNDS_PER_LOOK) {
    const rounds = await Promise.all(
      Array.from({ length: ROUNDS_PER_LOOK }, async (_, offset) => {
        const round = first + offset;
        const salt = deriveSalt(action, round);
        const operation = operationOf(salt);
        const id = hashOperation(operation);
        const state = await readOperationState(reader, timelock, id);
        return { round, salt, operation, id, state };
      }),
    );
    const open = rounds.find(({ state }) => state.status !== "done");
    if (open !== undefined) {
      return open;
    }
  }
}
