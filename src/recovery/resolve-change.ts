import * as Hash from "ox/Hash";

import { AuthorityGraph } from "../authority/graph.js";
import {
  pausePermission,
  upgradePermission,
} from "../authority/proxy-permission.js";
import type { SimulatedCall } from "../chain/simulate.js";
import type { Call } from "../core/call.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import {
  currentImplementation,
  findImplementation,
} from "../deployments/history.js";
import type { ContractRecord } from "../deployments/deploy-file.js";
import type { NamedContract } from "../deployments/select.js";
import { readPaused, readVersion } from "../proxy/getters.js";
import {
  inspectProxy,
  readCodeHash,
  supportsUups,
  type ProxyState,
} from "../proxy/inspect.js";
import {
  findUpgradeInterface,
  type UpgradeInterface,
} from "../proxy/upgrade-interface.js";
import type { RouteChoice } from "../route/route.js";
import { upgradeCall } from "./change-actions.js";
import type { ContractChange } from "./change-intent.js";
import { notUpgradable } from "./not-upgradable.js";
import { pauseCall } from "./pause-call.js";
import type { RecoveryPorts, World } from "./ports.js";
import { authorityElsewhere, findFailing, routeCalls } from "./routing.js";
import { scanStart } from "./scan-start.js";

/** Which contract goes to which implementation, before the chain was asked. */
export interface WantedChange extends NamedContract {
  readonly to: Address;
  /** The code that will be at `to`, when it isn't there yet. */
  readonly newCode?: Hex;
  /** Fully qualified, where it is known better than deploy.json does. */
  readonly contract?: string;
}

export interface ChangeOptions {
  /** Pause before and unpause after. */
  readonly pause: boolean;
  readonly unpause: boolean;
  readonly acceptedSlots: readonly string[];
}

/** A change that the chain has been asked about, with what people should know. */
export interface ResolvedChange {
  readonly change: ContractChange;
  readonly state: ProxyState;
  readonly notes: readonly string[];
}

/**
 * Asks the chain all that a change of implementation rests on: what is there
 * now, whether the target is what deploy.json says, who may do it, and whether
 * the whole sequence would go through.
 *
 * @throws {DrError} the first reason why it can't be done from here.
 */
export async function resolveChange(
  ports: RecoveryPorts,
  world: World,
  wanted: WantedChange,
  options: ChangeOptions,
): Promise<ResolvedChange> {
  const state = await requireUndrifted(world, wanted);
  const upgrade = await requireUpgradable(world, wanted, state);
  const target = await requireTarget(world, wanted, state);
  const draft = { ...wanted, ...target, from: state.implementation, upgrade };
  const routes = await findRoutes(ports, world, state, draft, options);
  const { name, record, to } = wanted;
  const versionBefore = await readVersion(world.reader, record.proxy);
  const change: ContractChange = {
    name,
    proxy: record.proxy,
    ...(state.beacon === undefined ? {} : { beacon: state.beacon }),
    from: state.implementation,
    to,
    ...target,
    ...(versionBefore === undefined ? {} : { versionBefore }),
    upgrade,
    ...routes.choices,
    acceptedSlots: options.acceptedSlots,
  };
  return { change, state, notes: routes.notes };
}

/** @throws {DrError} NO_CODE, DRIFT: a file that is wrong about now can't say what was before. */
async function requireUndrifted(
  { reader, document }: World,
  { name, record }: WantedChange,
): Promise<ProxyState> {
  const state = await inspectProxy(reader, record.proxy);
  if (state === undefined) {
    throw new DrError("NO_CODE", { what: name, address: record.proxy });
  }
  const recorded = currentImplementation(record);
  if (!sameAddress(state.implementation, recorded)) {
    throw new DrError("DRIFT", {
      name,
      recorded,
      found: state.implementation,
      file: document.path,
      proxy: record.proxy,
    });
  }
  return state;
}

async function requireUpgradable(
  { reader }: World,
  { name }: WantedChange,
  state: ProxyState,
): Promise<UpgradeInterface> {
  const upgrade = await findUpgradeInterface(reader, state);
  if (upgrade === undefined) {
    throw await notUpgradable(reader, name, state);
  }
  return upgrade;
}

/** The code at the target must be the recorded one, and fit the proxy. */
async function requireTarget(
  { reader }: World,
  wanted: WantedChange,
  { kind, implementation }: ProxyState,
): Promise<Pick<ContractChange, "toCodeHash" | "toContract" | "versionAfter">> {
  const { name, record, to, newCode } = wanted;
  if (newCode !== undefined) {
    return {
      toCodeHash: Hash.keccak256(newCode),
      ...(wanted.contract === undefined ? {} : { toContract: wanted.contract }),
    };
  }
  if (sameAddress(to, implementation)) {
    throw new DrError("TARGET_IS_CURRENT", {
      name,
      target: to,
      known: others(record, to),
    });
  }
  const [codeHash, version, isUups] = await Promise.all([
    readCodeHash(reader, to),
    readVersion(reader, to),
    kind === "uups" ? supportsUups(reader, to, implementation) : true,
  ]);
  if (codeHash === undefined) {
    throw new DrError("NO_CODE", { what: `target of ${name}`, address: to });
  }
  const recorded = findImplementation(record, to);
  if (recorded !== undefined && recorded.codeHash !== codeHash) {
    throw new DrError("CODE_HASH_DIFFERS", {
      name,
      address: to,
      recorded: recorded.codeHash,
      found: codeHash,
    });
  }
  if (!isUups) {
    throw new DrError("NOT_UUPS", { name, address: to });
  }
  const versionAfter = version ?? recorded?.version;
  const contract = wanted.contract ?? recorded?.contract;
  return {
    toCodeHash: codeHash,
    ...(contract === undefined ? {} : { toContract: contract }),
    ...(versionAfter === undefined ? {} : { versionAfter }),
  };
}

