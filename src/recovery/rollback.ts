import * as OxAddress from "ox/Address";

import { BlockReader } from "../chain/block-reader.js";
import { readLogs } from "../chain/logs.js";
import { addressInWord, sameAddress, type Address } from "../core/hex.js";
import { selectContracts } from "../deployments/select.js";
import { findImplementation as findSource } from "../implementation/implementation-source.js";
import {
  findImplementation as findRecorded,
  resolveTarget,
} from "../deployments/history.js";
import { BEACON_SLOT } from "../proxy/slots.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import { readWorld, type RecoveryPorts, type World } from "./ports.js";
import { sealChanges } from "./change-rounds.js";
import type { ChangeOptions } from "./change-routes.js";
import { resolveChange } from "./resolve-change.js";
import { assertAcceptable } from "./safety/acceptance.js";
import { reportRollbackSafety } from "./safety/report.js";
import type { SafetyReport } from "./safety/safety-report.js";
import { scanStart } from "./scan-start.js";

export interface RollbackOptions {
  readonly names: readonly string[];
  readonly all: boolean;
  /** A version, an address, or `previous`. */
  readonly to?: string;
  /** Pause first and unpause at the end, where the contract can be. */
  readonly pause: boolean;
  /** Leave paused what this run paused. */
  readonly keepPaused: boolean;
  /** Slots, decimal or hexadecimal. */
  readonly acceptedSlots: readonly string[];
}

/** A rollback with nothing left open, and what the user must know of it. */
export interface RollbackResolution {
  readonly intent: ChangeIntent;
  readonly chainId: number;
  /** By contract name. */
  readonly safety: Readonly<Record<string, SafetyReport>>;
  readonly notes: readonly string[];
}

/** @throws {DrError} the first reason why it can't be done; nothing is changed here. */
export async function resolveRollback(
  ports: RecoveryPorts,
  options: RollbackOptions,
): Promise<RollbackResolution> {
  const world = await readWorld(ports);
  const { file } = world.document;
  const wanted = selectContracts(file, options.names, options.all).map(
    (named) => ({ ...named, to: resolveTarget(named, options.to) }),
  );
  const changeOptions: ChangeOptions = {
    pause: options.pause,
    unpause: options.pause && !options.keepPaused,
    acceptedSlots: options.acceptedSlots,
  };
  const resolved = await Promise.all(
    wanted.map(
      async (one) => await resolveChange(ports, world, one, changeOptions),
    ),
  );
  const changes = await sealChanges(world.reader, {
    contracts: resolved.map(({ change }) => change),
  });
  const [reports, moving] = await Promise.all([
    Promise.all(
      changes.map(async (change) => await reportSafety(ports, world, change)),
    ),
    Promise.all(
      changes.map(async (change) => await describeMoving(world, change)),
    ),
  ]);
  reports.forEach((report) => {
    assertAcceptable(report, options.acceptedSlots);
  });
  return {
    intent: {
      reason: "rollback",
      contracts: changes,
    },
    chainId: world.chainId,
    safety: Object.fromEntries(
      changes.map(({ name }, index) => [name, reports[index]]),
    ) as Record<string, SafetyReport>,
    notes: [...resolved.flatMap(({ notes }) => notes), ...moving.flat()],
  };
}

async function reportSafety(
  { artifacts, folder, root }: RecoveryPorts,
  { reader, document, chainId }: World,
  { name, proxy, from, to }: ContractChange,
): Promise<SafetyReport> {
  const record = document.file.contracts[name];
  const places = { artifacts, folder, root, chainId };
  const find = async (address: Address) =>
    await findSource(
      reader,
      address,
      places,
      record && findRecorded(record, address)?.contract,
    );
  const [current, target] = await Promise.all([find(from), find(to)]);
  const upgradedAt = record?.history.at(-1)?.block;
  return await reportRollbackSafety({
    reader,
    proxy,
    ...(await readerBefore(reader, upgradedAt)),
    from: current,
    to: target,
  });
}

/** The chain as it was before the present implementation came. */
async function readerBefore(
  { rpc }: BlockReader,
  block: number | undefined,
): Promise<{ readonly before?: BlockReader }> {
  return block === undefined || block === 0
    ? {}
    : { before: await BlockReader.at(rpc, BigInt(block) - 1n) };
}

/** The other proxies of a beacon: all of them move with it. */
async function describeMoving(
  world: World,
  { name, proxy, beacon }: ContractChange,
): Promise<string[]> {
  if (beacon === undefined) {
    return [];
  }
  const moving = await findBeaconProxies(world, beacon);
  const others = moving
    .filter((address) => !sameAddress(address, proxy))
    .map((address) => OxAddress.checksum(address));
  return others.length === 0
    ? []
    : [
        `${name}: ${String(others.length)} other proxies of the beacon ${beacon} move with it: ${others.join(", ")}.`,
      ];
}

/** keccak256("BeaconUpgraded(address)") */
const BEACON_UPGRADED =
  "0x1cf3b03a6cf19fa2baba4df148e9dcabedea7f8a5c07840e207e5c089be95d3e";

/** Proxies that announced this beacon and still point to it. */
async function findBeaconProxies(
  { reader, document }: World,
  beacon: Address,
): Promise<Address[]> {
  const logs = await readLogs(reader.rpc, {
    topics: [
      BEACON_UPGRADED,
      `0x${beacon.slice(2).toLowerCase().padStart(64, "0")}`,
    ],
    fromBlock: scanStart(document.file),
    toBlock: reader.block.number,
  });
  const candidates = [...new Set(logs.map(({ address }) => address))];
  const words = await Promise.all(
    candidates.map(
      async (address) => await reader.storage(address, BEACON_SLOT),
    ),
  );
  return candidates.filter((_, index) => {
    const current = addressInWord(words[index] ?? "0x");
    return current !== undefined && sameAddress(current, beacon);
  });
}
