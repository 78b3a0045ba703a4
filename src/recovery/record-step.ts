import { BlockReader, readBlock } from "../chain/block-reader.js";
import { writeAtomically } from "../core/atomic-write.js";
import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import { writing } from "../core/writing.js";
import { sameAddress } from "../core/hex.js";
import type {
  DeployFile,
  HistoryEntry,
  ImplementationRecord,
} from "../deployments/deploy-file.js";
import {
  currentImplementation,
  findImplementation,
  withEntry,
} from "../deployments/history.js";
import { readDeployFile } from "../deployments/read.js";
import { findContract } from "../deployments/select.js";
import {
  readFactoryEvents,
  readUpgradeEvents,
} from "../deployments/upgrade-events.js";
import { writeDeployFile } from "../deployments/write.js";
import {
  findImplementation as findSource,
  toLayoutRecord,
} from "../implementation/implementation-source.js";
import { writeLayoutRecord } from "../implementation/layout-record.js";
import type { Step } from "../run/step.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";

/**
 * Writes what happened into deploy.json: a history entry for each contract,
 * also for those that moved because they share a beacon with one of them,
 * and in a rollback the mark on the implementation that was left.
 */
export function recordStep(ports: RecoveryPorts, intent: ChangeIntent): Step {
  const path = `${ports.folder}/deploy.json`;
  const { contracts, reason } = intent;
  return {
    id: "record",
    title: `Record the ${reason} in deploy.json`,
    reversibility: "reversible",
    approval: {
      contracts: contracts.map(({ name, from, to }) => ({ name, from, to })),
    },
    check: async () => {
      const { file } = await readDeployFile(path);
      const all = [...contracts, ...movedAlong(file, contracts)];
      return all.every((change) => isRecorded(file, change))
        ? { status: "done" }
        : { status: "ready" };
    },
    run: async () => {
      const document = await readDeployFile(path);
      let { file } = document;
      const all = [...contracts, ...movedAlong(file, contracts)];
      for (const change of all) {
        if (!isRecorded(file, change)) {
          file = await withChange(file, change, intent, ports);
        }
      }
      // First, for a run that is killed here asks deploy.json whether all is done.
      await keepLayouts(ports, file.chainId, contracts);
      await writeDeployFile(document, file);
    },
    verify: async () => {
      const { file } = await readDeployFile(path);
      const missing = contracts.find((change) => !isRecorded(file, change));
      if (missing !== undefined) {
        throw new DrError("NOT_RECORDED", { name: missing.name, file: path });
      }
    },
  };
}

/** The other proxies of a beacon in the file: they moved too. */
function movedAlong(
  file: DeployFile,
  changes: readonly ContractChange[],
): ContractChange[] {
  const named = new Set(changes.map(({ name }) => name));
  return Object.entries(file.contracts).flatMap(([name, record]) => {
    const change = changes.find(
      ({ beacon, from }) =>
        beacon !== undefined &&
        record.beacon !== undefined &&
        sameAddress(beacon, record.beacon) &&
        sameAddress(from, currentImplementation(record)),
    );
    return change === undefined || named.has(name)
      ? []
      : [{ ...change, name, proxy: record.proxy }];
  });
}

function isRecorded(file: DeployFile, { name, to }: ContractChange): boolean {
  return sameAddress(currentImplementation(findContract(file, name)), to);
}

async function withChange(
  file: DeployFile,
  change: ContractChange,
  { reason }: ChangeIntent,
  { rpc, clock }: RecoveryPorts,
): Promise<DeployFile> {
  const { name, from, to, toCodeHash, toContract, versionAfter } = change;
  const record = findContract(file, name);
  const since = BigInt(record.history.at(-1)?.block ?? 0);
  const evidence = await findUpgrade(rpc, change, since);
  const entry: HistoryEntry = { implementation: to, reason, ...evidence };
  const known = findImplementation(record, to);
  const implementation: ImplementationRecord = {
    ...(versionAfter === undefined ? {} : { version: versionAfter }),
    ...(toContract === undefined ? {} : { contract: toContract }),
    codeHash: toCodeHash,
  };
  return withEntry(file, name, entry, {
    ...(known === undefined ? { implementation } : {}),
    ...(reason === "rollback"
      ? { markBad: { implementation: from, reason: badMark(clock) } }
      : {}),
  });
}

/** Layouts are kept while the source is at hand: the next rollback may not have it. */
async function keepLayouts(
  { rpc, artifacts, folder, root }: RecoveryPorts,
  chainId: number,
  changes: readonly ContractChange[],
): Promise<void> {
  const reader = await BlockReader.at(rpc);
  const places = { artifacts, folder, root, chainId };
  for (const address of changes.flatMap(({ from, to }) => [from, to])) {
    const source = await findSource(reader, address, places);
    const record =
      source.status === "known" ? toLayoutRecord(source) : undefined;
    if (record !== undefined) {
      await writing(`${folder}/layouts`, async () => {
        await writeLayoutRecord(folder, record, writeAtomically);
      });
    }
  }
}

function badMark(clock: Clock): string {
  return `rolled back ${clock.now().toISOString().slice(0, 10)}`;
}

/** The transaction that did it, from the chain's logs; not every old proxy leaves one. */
async function findUpgrade(
  rpc: RecoveryPorts["rpc"],
  { proxy, beacon, to, upgrade }: ContractChange,
  fromBlock: bigint,
): Promise<Pick<HistoryEntry, "block" | "tx" | "at">> {
  const { block: latest } = await BlockReader.at(rpc);
  const { upgrades } = await (upgrade.via === "factory"
    ? readFactoryEvents(rpc, upgrade.target, proxy, fromBlock, latest.number)
    : readUpgradeEvents(rpc, beacon ?? proxy, fromBlock, latest.number));
  const last = upgrades.findLast(({ implementation }) =>
    sameAddress(implementation, to),
  );
  if (last === undefined) {
    return {};
  }
  const { timestamp } = await readBlock(rpc, last.block);
  return {
    block: Number(last.block),
    tx: last.tx,
    at: new Date(Number(timestamp) * 1000).toISOString(),
  };
}