function others({ implementations }: ContractRecord, to: Address): string {
  const known = Object.keys(implementations).filter(
    (address) => !sameAddress(address, to),
  );
  return known.join(", ") || "(deploy.json has no other)";
}

type Draft = WantedChange &
  Pick<ContractChange, "from" | "toCodeHash" | "upgrade">;

interface Routes {
  readonly choices: Pick<
    ContractChange,
    "upgradeRoute" | "pauseRoute" | "unpauseRoute"
  >;
  readonly notes: readonly string[];
}

async function findRoutes(
  ports: RecoveryPorts,
  world: World,
  state: ProxyState,
  draft: Draft,
  options: ChangeOptions,
): Promise<Routes> {
  const { reader } = world;
  const { name, record } = draft;
  const { proxy } = record;
  const paused = await readPaused(reader, proxy);
  const needsPause = options.pause && paused === false;
  const needsUnpause =
    options.unpause && (needsPause || (options.pause && paused === true));
  const upgrade = upgradeCall({ ...draft, proxy });
  const pause = pauseCall(name, proxy, true);
  const unpause = pauseCall(name, proxy, false);
  const first = needsPause ? pause : unpause;
  // Who may upgrade is tried with what is there: the target may not be, yet.
  const trial =
    draft.newCode === undefined
      ? upgrade
      : upgradeCall({ ...draft, proxy, to: draft.from });
  const [upgrader, pauser] = await routeCalls(
    reader,
    needsPause || needsUnpause ? [trial, first] : [trial],
    ports.accounts,
  );
  const graph = new AuthorityGraph(reader, scanStart(world.document.file));
  if (upgrader?.route === undefined) {
    const { accounts } = ports;
    throw paused === true &&
      (await isPauseInTheWay(reader, unpause, upgrade, accounts))
      ? new DrError("PAUSE_BLOCKS_UPGRADE", { name })
      : authorityElsewhere(upgrade, await upgradePermission(graph, state));
  }
  if (pauser !== undefined && pauser.route === undefined) {
    throw authorityElsewhere(pauser.call, await pausePermission(graph, state));
  }
  const choices = {
    upgradeRoute: upgrader.route,
    ...(needsPause && pauser?.route ? { pauseRoute: pauser.route } : {}),
    ...(needsUnpause && pauser?.route ? { unpauseRoute: pauser.route } : {}),
  };
  const deployed =
    draft.newCode === undefined ? {} : { [draft.to]: draft.newCode };
  const notes = await rehearseSequence(
    world,
    name,
    choices,
    { upgrade, pause, unpause },
    deployed,
  );
  return { choices, notes: [...notes, ...pauseNotes(name, paused, options)] };
}

/** Whether somebody here could upgrade after somebody here had unpaused. */
async function isPauseInTheWay(
  reader: World["reader"],
  unpause: Call,
  upgrade: Call,
  accounts: readonly Address[],
): Promise<boolean> {
  const [unpauser] = await routeCalls(reader, [unpause], accounts);
  if (unpauser?.route === undefined) {
    return false;
  }
  const { from } = unpauser.route;
  const failing = await Promise.all(
    accounts.map(
      async (upgrader) =>
        await findFailing(reader, [
          { ...unpause, from },
          { ...upgrade, from: upgrader },
        ]),
    ),
  );
  return failing.includes(-1);
}

function pauseNotes(
  name: string,
  paused: boolean | undefined,
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

/** Tries pause, upgrade and unpause one upon the other, before anything is sent. */
async function rehearseSequence(
  { reader }: World,
  name: string,
  { pauseRoute, upgradeRoute, unpauseRoute }: Routes["choices"],
  calls: Readonly<Record<"pause" | "upgrade" | "unpause", Call>>,
  deployed: Readonly<Record<Address, Hex>>,
): Promise<string[]> {
  const steps: [keyof typeof calls, RouteChoice | undefined][] = [
    ["pause", pauseRoute],
    ["upgrade", upgradeRoute],
    ["unpause", unpauseRoute],
  ];
  const sequence = steps.flatMap(([step, route]) =>
    route === undefined ? [] : [{ step, ...simulated(calls[step], route) }],
  );
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

function simulated({ to, data }: Call, { from }: RouteChoice): SimulatedCall {
  return { from, to, data };
}
