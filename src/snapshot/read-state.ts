import { readClaims } from "../authority/claims.js";
import { permissionToJson } from "../authority/describe.js";
import { AuthorityGraph } from "../authority/graph.js";
import { readRoles, type RoleHolders } from "../authority/roles.js";
import { BlockReader, readBlock, readChainId } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { selectContracts, type NamedContract } from "../deployments/select.js";
import { readCodeHash } from "../proxy/inspect.js";
import {
  ADMIN_SLOT,
  BEACON_SLOT,
  IMPLEMENTATION_SLOT,
  ZOS_ADMIN_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "../proxy/slots.js";
import { scanStart } from "../recovery/scan-start.js";
import { readContractStatus } from "../recovery/status.js";
import { readView } from "./read-view.js";
import type { ContractState, RoleState } from "./snapshot.js";

/** The contracts of a deploy.json as the chain has them at one block. */
export interface ChainState {
  /** At the block. */
  readonly reader: BlockReader;
  readonly contracts: Readonly<Record<string, ContractState>>;
  /** All that they are made of. */
  readonly code: ReadonlyMap<Address, Hex>;
}

/** Signatures of view functions, by contract. */
export type ChosenViews = Readonly<Record<string, readonly string[]>>;

/** By what their number is the hash of. */
const SLOTS = [
  ["eip1967.proxy.implementation", IMPLEMENTATION_SLOT],
  ["eip1967.proxy.admin", ADMIN_SLOT],
  ["eip1967.proxy.beacon", BEACON_SLOT],
  ["org.zeppelinos.proxy.implementation", ZOS_IMPLEMENTATION_SLOT],
  ["org.zeppelinos.proxy.admin", ZOS_ADMIN_SLOT],
] as const;

/** Of blocks that a reorganisation may take away while they are read. */
const ATTEMPTS = 3;

/**
 * Reads everything at the latest block, which still is the chain's afterwards.
 *
 * @param source - Where `file` comes from, for the errors.
 * @throws {DrError} WRONG_CHAIN, CHAIN_REORGANISED, the RPC's errors.
 */
export async function readChainState(
  rpc: Rpc,
  file: DeployFile,
  views: ChosenViews,
  source: string,
): Promise<ChainState> {
  await requireChain(rpc, file.chainId, source);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const reader = await BlockReader.at(rpc);
    const state = await readAt(reader, file, views);
    const now = await readBlock(rpc, reader.block.number);
    if (now.hash === reader.block.hash) {
      return state;
    }
  }
  throw new DrError("CHAIN_REORGANISED", { network: rpc.network });
}

async function requireChain(
  rpc: Rpc,
  expected: number,
  file: string,
): Promise<void> {
  const actual = await readChainId(rpc);
  if (actual !== BigInt(expected)) {
    const { network } = rpc;
    throw new DrError("WRONG_CHAIN", { network, actual, file, expected });
  }
}

async function readAt(
  reader: BlockReader,
  file: DeployFile,
  views: ChosenViews,
): Promise<ChainState> {
  const graph = new AuthorityGraph(reader, scanStart(file));
  const found = await Promise.all(
    selectContracts(file, [], true).map(
      async (named) =>
        [
          named.name,
          await readContract(reader, graph, named, views[named.name] ?? []),
        ] as const,
    ),
  );
  const contracts = Object.fromEntries(found);
  const code = await readCode(reader, Object.values(contracts));
  return { reader, contracts, code };
}

async function readContract(
  reader: BlockReader,
  graph: AuthorityGraph,
  named: NamedContract,
  signatures: readonly string[],
): Promise<ContractState> {
  const { proxy, implementations } = named.record;
  const [status, { owner }, roles, slots, views] = await Promise.all([
    readContractStatus(reader, graph, named),
    readClaims(reader, proxy),
    readRoles(graph, proxy),
    readSlots(reader, proxy),
    each(
      signatures,
      async (signature) => await readView(reader, proxy, signature),
    ),
  ]);
  if (status.kind === "missing") {
    return { kind: "missing", proxy };
  }
  const { kind, implementation, admin = null, beacon = null } = status;
  const hashOf = async (address: Address | null): Promise<Hex | null> =>
    address === null ? null : ((await readCodeHash(reader, address)) ?? null);
  const [proxyCodeHash, adminCodeHash, beaconCodeHash, recorded] =
    await Promise.all([
      hashOf(proxy),
      hashOf(admin),
      hashOf(beacon),
      each(Object.keys(implementations) as Address[], hashOf),
    ]);
  return {
    kind,
    proxy,
    proxyCodeHash,
    implementation,
    codeHash: status.codeHash ?? null,
    admin,
    adminCodeHash,
    beacon,
    beaconCodeHash,
    slots,
    implementations: recorded,
    version: status.version ?? null,
    paused: status.paused ?? null,
    owner: owner?.address ?? null,
    pendingOwner:
      owner?.mechanism.kind === "owner"
        ? (owner.mechanism.pendingOwner ?? null)
        : null,
    roles: roles?.map(toRoleState) ?? null,
    pauseAuthority: permissionToJson(status.pauseAuthority),
    upgradeAuthority: permissionToJson(status.upgradeAuthority),
    views,
  };
}

async function readSlots(
  reader: BlockReader,
  proxy: Address,
): Promise<Readonly<Record<string, Hex>>> {
  const words = await Promise.all(
    SLOTS.map(
      async ([name, slot]) =>
        [name, await reader.storage(proxy, slot)] as const,
    ),
  );
  return Object.fromEntries(words);
}

function toRoleState({ role, name, members }: RoleHolders): RoleState {
  return { role, name: name ?? null, members };
}

/** What is found out of each key, by key. */
async function each<K extends string, T>(
  keys: readonly K[],
  find: (key: K) => Promise<T>,
): Promise<Record<K, T>> {
  const found = await Promise.all(
    keys.map(async (key) => [key, await find(key)] as const),
  );
  return Object.fromEntries(found) as Record<K, T>;
}

async function readCode(
  reader: BlockReader,
  contracts: readonly ContractState[],
): Promise<ReadonlyMap<Address, Hex>> {
  const addresses = [...new Set(contracts.flatMap(addressesOf))].sort();
  const codes = await Promise.all(
    addresses.map(
      async (address) => [address, await reader.code(address)] as const,
    ),
  );
  return new Map(codes.filter(([, code]) => code !== "0x"));
}

function addressesOf(contract: ContractState): Address[] {
  if (contract.kind === "missing") {
    return [];
  }
  const { proxy, implementation, admin, beacon, implementations } = contract;
  const earlier = Object.keys(implementations) as Address[];
  return [proxy, implementation, admin, beacon, ...earlier].filter(
    (address) => address !== null,
  );
}
