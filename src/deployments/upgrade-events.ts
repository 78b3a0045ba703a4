import * as AbiEvent from "ox/AbiEvent";
import * as OxAddress from "ox/Address";

import { readLogs, type Log } from "../chain/logs.js";
import type { Rpc } from "../chain/rpc.js";
import { addressInWord, ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";

/** `Upgraded` of one transaction: an implementation took its place. */
export interface UpgradeEvent {
  readonly implementation: Address;
  readonly block: bigint;
  readonly tx: Hex;
}

export interface UpgradeEvents {
  readonly upgrades: readonly UpgradeEvent[];
  /** Transactions that set an admin where there was none: constructors do. */
  readonly births: ReadonlySet<Hex>;
  /** The beacons a proxy has had, oldest first. */
  readonly beacons: readonly { readonly beacon: Address; readonly block: bigint }[];
}

const UPGRADED = topicOf("event Upgraded(address indexed implementation)");
const ADMIN_CHANGED = topicOf(
  "event AdminChanged(address previousAdmin, address newAdmin)",
);
const BEACON_UPGRADED = topicOf(
  "event BeaconUpgraded(address indexed beacon)",
);

/**
 * What a proxy or a beacon has logged about its upgrades.
 *
 * @see EIP-1967; the first zOS proxies have the same `Upgraded`, unindexed.
 */
export async function readUpgradeEvents(
  rpc: Rpc,
  address: Address,
  fromBlock: bigint,
  toBlock: bigint,
): Promise<UpgradeEvents> {
  const logs = await readLogs(rpc, {
    address,
    topics: [[UPGRADED, ADMIN_CHANGED, BEACON_UPGRADED]],
    fromBlock,
    toBlock,
  });
  const of = (topic: Hex): Log[] =>
    logs.filter(({ topics }) => topics[0] === topic);
  return {
    upgrades: of(UPGRADED).map((log) => ({
      implementation: firstAddress(log),
      block: log.blockNumber,
      tx: log.transactionHash,
    })),
    births: new Set(
      of(ADMIN_CHANGED)
        .filter((log) => firstAddress(log) === ZERO_ADDRESS)
        .map(({ transactionHash }) => transactionHash),
    ),
    beacons: of(BEACON_UPGRADED).map((log) => ({
      beacon: firstAddress(log),
      block: log.blockNumber,
    })),
  };
}

/** The first argument, indexed or not. */
function firstAddress({ topics, data }: Log): Address {
  const word = topics[1] ?? data.slice(0, 66);
  return OxAddress.checksum(addressInWord(word) ?? ZERO_ADDRESS);
}

function topicOf(signature: string): Hex {
  return AbiEvent.getSelector(AbiEvent.from(signature) as AbiEvent.AbiEvent);
}
