import type { BlockReader } from "../chain/block-reader.js";
import type { Call } from "../core/call.js";
import type { Action } from "./route.js";

/** Those that the chain isn't as they would make it. */
export async function selectMissing(
  reader: BlockReader,
  actions: readonly Action[],
): Promise<Action[]> {
  const done = await Promise.all(
    actions.map(async (action) => await action.isDone(reader)),
  );
  return actions.filter((_, index) => done[index] !== true);
}

export async function areDone(
  reader: BlockReader,
  actions: readonly Action[],
): Promise<boolean> {
  return (await selectMissing(reader, actions)).length === 0;
}

/** @throws {DrError} when one of those that are still to come is no longer what was approved. */
export async function assertAllFresh(
  reader: BlockReader,
  actions: readonly Action[],
): Promise<void> {
  const missing = await selectMissing(reader, actions);
  await Promise.all(
    missing.map(async ({ assertFresh }) => await assertFresh?.(reader)),
  );
}

/** Whom these are for, each once. */
export function contractsOf(actions: readonly Action[]): readonly string[] {
  return [...new Set(actions.flatMap(({ contracts }) => contracts))];
}

export function callsOf(actions: readonly Action[]): readonly Call[] {
  return actions.map(({ call }) => call);
}
