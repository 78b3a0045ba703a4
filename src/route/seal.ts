import type { BlockReader } from "../chain/block-reader.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { Call } from "../core/call.js";
import { managedExecution, managedScheduling } from "./access-manager/calls.js";
import type { RouteChoice } from "./choice.js";
import {
  executionCall,
  findFreeRound,
  schedulingCall,
  toOperation,
} from "./timelock/calls.js";

/** A call and the way it goes. */
export interface ChosenCall {
  readonly call: Call;
  readonly route: RouteChoice;
}

/**
 * Settles what depends on which calls go together, and on what was done before:
 * the operation of a timelock. Made again, the same plan finds its own pending
 * operation; a second genuine one, after a done one, gets another id.
 *
 * @param chosen - Calls of one step: those of one route go together.
 * @returns their routes, in order.
 */
export async function sealRoutes(
  reader: BlockReader,
  chosen: readonly ChosenCall[],
): Promise<readonly RouteChoice[]> {
  const groups = groupByRoute(chosen);
  const sealed = new Map(
    await Promise.all(
      [...groups].map(async ([key, group]) => {
        const calls = group.map(({ call }) => call);
        const [first] = group;
        return [
          key,
          first && (await sealChoice(reader, first.route, calls)),
        ] as const;
      }),
    ),
  );
  return chosen.map(({ route }) => sealed.get(keyOf(route)) ?? route);
}

/** Those of one route together, in the order in which they first appear. */
export function groupByRoute<T extends { readonly route: RouteChoice }>(
  items: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(items, ({ route }) => keyOf(route));
}

export function isSameRoute(a: RouteChoice, b: RouteChoice): boolean {
  return keyOf(a) === keyOf(b);
}

function keyOf(route: RouteChoice): string {
  return canonicalJson(route as unknown as Json);
}

async function sealChoice(
  reader: BlockReader,
  choice: RouteChoice,
  calls: readonly Call[],
): Promise<RouteChoice> {
  switch (choice.kind) {
    case "direct":
    case "safe":
      return choice;
    case "access-manager": {
      const { member, manager } = choice;
      const executing = calls.map((call) => managedExecution(manager, call));
      const scheduling = calls.map((call) => managedScheduling(manager, call));
      const asExecutor = await sealChoice(reader, member, executing);
      const asScheduler = await sealChoice(reader, member, scheduling);
      return { ...choice, member: later(asExecutor, asScheduler) };
    }
    case "timelock": {
      const { timelock, proposer, executor } = choice;
      const round = await findFreeRound(reader, timelock, calls);
      const sealed = { ...choice, round };
      const operation = toOperation(timelock, calls, round);
      return {
        ...sealed,
        proposer: await sealChoice(reader, proposer, [
          schedulingCall(sealed, operation, calls),
        ]),
        executor: await sealChoice(reader, executor, [
          executionCall(sealed, operation, calls),
        ]),
      };
    }
  }
}

/** The one whose round is free for both. */
function later(a: RouteChoice, b: RouteChoice): RouteChoice {
  return a.kind === "timelock" &&
    b.kind === "timelock" &&
    (a.round ?? 0) < (b.round ?? 0)
    ? b
    : a;
}
