import type { BlockReader } from "../chain/block-reader.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import {
  readChainHistory,
  type ChainHistory,
  type HistoryGap,
} from "./chain-history.js";
import type { ContractRecord, HistoryEntry } from "./deploy-file.js";
import type { HistoryPorts, Upgradable } from "./upgradable.js";

/** A contract to be found on the chain, with what a person or a record says of it. */
export interface Sought {
  readonly name: string;
  readonly isNameless?: true;
  readonly address: Address;
  /** Of `implementation`; of the only one there is when that isn't given. */
  readonly contract?: string;
  readonly implementation?: Address;
  readonly tx?: Hex;
  readonly block?: number;
  /** The record it is from; none when a person named it. */
  readonly source?: string;
}

/** A contract as the chain has it. */
export interface Found {
  readonly sought: Sought;
  /** The sought one, or a better one for what had none. */
  readonly name: string;
  readonly record: ContractRecord;
  readonly gaps: readonly HistoryGap[];
}

export interface DiscoveryPorts extends HistoryPorts {
  inspect(
    reader: BlockReader,
    address: Address,
  ): Promise<(Upgradable & { readonly admin?: Address }) | undefined>;
  /**
   * The fully qualified name of the contract in this project that compiles to
   * the code at an address; undefined when none does.
   */
  identify(
    reader: BlockReader,
    address: Address,
    hint: string | undefined,
  ): Promise<string | undefined>;
}

export interface Discovery {
  readonly found: readonly Found[];
  /** Those at whose addresses there is no code. */
  readonly missing: readonly Sought[];
}

/** Reads kind and history of each contract at the reader's block. */
export async function discoverContracts(
  reader: BlockReader,
  soughtList: readonly Sought[],
  ports: DiscoveryPorts,
): Promise<Discovery> {
  const discovered = await Promise.all(
    soughtList.map(async (sought) => ({
      sought,
      found: await discoverContract(reader, sought, ports),
    })),
  );
  return {
    found: discovered.flatMap(({ found }) => found ?? []),
    missing: discovered
      .filter(({ found }) => found === undefined)
      .map(({ sought }) => sought),
  };
}

async function discoverContract(
  reader: BlockReader,
  sought: Sought,
  ports: DiscoveryPorts,
): Promise<Found | undefined> {
  const state = await ports.inspect(reader, sought.address);
  if (state === undefined) {
    return undefined;
  }
  const chain = await readChainHistory(reader, state, ports);
  const contracts = await identifyAll(reader, sought, chain, ports);
  const { kind, admin, beacon, implementation } = state;
  return {
    sought,
    name: betterName(sought, contracts.get(implementation)),
    record: {
      proxy: sought.address,
      kind,
      ...(admin === undefined ? {} : { admin }),
      ...(beacon === undefined ? {} : { beacon }),
      implementations: withContracts(chain, contracts),
      history: chain.history.map((entry, index) =>
        index === 0 ? withDeployment(entry, sought) : entry,
      ),
    },
    gaps: chain.gaps,
  };
}

async function identifyAll(
  reader: BlockReader,
  sought: Sought,
  { implementations }: ChainHistory,
  ports: DiscoveryPorts,
): Promise<ReadonlyMap<Address, string>> {
  const addresses = Object.keys(implementations) as Address[];
  const names = await Promise.all(
    addresses.map(async (address) => {
      const hint = hintFor(address, sought, addresses.length);
      return (await ports.identify(reader, address, hint)) ?? hint;
    }),
  );
  return new Map(
    addresses.flatMap((address, index) => {
      const name = names[index];
      return name === undefined ? [] : [[address, name] as const];
    }),
  );
}

function hintFor(
  address: Address,
  { contract, implementation }: Sought,
  count: number,
): string | undefined {
  const isMeant =
    implementation === undefined
      ? count === 1
      : sameAddress(implementation, address);
  return isMeant ? contract : undefined;
}

function withContracts(
  { implementations }: ChainHistory,
  contracts: ReadonlyMap<Address, string>,
): ContractRecord["implementations"] {
  return Object.fromEntries(
    (Object.keys(implementations) as Address[]).map((address) => {
      const { version, codeHash, bad } = implementations[address] ?? {};
      const contract = contracts.get(address);
      return [
        address,
        {
          ...(version === undefined ? {} : { version }),
          ...(contract === undefined ? {} : { contract }),
          codeHash,
          ...(bad === undefined ? {} : { bad }),
        },
      ];
    }),
  ) as ContractRecord["implementations"];
}

/** A record knows the transaction of a deployment that left no log. */
function withDeployment(entry: HistoryEntry, sought: Sought): HistoryEntry {
  const { tx, block } = sought;
  const isSame = entry.block === undefined || entry.block === block;
  return entry.reason !== "deploy" || entry.tx !== undefined || !isSame
    ? entry
    : {
        ...entry,
        ...(block === undefined ? {} : { block }),
        ...(tx === undefined ? {} : { tx }),
      };
}

function betterName(
  { name, isNameless }: Sought,
  contract: string | undefined,
): string {
  return isNameless === true && contract !== undefined
    ? contract.slice(contract.lastIndexOf(":") + 1)
    : name;
}
