import type { BlockReader } from "../chain/block-reader.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { RouteChoice } from "../route/choice.js";
import { sealRoutes } from "../route/seal.js";
import { oncePerTarget, upgradeAction } from "./change-actions.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import { pauseAction } from "./pause-call.js";
import type { RoutedAction } from "./routing.js";

/** What a change does, in its order: what stands in one round goes together where its routes allow. */
export interface ChangeRounds {
  readonly pause: readonly RoutedAction[];
  /** Pauses too, of those that the same Safe or timelock upgrades: one signing, one delay. */
  readonly upgrade: readonly RoutedAction[];
  readonly unpause: readonly RoutedAction[];
}

/** The rounds of a change, from its intent alone. */
export function roundsOf({
  contracts,
  atOnce,
}: Pick<ChangeIntent, "contracts" | "atOnce">): ChangeRounds {
  const pausedApart = contracts.filter((change) => !pausesWithUpgrade(change));
  const pausedTogether = contracts.filter(pausesWithUpgrade);
  const upgrades = oncePerTarget(contracts).map((change) => ({
    action: upgradeAction(change),
    route: change.upgradeRoute,
  }));
  const unpauses = pauses(contracts, false);
  return {
    pause: pauses(pausedApart, true),
    upgrade: [
      ...pauses(pausedTogether, true),
      ...upgrades,
      ...(atOnce === true ? unpauses : []),
    ],
    unpause: atOnce === true ? [] : unpauses,
  };
}

function pausesWithUpgrade({
  pauseRoute,
  upgradeRoute,
}: ContractChange): boolean {
  return (
    pauseRoute !== undefined &&
    pauseRoute.kind !== "direct" &&
    isSame(pauseRoute, upgradeRoute)
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
      : [{ action: pauseAction(name, proxy, paused), route }];
  });
}

/** Settles the routes of a whole change, round by round; see `sealRoutes`. */
export async function sealChanges(
  reader: BlockReader,
  intent: Pick<ChangeIntent, "contracts" | "atOnce">,
): Promise<readonly ContractChange[]> {
  const rounds = roundsOf(intent);
  const [pause, upgrade, unpause] = await Promise.all(
    [rounds.pause, rounds.upgrade, rounds.unpause].map(
      async (round) => await sealRound(reader, round),
    ),
  );
  return intent.contracts.map((change) => {
    const { pauseRoute, upgradeRoute, unpauseRoute } = change;
    const pauseRound = pausesWithUpgrade(change) ? upgrade : pause;
    const unpauseRound = intent.atOnce === true ? upgrade : unpause;
    return {
      ...change,
      upgradeRoute: upgrade?.(upgradeRoute) ?? upgradeRoute,
      ...(pauseRoute && {
        pauseRoute: pauseRound?.(pauseRoute) ?? pauseRoute,
      }),
      ...(unpauseRoute && {
        unpauseRoute: unpauseRound?.(unpauseRoute) ?? unpauseRoute,
      }),
    };
  });
}

/** A round's routes as they were, to what they have become. */
async function sealRound(
  reader: BlockReader,
  round: readonly RoutedAction[],
): Promise<(route: RouteChoice) => RouteChoice | undefined> {
  const sealed = await sealRoutes(
    reader,
    round.map(({ action: { call }, route }) => ({ call, route })),
  );
  return (route) => sealed[round.findIndex((one) => isSame(one.route, route))];
}

function isSame(a: RouteChoice, b: RouteChoice): boolean {
  return (
    canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)
  );
}
