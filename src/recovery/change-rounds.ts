import type { BlockReader } from "../chain/block-reader.js";
import {
  rewrapRoute,
  unwrapManaged,
  unwrapRoute,
  type RoutedAction,
} from "../route/access-manager/unwrap.js";
import type { RouteChoice } from "../route/choice.js";
import { isSameRoute, sealRoutes } from "../route/seal.js";
import { oncePerTarget, upgradeAction } from "./change-actions.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import { pauseAction } from "./pause-call.js";

/** What a change does, in its order: what stands in one round goes together where its routes allow. */
export interface ChangeRounds {
  readonly pause: readonly RoutedAction[];
  /** Pauses too, of those that the same Safe or timelock upgrades: one signing, one delay. */
  readonly upgrade: readonly RoutedAction[];
  readonly unpause: readonly RoutedAction[];
}

type Change = Pick<ChangeIntent, "contracts" | "atOnce">;

/** The rounds of a change, from its intent alone. */
export function roundsOf({ contracts, atOnce }: Change): ChangeRounds {
  const apart = contracts.filter((change) => !pausesWithUpgrade(change));
  const together = contracts.filter(pausesWithUpgrade);
  const upgrades = oncePerTarget(contracts).map((change) =>
    unwrapManaged({
      action: upgradeAction(change),
      route: change.upgradeRoute,
    }),
  );
  const unpauses = pauses(contracts, false);
  return {
    pause: pauses(apart, true),
    upgrade: [
      ...(atOnce === true
        ? together.map(passingPause)
        : pauses(together, true)),
      ...upgrades,
      ...(atOnce === true ? unpauses : []),
    ],
    unpause: atOnce === true ? [] : unpauses,
  };
}

/**
 * A pause that the same transaction may take back: it is done when the upgrade
 * is, whatever `paused()` says by then.
 */
function passingPause(change: ContractChange): RoutedAction {
  const { name, proxy, unpauseRoute, upgradeRoute } = change;
  const pause = pauseAction(name, proxy, true);
  const action =
    unpauseRoute === undefined
      ? pause
      : { ...pause, isDone: upgradeAction(change).isDone };
  return unwrapManaged({ action, route: change.pauseRoute ?? upgradeRoute });
}

/** Whether one Safe's transaction, or one operation, both pauses and upgrades it. */
export function pausesWithUpgrade({
  pauseRoute,
  upgradeRoute,
}: ContractChange): boolean {
  if (pauseRoute === undefined) {
    return false;
  }
  const route = unwrapRoute(pauseRoute);
  return (
    route.kind !== "direct" && isSameRoute(route, unwrapRoute(upgradeRoute))
  );
}

function pauses(
  contracts: readonly ContractChange[],
  paused: boolean,
): RoutedAction[] {
  return contracts.flatMap(({ name, proxy, pauseRoute, unpauseRoute }) => {
    const route = paused ? pauseRoute : unpauseRoute;
    return route === undefined
      ? []
      : [unwrapManaged({ action: pauseAction(name, proxy, paused), route })];
  });
}

/** Settles the routes of a whole change, round by round; see `sealRoutes`. */
export async function sealChanges(
  reader: BlockReader,
  change: Change,
): Promise<readonly ContractChange[]> {
  const rounds = roundsOf(change);
  const [pause, upgrade, unpause] = await Promise.all([
    sealRound(reader, rounds.pause),
    sealRound(reader, rounds.upgrade),
    sealRound(reader, rounds.unpause),
  ]);
  return change.contracts.map((one) => {
    const { pauseRoute, upgradeRoute, unpauseRoute } = one;
    const pausing = pausesWithUpgrade(one) ? upgrade : pause;
    const unpausing = change.atOnce === true ? upgrade : unpause;
    return {
      ...one,
      upgradeRoute: upgrade(upgradeRoute),
      ...(pauseRoute && { pauseRoute: pausing(pauseRoute) }),
      ...(unpauseRoute && { unpauseRoute: unpausing(unpauseRoute) }),
    };
  });
}

/** What a round's routes become. */
async function sealRound(
  reader: BlockReader,
  round: readonly RoutedAction[],
): Promise<(route: RouteChoice) => RouteChoice> {
  const sealed = await sealRoutes(
    reader,
    round.map(({ action: { call }, route }) => ({ call, route })),
  );
  return (route) => {
    const inner = unwrapRoute(route);
    const found = round.findIndex((one) => isSameRoute(one.route, inner));
    return rewrapRoute(route, sealed[found] ?? inner);
  };
}
