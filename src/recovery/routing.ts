import type { BlockReader } from "../chain/block-reader.js";
import { simulateSequence, type SimulatedCall } from "../chain/simulate.js";
import type { Permission } from "../authority/authority.js";
import { formatPermission, formatSafeOwners } from "../authority/describe.js";
import type { Call } from "../core/call.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { canonicalJson } from "../core/canonical-json.js";
import { chooseSenders } from "../route/choose.js";
import type { Action, OpenRoute, RouteChoice } from "../route/route.js";
import type { Step } from "../run/step.js";

/** A call, and who of those who can sign here may make it: nobody when undefined. */
export interface RoutedCall {
  readonly call: Call;
  readonly route: RouteChoice | undefined;
}

/** @returns one for each call, in order. */
export async function routeCalls(
  reader: BlockReader,
  calls: readonly Call[],
  accounts: readonly Address[],
): Promise<readonly RoutedCall[]> {
  const senders = await chooseSenders(reader, calls, accounts);
  return calls.map((call, index) => {
    const from = senders[index];
    return {
      call,
      route: from === undefined ? undefined : { kind: "direct", from },
    };
  });
}

/** Says precisely who must act, and what they must send. */
export function authorityElsewhere(
  { label, to, value, data }: Call,
  permission: Permission,
): DrError {
  const owners = formatSafeOwners(permission);
  return new DrError("AUTHORITY_ELSEWHERE", {
    label,
    who: `${formatPermission(permission)}${owners === "" ? "" : ` (${owners})`}`,
    to,
    value,
    data,
  });
}

/**
 * Whether a sequence of calls would go through, each seeing the effects of
 * those before it.
 *
 * @returns the position of the first that fails; -1 when none does; undefined
 * when this node can't tell.
 */
export async function findFailing(
  reader: BlockReader,
  calls: readonly SimulatedCall[],
  deployed: Readonly<Record<Address, Hex>> = {},
): Promise<number | undefined> {
  const results = await simulateSequence(reader, calls, deployed);
  return results?.findIndex(({ success }) => !success);
}

/** An action with the way it goes. */
export interface RoutedAction {
  readonly action: Action;
  readonly route: RouteChoice;
}

/**
 * The steps for actions of any routes: those of one route go together.
 *
 * @param titleOf - For people, given the contracts' names.
 */
export function stepsFor(
  id: string,
  titleOf: (names: readonly string[]) => string,
  actions: readonly RoutedAction[],
  openRoute: OpenRoute,
): readonly Step[] {
  const groups = Map.groupBy(actions, ({ route }) =>
    canonicalJson({ ...route }),
  );
  return [...groups.values()].flatMap((group, index) => {
    const [first] = group;
    const names = group.map(({ action }) => action.contract);
    return first === undefined
      ? []
      : openRoute(first.route).toSteps(
          groups.size === 1 ? id : `${id}:${String(index + 1)}`,
          titleOf(names),
          group.map(({ action }) => action),
        );
  });
}
