import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";
import { findImplementation as findRecorded } from "../deployments/history.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import {
  findImplementation,
  type ImplementationPlaces,
} from "../implementation/implementation-source.js";
import type { StorageLayout } from "../implementation/storage-layout.js";
import { inspectProxy, type ProxyState } from "../proxy/inspect.js";
import { KNOWN_SLOTS } from "./known-slots.js";
import { labelSlot } from "./slot-label.js";

/** Names for the accounts of deploy.json and what belongs to them, and for their slots. */
export interface Naming {
  nameOf(account: Address): string | null;
  /** @returns null when neither a standard nor a layout explains the slot. */
  labelOf(account: Address, slot: Hex): Promise<string | null>;
}

interface NamedProxy {
  readonly name: string;
  readonly state: ProxyState;
}

/**
 * @param reader - Before the rehearsal.
 * @param others - Further names, of senders for instance; theirs are the entries that are looked for in mappings, too.
 */
export async function readNaming(
  reader: BlockReader,
  file: DeployFile,
  places: ImplementationPlaces,
  others: ReadonlyMap<Address, string>,
): Promise<Naming> {
  const proxies = await readProxies(reader, file);
  const names = new Map([
    ...others,
    ...proxies.toReversed().flatMap(namesAround),
  ]);
  const layouts = new Map<string, Promise<readonly StorageLayout[]>>();
  const layoutsOf = async (
    account: Address,
  ): Promise<readonly StorageLayout[]> => {
    const named = proxies.find(({ state }) => state.address === account);
    if (named === undefined) {
      return [];
    }
    let found = layouts.get(account);
    if (found === undefined) {
      found = readLayouts(reader, file, places, named);
      layouts.set(account, found);
    }
    return await found;
  };
  return {
    nameOf: (account) => names.get(account) ?? null,
    labelOf: async (account, slot) => {
      const known = KNOWN_SLOTS.get(slot);
      if (known !== undefined) {
        return known;
      }
      for (const layout of await layoutsOf(account)) {
        const label = labelSlot(slot, layout, [...names.keys()]);
        if (label !== undefined) {
          return label;
        }
      }
      return null;
    },
  };
}

async function readProxies(
  reader: BlockReader,
  { contracts }: DeployFile,
): Promise<NamedProxy[]> {
  const found = await Promise.all(
    Object.entries(contracts).map(async ([name, { proxy }]) => ({
      name,
      state: await inspectProxy(reader, OxAddress.checksum(proxy)),
    })),
  );
  return found.flatMap(({ name, state }) =>
    state === undefined ? [] : [{ name, state }],
  );
}

function namesAround({ name, state }: NamedProxy): [Address, string][] {
  const { address, implementation, admin, beacon } = state;
  return [
    [OxAddress.checksum(implementation), `${name}'s implementation`],
    ...(admin === undefined
      ? []
      : [[admin, `${name}'s admin`] as [Address, string]]),
    ...(beacon === undefined
      ? []
      : [[beacon, `${name}'s beacon`] as [Address, string]]),
    [address, name],
  ];
}

/** Of the present implementation, then of those deploy.json remembers, newest first. */
async function readLayouts(
  reader: BlockReader,
  file: DeployFile,
  places: ImplementationPlaces,
  { name, state }: NamedProxy,
): Promise<readonly StorageLayout[]> {
  const record = file.contracts[name];
  const past = (record?.history ?? [])
    .map(({ implementation }) => OxAddress.checksum(implementation))
    .reverse();
  const sources = await Promise.all(
    [...new Set([state.implementation, ...past])].map(
      async (address) =>
        await findImplementation(
          reader,
          address,
          places,
          record && findRecorded(record, address)?.contract,
        ),
    ),
  );
  return sources.flatMap((source) =>
    source.status === "known" ? [source.layout] : [],
  );
}
