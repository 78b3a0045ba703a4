import * as OxAddress from "ox/Address";

import { BlockReader } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import { sameAddress, type Address } from "../core/hex.js";
import { findFirstBlock, ifStateIsKept } from "../chain/deployment-block.js";
import type { HistoryPorts, Upgradable } from "./upgradable.js";
import type { UpgradeEvent, UpgradeEvents } from "./upgrade-events.js";

const BEACON_IMPLEMENTATION =
  "function implementation() view returns (address)";

/** How a contract's history begins. */
export interface Start {
  /** The first implementation, when no log tells of it. */
  readonly change?: Pick<UpgradeEvent, "implementation" | "block">;
  readonly known: boolean;
}

/**
 * Not every constructor logs: zOS proxies and OpenZeppelin 4 beacons don't, and
 * some proxies get their first implementation only later.
 */
export async function startFromState(
  rpc: Rpc,
  state: Upgradable,
  ports: HistoryPorts,
  deployed: bigint,
  { upgrades }: UpgradeEvents,
  head: bigint,
): Promise<Start> {
  const first = upgrades[0];
  if (first?.block === deployed) {
    return { known: true };
  }
  const last = first === undefined ? head : first.block - 1n;
  const implementationAt = async (block: bigint): Promise<Address | undefined> =>
    await readImplementation(await BlockReader.at(rpc, block), state, ports);
  const found = await ifStateIsKept(async () => {
    if ((await implementationAt(last)) === undefined) {
      return { known: true };
    }
    const block = await findFirstBlock(
      deployed,
      last,
      async (at) => (await implementationAt(at)) !== undefined,
    );
    const implementation = await implementationAt(block);
    return implementation === undefined
      ? { known: false }
      : { known: true, change: { implementation, block } };
  });
  return found ?? { known: false };
}

/** Without old state: the first log is the first implementation if its transaction made the contract. */
export async function startFromReceipt(
  rpc: Rpc,
  subject: Address,
  { upgrades, births }: UpgradeEvents,
): Promise<Start> {
  const first = upgrades[0];
  if (first === undefined) {
    return { known: false };
  }
  if (births.has(first.tx)) {
    return { known: true };
  }
  const receipt = (await rpc.request("eth_getTransactionReceipt", [
    first.tx,
  ])) as { contractAddress?: string | null } | null;
  const created = receipt?.contractAddress ?? undefined;
  return { known: created !== undefined && sameAddress(created, subject) };
}

async function readImplementation(
  reader: BlockReader,
  { address, beacon }: Upgradable,
  ports: HistoryPorts,
): Promise<Address | undefined> {
  if (beacon !== undefined) {
    const answer = await reader.call(beacon, BEACON_IMPLEMENTATION);
    return typeof answer === "string"
      ? OxAddress.checksum(answer)
      : undefined;
  }
  const state = await ports.inspect(reader, address);
  return state === undefined || state.kind === "plain"
    ? undefined
    : state.implementation;
}
