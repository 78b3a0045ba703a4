import type { BlockReader } from "../chain/block-reader.js";
import { simulateSequence, type SimulatedCall } from "../chain/simulate.js";
import type { Permission } from "../authority/authority.js";
import { formatPermission } from "../authority/describe.js";
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

/**
 * Says precisely who must act, and what they must send; or that nobody can.
 *
 * @returns AUTHORITY_ELSEWHERE, NOBODY_MAY or REFUSES_EVERYONE.
 */
export function authorityElsewhere(
  { label, to, value, data }: Call,
  permission: Permission,
): DrError {
  const { mechanism } = permission;
  const why = whyNobody(permission);
  if (why !== undefined) {
    return new DrError("NOBODY_MAY", { label, why });
  }
  if (mechanism.kind === "unknown" && mechanism.refused !== undefined) {
    return new DrError("REFUSES_EVERYONE", {
      label,
      refused: mechanism.refused.to.join(", "),
      reason: mechanism.refused.reason,
      to,
      value,
      data,
    });
  }
  return new DrError("AUTHORITY_ELSEWHERE", {
    label,
    who: formatPermission(permission),
    to,
    value,
    data,
  });
}

/** Undefined when somebody may, or it can't be told. */
function whyNobody({
  mechanism,
  holders,
  confirmed,
}: Permission): string | undefined {
  if (mechanism.kind === "absent") {
    return "the contract has no such function";
  }
  if (!confirmed || holders.some(({ kind }) => kind !== "nobody")) {
    return undefined;
  }
  switch (mechanism.kind) {
    case "role":
      return `no account holds ${mechanism.name ?? mechanism.role}`;
    case "owner":
      return `${mechanism.getter}() is the zero address`;
    case "proxy-admin":
      return `the owner of ${mechanism.address}, which administers it, is the zero address`;
    case "proxy-admin-slot":
    case "access-manager":
    case "open":
    case "unknown":
      return undefined;
  }
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
 * The steps for actions of any routes: those of one route go together, and the
 * routes at the same time where each is one step, so that none holds another.
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
  const stepsOfGroups = [...groups.values()].map((group, index) => {
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
  const isBatch = stepsOfGroups.every(({ length }) => length === 1);
  return stepsOfGroups
    .flat()
    .map((step) => (isBatch ? { ...step, batch: id } : step));
}
