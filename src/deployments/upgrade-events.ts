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

/** Solady's ERC1967Factory logs for its proxies. */
const FACTORY_DEPLOYED = topicOf(
  "event Deployed(address indexed proxy, address indexed implementation, address indexed admin)",
);
const FACTORY_UPGRADED = topicOf(
  "event Upgraded(address indexed proxy, address indexed implementation)",
);
/** Instead of `Upgraded`; hardhat-deploy's EIP173Proxy. */
const IMPLEMENTATION_UPDATED = topicOf(
  "event ProxyImplementationUpdated(address indexed previousImplementation, address indexed newImplementation)",
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
    topics: [
      [UPGRADED, ADMIN_CHANGED, BEACON_UPGRADED, IMPLEMENTATION_UPDATED],
    ],
    fromBlock,
    toBlock,
  });
  const of = (...wanted: Hex[]): Log[] =>
    logs.filter(({ topics: [topic] }) => wanted.some((one) => one === topic));
  return {
    upgrades: of(UPGRADED, IMPLEMENTATION_UPDATED).map((log) =>
      log.topics[0] === UPGRADED
        ? toUpgrade(log, firstAddress(log))
        : toUpgrade(log, addressInTopic(log.topics[2])),
    ),
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

/**
 * What a factory has logged about the upgrades of one of its proxies.
 *
 * @see Solady, ERC1967Factory
 */
export async function readFactoryEvents(
  rpc: Rpc,
  factory: Address,
  proxy: Address,
  fromBlock: bigint,
  toBlock: bigint,
): Promise<UpgradeEvents> {
  const logs = await readLogs(rpc, {
    address: factory,
    topics: [
      [FACTORY_DEPLOYED, FACTORY_UPGRADED],
      `0x${proxy.slice(2).toLowerCase().padStart(64, "0")}`,
    ],
    fromBlock,
    toBlock,
  });
  return {
    upgrades: logs.map((log) => toUpgrade(log, addressInTopic(log.topics[2]))),
    births: new Set(
      logs
        .filter(({ topics }) => topics[0] === FACTORY_DEPLOYED)
        .map(({ transactionHash }) => transactionHash),
    ),
    beacons: [],
  };
}

function toUpgrade(log: Log, implementation: Address): UpgradeEvent {
  return {
    implementation,
    block: log.blockNumber,
    tx: log.transactionHash,
  };
}

function addressInTopic(topic: Hex | undefined): Address {
  return OxAddress.checksum(addressInWord(topic ?? "0x") ?? ZERO_ADDRESS);
}

/** The first argument, indexed or not. */
function firstAddress({ topics, data }: Log): Address {
  const word = topics[1] ?? data.slice(0, 66);
  return OxAddress.checksum(addressInWord(word) ?? ZERO_ADDRESS);
}

function topicOf(signature: string): Hex {
  return AbiEvent.getSelector(AbiEvent.from(signature) as AbiEvent.AbiEvent);
}
