import { BlockReader } from "../chain/block-reader.js";
import { sameAddress, type Address } from "../core/hex.js";
import type {
  ContractRecord,
  DeployFile,
  ImplementationRecord,
} from "../deployments/deploy-file.js";
import { describeImplementation } from "../deployments/describe-implementations.js";
import {
  currentImplementation,
  findImplementation as findRecorded,
} from "../deployments/history.js";
import { readDeployFileIfThere } from "../deployments/read.js";
import { findImplementation } from "../implementation/implementation-source.js";
import { readVersion } from "../proxy/getters.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { Step } from "../run/step.js";
import type { RecoveryPorts } from "./ports.js";
import { recordingStep, type Move } from "./recording.js";

/** Where the contracts of deploy.json point before something is executed. */
export interface BeforeExecution {
  /** By name. */
  readonly implementations: Readonly<Record<string, Address>>;
  /** Those that already aren't where the file says: `dr:init` is to find out why. */
  readonly drifted: readonly string[];
}

/** @returns undefined without a deploy.json. */
export async function readBefore(
  ports: Pick<RecoveryPorts, "folder">,
  reader: BlockReader,
): Promise<BeforeExecution | undefined> {
  const document = await readDeployFileIfThere(`${ports.folder}/deploy.json`);
  if (document === undefined) {
    return undefined;
  }
  const read = await Promise.all(
    Object.entries(document.file.contracts).map(async ([name, record]) => {
      const state = await inspectProxy(reader, record.proxy);
      const recorded = currentImplementation(record);
      const isRight =
        state !== undefined && sameAddress(state.implementation, recorded);
      return { name, recorded, isRight };
    }),
  );
  return {
    implementations: Object.fromEntries(
      read
        .filter(({ isRight }) => isRight)
        .map(({ name, recorded }) => [name, recorded]),
    ),
    drifted: read.filter(({ isRight }) => !isRight).map(({ name }) => name),
  };
}

/** What won't be recorded, in words. */
export function notesOf(before: BeforeExecution | undefined): string[] {
  return (before?.drifted ?? []).map(
    (name) =>
      `${name} isn't as deploy.json says, so what this does to it isn't recorded: \`npx hardhat dr:init\` records what has happened.`,
  );
}

/**
 * Writes into deploy.json which contracts something that was executed has
 * moved, as the chain shows it, however the calls were nested.
 *
 * @param before - How they were before it.
 */
export function recordExecutionStep(
  ports: RecoveryPorts,
  { implementations }: BeforeExecution,
): Step {
  return recordingStep(ports, {
    title: "Record in deploy.json what has moved",
    approval: { before: implementations },
    findMoves: async (file) => {
      const reader = await BlockReader.at(ports.rpc);
      const found = await Promise.all(
        Object.entries(implementations).map(
          async ([name, from]) =>
            await findMove(ports, reader, file, name, from),
        ),
      );
      return found.flat();
    },
  });
}

/** Nothing when it is where it was, or when the file says something else by now. */
async function findMove(
  ports: RecoveryPorts,
  reader: BlockReader,
  file: DeployFile,
  name: string,
  from: Address,
): Promise<readonly Move[]> {
  const record = file.contracts[name];
  const state =
    record === undefined ? undefined : await inspectProxy(reader, record.proxy);
  if (
    record === undefined ||
    state === undefined ||
    sameAddress(state.implementation, from) ||
    !sameAddress(currentImplementation(record), from)
  ) {
    return [];
  }
  const { implementation: to, beacon, factory } = state;
  return [
    {
      name,
      proxy: record.proxy,
      ...(beacon === undefined ? {} : { beacon }),
      ...(factory === undefined ? {} : { factory }),
      from,
      to,
      reason: isReturn(record, from, to) ? "rollback" : "upgrade",
      implementation: await describe(ports, reader, file, name, to),
    },
  ];
}

/** Whether it has gone back to what it had before it had `from`. */
function isReturn(
  { history }: ContractRecord,
  from: Address,
  to: Address,
): boolean {
  const first = (address: Address) =>
    history.findIndex(({ implementation }) =>
      sameAddress(implementation, address),
    );
  return first(to) >= 0 && first(to) < first(from);
}

async function describe(
  { artifacts, folder, root }: RecoveryPorts,
  reader: BlockReader,
  { chainId, contracts }: DeployFile,
  name: string,
  address: Address,
): Promise<ImplementationRecord> {
  const recorded = contracts[name] && findRecorded(contracts[name], address);
  if (recorded !== undefined) {
    return recorded;
  }
  const places = { artifacts, folder, root, chainId };
  const [described, source] = await Promise.all([
    describeImplementation(reader, address, { readVersion }),
    findImplementation(reader, address, places, name),
  ]);
  const contract = source.status === "known" ? source.contract : undefined;
  return { ...described, ...(contract === undefined ? {} : { contract }) };
}
