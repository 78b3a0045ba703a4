import * as Hash from "ox/Hash";

import { DrError } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import {
  currentImplementation,
  findImplementation,
} from "../deployments/history.js";
import type { ContractRecord } from "../deployments/deploy-file.js";
import type { NamedContract } from "../deployments/select.js";
import { readVersion } from "../proxy/getters.js";
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
import type { ContractChange } from "./change-intent.js";
import { findChangeRoutes, type ChangeOptions } from "./change-routes.js";
import { notUpgradable } from "./not-upgradable.js";
import type { RecoveryPorts, World } from "./ports.js";

/** Which contract goes to which implementation, before the chain was asked. */
export interface WantedChange extends NamedContract {
  readonly to: Address;
  /** The code that will be at `to`, when it isn't there yet. */
  readonly newCode?: Hex;
  /** Fully qualified, where it is known better than deploy.json does. */
  readonly contract?: string;
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
  const { name, record, to, newCode } = wanted;
  const { proxy } = record;
  const from = state.implementation;
  const [routes, versionBefore] = await Promise.all([
    findChangeRoutes(
      ports,
      world,
      state,
      { name, proxy, from, to, upgrade, ...(newCode && { newCode }) },
      options,
    ),
    readVersion(world.reader, proxy),
  ]);
  const change: ContractChange = {
    name,
    proxy,
    ...(state.beacon === undefined ? {} : { beacon: state.beacon }),
    from,
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
