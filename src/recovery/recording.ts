import { BlockReader, readBlock } from "../chain/block-reader.js";
import { writeAtomically } from "../core/atomic-write.js";
import type { Clock } from "../core/clock.js";
import type { Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import { writing } from "../core/writing.js";
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
import type { RecoveryPorts } from "./ports.js";

/** A contract that went from one implementation to another. */
export interface Move {
  readonly name: string;
  readonly proxy: Address;
  /** Which logs for it, instead of the proxy. */
  readonly beacon?: Address;
  /** Which logs for it, instead of the proxy. */
  readonly factory?: Address;
  readonly from: Address;
  readonly to: Address;
  /** In a rollback the implementation that was left is marked bad. */
  readonly reason: "rollback" | "upgrade";
  /** What is known of the one it went to. */
  readonly implementation: ImplementationRecord;
}

export interface Recording {
  readonly title: string;
  readonly approval: Json;
  /** Everything that belongs in deploy.json, whether it is there already or not. */
  readonly findMoves: (file: DeployFile) => Promise<readonly Move[]>;
}

/** Writes what happened into deploy.json: a history entry for each contract. */
export function recordingStep(
  ports: RecoveryPorts,
  { title, approval, findMoves }: Recording,
): Step {
  const path = `${ports.folder}/deploy.json`;
  const findMissing = async (file: DeployFile): Promise<readonly Move[]> => {
    const moves = await findMoves(file);
    return moves.filter((move) => !isRecorded(file, move));
  };
  return {
    id: "record",
    title,
    reversibility: "reversible",
    approval,
    check: async () => {
      const { file } = await readDeployFile(path);
      const missing = await findMissing(file);
      return missing.length === 0 ? { status: "done" } : { status: "ready" };
    },
    run: async () => {
      const document = await readDeployFile(path);
      let { file } = document;
      const missing = await findMissing(file);
      for (const move of missing) {
        file = await withMove(file, move, ports);
      }
      // First, for a run that is killed here asks deploy.json whether all is done.
      await keepLayouts(ports, file.chainId, missing);
      await writeDeployFile(document, file);
    },
    verify: async () => {
      const { file } = await readDeployFile(path);
      const [missing] = await findMissing(file);
      if (missing !== undefined) {
        throw new DrError("NOT_RECORDED", { name: missing.name, file: path });
      }
    },
  };
}

function isRecorded(file: DeployFile, { name, to }: Move): boolean {
  return sameAddress(currentImplementation(findContract(file, name)), to);
}

async function withMove(
  file: DeployFile,
  move: Move,
  { rpc, clock }: RecoveryPorts,
): Promise<DeployFile> {
  const { name, from, to, reason, implementation } = move;
  const record = findContract(file, name);
  const since = BigInt(record.history.at(-1)?.block ?? 0);
  const evidence = await findUpgrade(rpc, move, since);
  const entry: HistoryEntry = { implementation: to, reason, ...evidence };
  return withEntry(file, name, entry, {
    ...(findImplementation(record, to) === undefined ? { implementation } : {}),
    ...(reason === "rollback"
      ? { markBad: { implementation: from, reason: badMark(clock) } }
      : {}),
  });
}

/** Layouts are kept while the source is at hand: the next rollback may not have it. */
async function keepLayouts(
  { rpc, artifacts, folder, root }: RecoveryPorts,
  chainId: number,
  moves: readonly Move[],
): Promise<void> {
  const reader = await BlockReader.at(rpc);
  const places = { artifacts, folder, root, chainId };
  for (const address of new Set(moves.flatMap(({ from, to }) => [from, to]))) {
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
  { proxy, beacon, factory, to }: Move,
  fromBlock: bigint,
): Promise<Pick<HistoryEntry, "block" | "tx" | "at">> {
  const { block: latest } = await BlockReader.at(rpc);
  const { upgrades } = await (factory === undefined
    ? readUpgradeEvents(rpc, beacon ?? proxy, fromBlock, latest.number)
    : readFactoryEvents(rpc, factory, proxy, fromBlock, latest.number));
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
