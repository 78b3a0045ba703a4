import type { Permission } from "../authority/authority.js";
import { AuthorityGraph } from "../authority/graph.js";
import {
  pausePermission,
  upgradePermission,
} from "../authority/proxy-permission.js";
import type { BlockReader, BlockRef } from "../chain/block-reader.js";
import type { DrError } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";
import type { ContractRecord } from "../deployments/deploy-file.js";
import {
  currentImplementation,
  findImplementation,
  previousImplementation,
} from "../deployments/history.js";
import { selectContracts, type NamedContract } from "../deployments/select.js";
import { readPaused, readVersion } from "../proxy/getters.js";
import { inspectProxy, type ProxyState } from "../proxy/inspect.js";
import { governanceIn } from "./operations/governance.js";
import {
  tryReportOperations,
  type OperationReport,
} from "./operations/list.js";
import { readWorld, type RecoveryPorts } from "./ports.js";
import { readPending, type PendingProposals } from "./safe/pending.js";
import { scanStart } from "./scan-start.js";

/** How every contract stands, all read at one block. */
export interface Status {
  readonly network: string;
  readonly chainId: number;
  readonly block: BlockRef;
  readonly contracts: readonly ContractStatus[];
  /** Scheduled with the timelocks and AccessManagers over them, and pending. */
  readonly operations: readonly OperationReport[];
  /** Why operations may be missing. */
  readonly operationsProblem: DrError | undefined;
  /** Of Safes, proposed here and not executed yet. */
  readonly safeTransactions: PendingProposals;
}

export type ContractStatus = PresentContract | MissingContract;

/** deploy.json names an address where the chain has no code. */
export interface MissingContract {
  readonly name: string;
  readonly proxy: Address;
  readonly kind: "missing";
  readonly drift: readonly Drift[];
}

export interface PresentContract {
  readonly name: string;
  readonly proxy: Address;
  readonly kind: ProxyKind;
  readonly implementation: Address;
  readonly codeHash: Hex | undefined;
  /** Where a rollback would go; undefined when deploy.json knows nothing. */
  readonly previous: Address | undefined;
  /** `version()`; undefined when there is none. */
  readonly version: string | undefined;
  /** Undefined when the contract can't be paused. */
  readonly paused: boolean | undefined;
  readonly admin: Address | undefined;
  readonly beacon: Address | undefined;
  readonly pauseAuthority: Permission;
  readonly upgradeAuthority: Permission;
  readonly drift: readonly Drift[];
  /** Why the present implementation is marked bad in deploy.json. */
  readonly bad: string | undefined;
}

/** Where the chain disagrees with deploy.json. */
export interface Drift {
  readonly field:
    "code" | "kind" | "implementation" | "codeHash" | "admin" | "beacon";
  readonly recorded: string;
  readonly found: string;
}

/** @throws {DrError} WRONG_CHAIN, CONTRACT_UNKNOWN, deploy.json's and the RPC's errors. */
export async function readStatus(
  ports: Pick<
    RecoveryPorts,
    "network" | "rpc" | "folder" | "root" | "artifacts" | "sealing"
  >,
  names: readonly string[] = [],
): Promise<Status> {
  const { document, reader, chainId } = await readWorld(ports);
  const chosen = selectContracts(document.file, names, names.length === 0);
  const graph = new AuthorityGraph(reader, scanStart(document.file));
  const contracts = await Promise.all(
    chosen.map(async (named) => await readContractStatus(reader, graph, named)),
  );
  const { file } = document;
  const [{ operations, problem }, safeTransactions] = await Promise.all([
    tryReportOperations({
      reader,
      ports,
      file,
      governance: governanceIn(file, permissionsOf(contracts)),
    }),
    readPending(ports, reader, chainId),
  ]);
  return {
    network: ports.network,
    chainId,
    block: reader.block,
    contracts,
    operations,
    operationsProblem: problem,
    safeTransactions,
  };
}

function permissionsOf(contracts: readonly ContractStatus[]): Permission[] {
  return contracts.flatMap((contract) =>
    contract.kind === "missing"
      ? []
      : [contract.pauseAuthority, contract.upgradeAuthority],
  );
}

/** How one contract stands at the reader's block. */
export async function readContractStatus(
  reader: BlockReader,
  graph: AuthorityGraph,
  { name, record }: NamedContract,
): Promise<ContractStatus> {
  const { proxy } = record;
  const [state, version, paused] = await Promise.all([
    inspectProxy(reader, proxy),
    readVersion(reader, proxy),
    readPaused(reader, proxy),
  ]);
  if (state === undefined) {
    return {
      name,
      proxy,
      kind: "missing",
      drift: [{ field: "code", recorded: record.kind, found: "no code" }],
    };
  }
  const [pauseAuthority, upgradeAuthority] = await Promise.all([
    pausePermission(graph, state),
    upgradePermission(graph, state),
  ]);
  const { kind, implementation, codeHash, admin, beacon } = state;
  return {
    name,
    proxy,
    kind,
    implementation,
    codeHash,
    previous: previousImplementation(record),
    version,
    paused,
    admin,
    beacon,
    pauseAuthority,
    upgradeAuthority,
    drift: findDrift(record, state),
    bad: findImplementation(record, implementation)?.bad,
  };
}

/** What deploy.json has otherwise than the chain; what it leaves out isn't drift. */
export function findDrift(
  record: ContractRecord,
  { kind, implementation, codeHash, admin, beacon }: ProxyState,
): Drift[] {
  const recorded = currentImplementation(record);
  const recordedCode = findImplementation(record, implementation)?.codeHash;
  const pairs: readonly [
    Drift["field"],
    string | undefined,
    string | undefined,
  ][] = [
    ["kind", record.kind, kind],
    ["implementation", recorded, implementation],
    ["codeHash", recordedCode, codeHash ?? "no code"],
    ["admin", record.admin, admin ?? "none"],
    ["beacon", record.beacon, beacon ?? "none"],
  ];
  return pairs.flatMap(([field, before, found]) =>
    before === undefined || found === undefined || sameAddress(before, found)
      ? []
      : [{ field, recorded: before, found }],
  );
}
