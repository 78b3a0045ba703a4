import * as OxAddress from "ox/Address";

import type { Address } from "../core/hex.js";
import type {
  ContractRecord,
  DeployFile,
  Governance,
  HistoryEntry,
} from "./deploy-file.js";

/**
 * The same file with every address in EIP-55 case, so that an address is a key
 * that can be looked up. Order and fields of a person's own stay.
 */
export function withChecksums(file: DeployFile): DeployFile {
  const contracts = mapValues(file.contracts, contractWithChecksums);
  return {
    ...file,
    ...(file.governance === undefined
      ? {}
      : { governance: governanceWithChecksums(file.governance) }),
    contracts,
  };
}

function governanceWithChecksums(governance: Governance): Governance {
  return { ...governance, ...checksummed(governance, ["safe", "timelock"]) };
}

function contractWithChecksums(record: ContractRecord): ContractRecord {
  return {
    ...record,
    ...checksummed(record, ["proxy", "admin", "beacon"]),
    implementations: Object.fromEntries(
      Object.entries(record.implementations).map(([address, value]) => [
        OxAddress.checksum(address as Address),
        value,
      ]),
    ),
    history: record.history.map(entryWithChecksum),
  };
}

function entryWithChecksum(entry: HistoryEntry): HistoryEntry {
  return { ...entry, ...checksummed(entry, ["implementation"]) };
}

/** Those of the named fields that are there. */
function checksummed<K extends string>(
  holder: Partial<Record<K, Address>>,
  fields: readonly K[],
): Partial<Record<K, Address>> {
  const result: Partial<Record<K, Address>> = {};
  for (const field of fields) {
    const address = holder[field];
    if (address !== undefined) {
      result[field] = OxAddress.checksum(address);
    }
  }
  return result;
}

function mapValues<V>(
  record: Readonly<Record<string, V>>,
  change: (value: V) => V,
): Record<string, V> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, change(value)]),
  );
}
