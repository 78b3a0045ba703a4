import { AuthorityGraph } from "../authority/graph.js";
import {
  pausePermission,
  unpausePermission,
  upgradePermission,
} from "../authority/proxy-permission.js";
import { findFailing } from "../chain/simulate.js";
import type { Call } from "../core/call.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { readPaused } from "../proxy/getters.js";
import type { ProxyState } from "../proxy/inspect.js";
import { callerOf, totalDelay, type RouteChoice } from "../route/choice.js";
import { chooseSenders, preferring } from "../route/choose.js";
import { upgradeCall } from "./change-actions.js";
import type { ContractChange } from "./change-intent.js";
import { pauseCall } from "./pause-call.js";
import type { RecoveryPorts, World } from "./ports.js";
import {
  authorityElsewhere,
  chooseRoute,
  type RouteRequest,
} from "./routing.js";
import { scanStart } from "./scan-start.js";

export interface ChangeOptions {
  /** Pause before and unpause after. */
  readonly pause: boolean;
  readonly unpause: boolean;
  readonly acceptedSlots: readonly string[];
}

/** A change before it is known who makes it. */
export type Draft = Pick<
  ContractChange,
  "name" | "proxy" | "from" | "to" | "upgrade"
> & {
  /** The code that will be at `to`, when it isn't there yet. */
  readonly newCode?: Hex;
};

export interface ChangeRoutes {
  readonly choices: Pick<
    ContractChange,
    "upgradeRoute" | "pauseRoute" | "unpauseRoute"
  >;
  readonly notes: readonly string[];
}

interface Calls {
  readonly pause: Call;
  readonly upgrade: Call;
  readonly unpause: Call;
}

/** What finding the routes of one contract needs to know. */
interface Question {
  readonly ports: RecoveryPorts;
  readonly reader: World["reader"];
  readonly graph: AuthorityGraph;
  readonly state: ProxyState;
  readonly draft: Draft;
  readonly calls: Calls;
  /** Undefined when it can't be paused. */
  readonly paused: boolean | undefined;
}

/**
 * Who pauses, upgrades and unpauses a contract, and how, tried one upon the
 * other before anything is sent.
 *
 * @throws {DrError} AUTHORITY_ELSEWHERE, PAUSE_BLOCKS_UPGRADE, SEQUENCE_WOULD_FAIL.
 */
export async function findChangeRoutes(
  ports: RecoveryPorts,
  { reader, document }: World,
  state: ProxyState,
  draft: Draft,
  options: ChangeOptions,
): Promise<ChangeRoutes> {
  const { name, proxy } = draft;
  const question: Question = {
    ports,
    reader,
    graph: new AuthorityGraph(reader, scanStart(document.file)),
    state,
    draft,
    calls: {
      pause: pauseCall(name, proxy, true),
      upgrade: upgradeCall(draft),
      unpause: pauseCall(name, proxy, false),
    },
    paused: await readPaused(reader, proxy),
  };
  const { paused } = question;
  const pauses = options.pause && paused === false;
  const unpauses = options.unpause && options.pause && paused !== undefined;
  const upgrading = findUpgrader(question);
  const pausing = pauses ? findPauser(question) : undefined;
  // Of two refusals the upgrade's is told: it is what this is about.
  pausing?.catch(() => undefined);
  const upgradeRoute = await upgrading;
  const pauseRoute = await pausing;
  const unpauseRoute = unpauses
    ? await findUnpauser(question, pauseRoute)
    : undefined;
  const choices = {
    upgradeRoute,
    ...(pauseRoute === undefined ? {} : { pauseRoute }),
    ...(unpauseRoute === undefined ? {} : { unpauseRoute }),
  };
  const notes = await trySequence(question, choices);
  return { choices, notes: [...notes, ...pauseNotes(question, options)] };
}

async function findUpgrader(question: Question): Promise<RouteChoice> {
  const { ports, reader, graph, state, draft, calls } = question;
  const { newCode, from } = draft;
  const permission = async () => await upgradePermission(graph, state);
  // Who may upgrade is tried with what is there: the target may not be, yet.
  const call =
    newCode === undefined ? calls.upgrade : upgradeCall({ ...draft, to: from });
  const route = await chooseRoute(reader, ports, {
    call,
    permission,
    preference: "governed",
  });
  if (route === undefined) {
    throw (
      (await explainByPause(question)) ??
      authorityElsewhere(calls.upgrade, await permission())
    );
  }
  return route;
}

