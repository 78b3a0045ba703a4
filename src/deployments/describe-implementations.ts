import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";
import type { ImplementationRecord } from "./deploy-file.js";
import type { HistoryPorts } from "./upgradable.js";

/** Version and code hash of implementations; those whose code is gone are marked bad. */
export async function describeImplementations(
  reader: BlockReader,
  addresses: readonly Address[],
  ports: Pick<HistoryPorts, "readVersion">,
): Promise<Record<Address, ImplementationRecord>> {
  const described = await Promise.all(
    [...new Set(addresses)].map(
      async (address) =>
        [address, await describeImplementation(reader, address, ports)] as const,
    ),
  );
  return Object.fromEntries(described);
}

/** The same of one. */
export async function describeImplementation(
  reader: BlockReader,
  address: Address,
  ports: Pick<HistoryPorts, "readVersion">,
): Promise<ImplementationRecord> {
  const [code, version] = await Promise.all([
    reader.code(address),
    ports.readVersion(reader, address),
  ]);
  return {
    ...(version === undefined ? {} : { version }),
    codeHash: Hash.keccak256(code),
    ...(code === "0x"
      ? { bad: `no code there at block ${String(reader.block.number)}` }
      : {}),
  };
}
