import type { BlockReader } from "../chain/block-reader.js";
import type { Call } from "../core/call.js";
import type { Address } from "../core/hex.js";
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

/** A contract of deploy.json, and the implementation it shall get. */
export interface Subject {
  readonly name: string;
  readonly target?: Address;
}

export function subjectsOf(actions: readonly Action[]): readonly Subject[] {
  return contractsOf(actions).map((name) => {
    const target = actions.find(
      (action) => action.target && action.contracts.includes(name),
    )?.target;
    return { name, ...(target === undefined ? {} : { target }) };
  });
}

export function callsOf(actions: readonly Action[]): readonly Call[] {
  return actions.map(({ call }) => call);
}
