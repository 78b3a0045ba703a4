import {
  pausePermission,
  unpausePermission,
} from "../authority/proxy-permission.js";
import type { Permission } from "../authority/authority.js";
import { AuthorityGraph } from "../authority/graph.js";
import { ABSENT } from "../authority/permission.js";
import { DrError } from "../core/errors.js";
import type { Json } from "../core/canonical-json.js";
import type { Address } from "../core/hex.js";
import { selectContracts } from "../deployments/select.js";
import { readPaused } from "../proxy/getters.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { RouteChoice } from "../route/choice.js";
import {
  rewrapRoute,
  unwrapManaged,
  unwrapRoute,
} from "../route/access-manager/unwrap.js";
import { sealRoutes } from "../route/seal.js";
import type { Plan } from "../run/plan.js";
import { agreementOn } from "./agreement.js";
import { scanStart } from "./scan-start.js";
import { pauseAction, pauseCall } from "./pause-call.js";
import { readWorld, type RecoveryPorts, type World } from "./ports.js";
import { authorityElsewhere, chooseRoutes, stepsFor } from "./routing.js";
import { assertSameProxies } from "./same-proxies.js";

/** A pause or an unpause with nothing left open. */
export interface PauseIntent {
  /** What `paused()` shall be. */
  readonly paused: boolean;
  readonly contracts: readonly {
    readonly name: string;
    readonly proxy: Address;
    readonly route: RouteChoice;
  }[];
}

/** What was found out before anything is changed. */
export interface PauseResolution {
  readonly intent: PauseIntent;
  readonly chainId: number;
  /** As wished already. */
  readonly already: readonly string[];
  /** Those that can't be done from here; they don't hold the others. */
  readonly refused: readonly {
    readonly name: string;
    readonly error: DrError;
  }[];
}

interface Target {
  readonly name: string;
  readonly proxy: Address;
}

/**
 * Finds out what there is to pause or unpause and who may.
 *
 * @throws {DrError} when a name is unknown, or nothing at all can be done.
 */
export async function resolvePause(
  ports: RecoveryPorts,
  options: {
    readonly paused: boolean;
    readonly names: readonly string[];
    readonly all: boolean;
  },
): Promise<PauseResolution> {
  const { paused, names, all } = options;
  const world = await readWorld(ports);
  const { file } = world.document;
  const targets = selectContracts(file, names, all).map(({ name, record }) => ({
    name,
    proxy: record.proxy,
  }));
  const states = await Promise.all(
    targets.map(async ({ proxy }) => await readPaused(world.reader, proxy)),
  );
  const inState = (state: boolean | undefined) =>
    targets.filter((_, index) => states[index] === state);
  const routed = await routeTargets(ports, world, inState(!paused), paused);
  const resolution = {
    intent: { paused, contracts: routed.contracts },
    chainId: world.chainId,
    already: inState(paused).map(({ name }) => name),
    refused: [
      ...(await explainAbsent(world, inState(undefined))),
      ...routed.refused,
    ],
  };
  refuseHopeless(resolution);
  return resolution;
}

/** With nothing done and nothing to do, the first refusal is the answer. */
function refuseHopeless({ intent, already, refused }: PauseResolution): void {
  const [first] = refused;
  if (
    first !== undefined &&
    intent.contracts.length === 0 &&
    already.length === 0
  ) {
    throw first.error;
  }
}

async function routeTargets(
  ports: RecoveryPorts,
  world: World,
  targets: readonly Target[],
  paused: boolean,
): Promise<{
  readonly contracts: PauseIntent["contracts"];
  readonly refused: PauseResolution["refused"];
}> {
  const { reader, document } = world;
  const graph = new AuthorityGraph(reader, scanStart(document.file));
  const requests = targets.map(({ name, proxy }) => ({
    call: pauseCall(name, proxy, paused),
    permission: async () => await readPermission(reader, graph, proxy, paused),
    preference: "fastest" as const,
  }));
  const routes = await chooseRoutes(reader, ports, requests);
  const refused = await Promise.all(
    targets.flatMap((target, index) =>
      routes[index] === undefined
        ? [explainRefusal(world, graph, target, paused)]
        : [],
    ),
  );
  const chosen = targets.flatMap((target, index) => {
    const route = routes[index];
    return route === undefined ? [] : [{ ...target, route }];
  });
  return {
    contracts: await sealPauses(reader, chosen, paused),
    refused,
  };
}

async function sealPauses(
  reader: World["reader"],
  contracts: PauseIntent["contracts"],
  paused: boolean,
): Promise<PauseIntent["contracts"]> {
  const sealed = await sealRoutes(
    reader,
    contracts.map(({ name, proxy, route }) => {
      const action = pauseAction(name, proxy, paused);
      const unwrapped = unwrapManaged({ action, route });
      return { call: unwrapped.action.call, route: unwrapped.route };
    }),
  );
  return contracts.map((one, index) => ({
    ...one,
    route: rewrapRoute(one.route, sealed[index] ?? unwrapRoute(one.route)),
  }));
}

async function readPermission(
  reader: World["reader"],
  graph: AuthorityGraph,
  proxy: Address,
  paused: boolean,
): Promise<Permission> {
  const state = await inspectProxy(reader, proxy);
  if (state === undefined) {
    return ABSENT;
  }
  return await (paused ? pausePermission : unpausePermission)(graph, state);
}

async function explainRefusal(
  { reader }: World,
  graph: AuthorityGraph,
  { name, proxy }: Target,
  paused: boolean,
): Promise<PauseResolution["refused"][number]> {
  const call = pauseCall(name, proxy, paused);
  const error =
    (await reader.code(proxy)) === "0x"
      ? new DrError("NO_CODE", { what: name, address: proxy })
      : authorityElsewhere(
          call,
          await readPermission(reader, graph, proxy, paused),
        );
  return { name, error };
}

async function explainAbsent(
  { reader }: World,
  targets: readonly Target[],
): Promise<PauseResolution["refused"]> {
  return await Promise.all(
    targets.map(async ({ name, proxy }) => ({
      name,
      error:
        (await reader.code(proxy)) === "0x"
          ? new DrError("NO_CODE", { what: name, address: proxy })
          : new DrError("NOT_PAUSABLE", { name, address: proxy }),
    })),
  );
}

/** The plan of a pause or an unpause, from its intent alone. */
export function buildPausePlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: PauseIntent,
  notes: readonly string[] = [],
): Plan {
  const { paused, contracts } = intent;
  const verb = paused ? "Pause" : "Unpause";
  return {
    procedure: paused ? "pause" : "unpause",
    network: ports.network,
    chainId,
    intent: intent as unknown as Json,
    steps: stepsFor(
      paused ? "pause" : "unpause",
      (names) => `${verb} ${names.join(", ")}`,
      contracts.map(({ name, proxy, route }) =>
        unwrapManaged({ action: pauseAction(name, proxy, paused), route }),
      ),
      ports.openRoute,
    ),
    notes,
    assertFresh: async () => {
      await assertSameProxies(ports, contracts);
    },
    ...agreementOn(ports, async () => {
      const { factsOfPause } = await import("./intent-facts.js");
      return factsOfPause(intent);
    }),
  };
}
