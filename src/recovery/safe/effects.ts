import { decodeArguments, selectorOf } from "../../chain/abi.js";
import type { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import { readPaused } from "../../proxy/getters.js";
import { inspectProxy } from "../../proxy/inspect.js";
import { readCarried } from "../../safe/carried-calls.js";
import type { InnerCall } from "../../safe/multi-send.js";
import { EXPIRATION } from "../../timelock/managed-operation.js";
import { MIN_DELAY } from "../../timelock/operation-state.js";

/** What a call leaves behind, where that can be read back. */
export type Effect =
  | {
      readonly kind: "paused";
      readonly contract: Address;
      readonly paused: boolean;
    }
  | {
      readonly kind: "implementation";
      /** A proxy, or a beacon. */
      readonly contract: Address;
      readonly implementation: Address;
    };

type Reading = (to: Address, args: readonly unknown[]) => Effect;

const paused =
  (value: boolean): Reading =>
  (to) => ({ kind: "paused", contract: to, paused: value });
const ofItself: Reading = (to, [implementation]) => ({
  kind: "implementation",
  contract: to,
  implementation: implementation as Address,
});
const ofProxy: Reading = (_, [proxy, implementation]) => ({
  kind: "implementation",
  contract: proxy as Address,
  implementation: implementation as Address,
});

const READINGS: readonly (readonly [string, Reading])[] = [
  ["function pause()", paused(true)],
  ["function unpause()", paused(false)],
  ["function upgradeTo(address)", ofItself],
  ["function upgradeToAndCall(address,bytes)", ofItself],
  ["function upgrade(address,address)", ofProxy],
  ["function upgradeAndCall(address,address,bytes)", ofProxy],
];

const PAUSING: readonly string[] = [
  "function pause()",
  "function unpause()",
].map(selectorOf);

/** What must hold after these calls, in order: the last of a kind counts. */
export function expectedEffects(
  calls: readonly InnerCall[],
): readonly Effect[] {
  const effects = new Map<string, Effect>();
  for (const { to, data } of calls) {
    const found = READINGS.find(
      ([signature]) => selectorOf(signature) === data.slice(0, 10),
    );
    if (found !== undefined) {
      const effect = readEffect(found, to, data);
      if (effect !== undefined) {
        effects.set(`${effect.kind} ${effect.contract.toLowerCase()}`, effect);
      }
    }
  }
  return [...effects.values()];
}

/**
 * What comes of calls in the end: those that a timelock or an AccessManager is
 * told to make at once stand in the place of the telling.
 */
export async function executedCalls(
  reader: BlockReader,
  calls: readonly InnerCall[],
): Promise<readonly InnerCall[]> {
  const executed = await Promise.all(
    calls.map(async (call) => {
      const carried = readCarried(call);
      return carried?.status === "carries" &&
        carried.executes &&
        (await isGovernance(reader, call.to))
        ? await executedCalls(reader, carried.calls)
        : [call];
    }),
  );
  return executed.flat();
}

/** Others may mean something else by the same function. */
async function isGovernance(
  reader: BlockReader,
  address: Address,
): Promise<boolean> {
  const answers = await Promise.all(
    [MIN_DELAY, EXPIRATION].map(
      async (getter) => await reader.call(address, getter),
    ),
  );
  return answers.some((answer) => answer !== undefined);
}

/** Whether calls may do more than pause and unpause. */
export function mayMove(calls: readonly Pick<InnerCall, "data">[]): boolean {
  return calls.some(({ data }) => !PAUSING.includes(data.slice(0, 10)));
}

function readEffect(
  [signature, reading]: readonly [string, Reading],
  to: Address,
  data: Hex,
): Effect | undefined {
  try {
    return reading(to, decodeArguments(signature, data));
  } catch {
    return undefined;
  }
}

const IMPLEMENTATION = "function implementation() view returns (address)";

/** @throws {DrError} VERIFICATION_FAILED. */
export async function verifyEffects(
  reader: BlockReader,
  effects: readonly Effect[],
  nameOf: (address: Address) => string | undefined,
): Promise<void> {
  for (const effect of effects) {
    const { contract } = effect;
    const [expected, found] =
      effect.kind === "paused"
        ? [String(effect.paused), String(await readPaused(reader, contract))]
        : [effect.implementation, await readImplementationOf(reader, contract)];
    if (!sameAddress(expected, found)) {
      throw new DrError("VERIFICATION_FAILED", {
        name: nameOf(contract) ?? contract,
        reason: `its ${effect.kind === "paused" ? "paused()" : "implementation"} is ${found} instead of ${expected}`,
      });
    }
  }
}

async function readImplementationOf(
  reader: BlockReader,
  contract: Address,
): Promise<string> {
  const state = await inspectProxy(reader, contract);
  if (state !== undefined && state.kind !== "plain") {
    return state.implementation;
  }
  const answer = await reader.call(contract, IMPLEMENTATION);
  return typeof answer === "string" ? answer : "unknown";
}