async function findPauser({
  ports,
  reader,
  graph,
  state,
  calls,
}: Question): Promise<RouteChoice> {
  const permission = async () => await pausePermission(graph, state);
  const route = await chooseSwitchRoute(reader, ports, {
    call: calls.pause,
    permission,
    preference: "fastest",
  });
  if (route === undefined) {
    throw authorityElsewhere(calls.pause, await permission());
  }
  return route;
}

/** Not always the one who pauses; and a contract that isn't paused yet lets nobody unpause it. */
async function findUnpauser(
  { ports, reader, graph, state, calls }: Question,
  pauseRoute: RouteChoice | undefined,
): Promise<RouteChoice> {
  const permission = async () => await unpausePermission(graph, state);
  const before =
    pauseRoute === undefined
      ? []
      : [{ ...calls.pause, from: callerOf(pauseRoute) }];
  const pauser = pauseRoute?.kind === "direct" ? pauseRoute.from : undefined;
  const route = await chooseSwitchRoute(
    reader,
    { ...ports, accounts: preferring(ports.accounts, pauser) },
    { call: calls.unpause, permission, preference: "fastest", before },
  );
  if (route === undefined) {
    throw authorityElsewhere(calls.unpause, await permission());
  }
  return route;
}

/** Whoever shall upgrade need not be one who may pause: then whoever may. */
async function chooseSwitchRoute(
  reader: World["reader"],
  ports: Pick<RecoveryPorts, "accounts" | "goesBy">,
  request: RouteRequest,
): Promise<RouteChoice | undefined> {
  const { accounts } = ports;
  return (
    (await chooseRoute(reader, ports, request)) ??
    (await chooseRoute(reader, { accounts }, request))
  );
}

/** The pause itself may be what stands in the way of an upgrade: somebody here could, after somebody here had unpaused. */
async function explainByPause({
  ports: { accounts },
  reader,
  draft,
  calls,
  paused,
}: Question): Promise<DrError | undefined> {
  if (paused !== true) {
    return undefined;
  }
  const [from] = await chooseSenders(
    reader,
    [{ call: calls.unpause }],
    accounts,
  );
  if (from === undefined) {
    return undefined;
  }
  const failing = await Promise.all(
    accounts.map(
      async (upgrader) =>
        await findFailing(reader, [
          { ...calls.unpause, from },
          { ...calls.upgrade, from: upgrader },
        ]),
    ),
  );
  return failing.includes(-1)
    ? new DrError("PAUSE_BLOCKS_UPGRADE", { name: draft.name })
    : undefined;
}

function pauseNotes(
  { draft: { name }, paused }: Question,
  { pause, unpause }: ChangeOptions,
): string[] {
  if (!pause) {
    return [];
  }
  if (paused === undefined) {
    return [`${name} has no pause: users can act on it all the while.`];
  }
  return paused && unpause
    ? [
        `${name} is paused already; it will be unpaused at the end (--keep-paused leaves it paused).`,
      ]
    : [];
}

/** Tries pause, upgrade and unpause one upon the other. */
async function trySequence(
  { reader, draft, calls }: Question,
  { pauseRoute, upgradeRoute, unpauseRoute }: ChangeRoutes["choices"],
): Promise<string[]> {
  const { name, to, newCode } = draft;
  const steps: [keyof Calls, RouteChoice | undefined][] = [
    ["pause", pauseRoute],
    ["upgrade", upgradeRoute],
    ["unpause", unpauseRoute],
  ];
  const sequence = steps.flatMap(([step, route]) =>
    route === undefined
      ? []
      : [{ step, ...calls[step], from: callerOf(route) }],
  );
  if (steps.some(([, route]) => route !== undefined && isManagedLater(route))) {
    return [
      `${name}: what an AccessManager lets through only after a delay can't be tried beforehand; \`npx hardhat dr:rehearse\` does.`,
    ];
  }
  const deployed: Record<Address, Hex> =
    newCode === undefined ? {} : { [to]: newCode };
  const failing = await findFailing(reader, sequence, deployed);
  if (failing === undefined) {
    return [
      `${name}: this node can't try the whole sequence beforehand (no state overrides in eth_call).`,
    ];
  }
  const failed = sequence[failing];
  if (failed === undefined) {
    return [];
  }
  throw failed.step === "upgrade" && pauseRoute !== undefined
    ? new DrError("PAUSE_BLOCKS_UPGRADE", { name })
    : new DrError("SEQUENCE_WOULD_FAIL", {
        name,
        label: calls[failed.step].label,
        from: failed.from,
      });
}

function isManagedLater(route: RouteChoice): boolean {
  return route.kind === "access-manager" && totalDelay(route) > 0n;
}
