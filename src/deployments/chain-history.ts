import type { BlockReader } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import { readBlockTimes } from "./block-times.js";
import type {
  HistoryEntry,
  HistoryReason,
  ImplementationRecord,
} from "./deploy-file.js";
import { findDeploymentBlock } from "../chain/deployment-block.js";
import { describeImplementations } from "./describe-implementations.js";
import { startFromReceipt, startFromState } from "./history-start.js";
import type { HistoryPorts, Upgradable } from "./upgradable.js";
import {
  readFactoryEvents,
  readUpgradeEvents,
  type UpgradeEvent,
} from "./upgrade-events.js";

export interface ChainHistory {
  readonly implementations: Readonly<Record<Address, ImplementationRecord>>;
  readonly history: readonly HistoryEntry[];
  readonly gaps: readonly HistoryGap[];
}

/** What the chain, as far as this node tells it, leaves open. */
export type HistoryGap =
  /** Nothing proves that the first entry is the first implementation ever. */
  | { readonly kind: "start-unknown" }
  /** The slot holds another implementation than was logged last; the slot wins. */
  | {
      readonly kind: "unlogged-change";
      readonly logged: Address;
      readonly current: Address;
    }
  /** The proxy had another beacon before `block`, whose upgrades aren't here. */
  | {
      readonly kind: "earlier-beacon";
      readonly beacon: Address;
      readonly block: bigint;
    };

/** An entry before its time is known. */
interface Change {
  readonly implementation: Address;
  readonly reason: HistoryReason;
  readonly block?: bigint;
  readonly tx?: Hex;
}

/**
 * The implementations a contract has had until the reader's block, from its
 * logs, and from old state where logs are silent.
 *
 * @param state - The contract as the same reader sees it.
 * @throws {DrError} when the chain can't be asked; old state that the node no
 * longer has is a gap and no error.
 */
export async function readChainHistory(
  reader: BlockReader,
  state: Upgradable,
  ports: HistoryPorts,
): Promise<ChainHistory> {
  const [{ changes, gaps }, beaconGaps] = await Promise.all([
    state.kind === "plain"
      ? plainChanges(reader, state)
      : upgradableChanges(reader, state, ports),
    earlierBeacons(reader, state),
  ]);
  const [history, implementations] = await Promise.all([
    toEntries(reader.rpc, changes),
    describeImplementations(
      reader,
      changes.map(({ implementation }) => implementation),
      ports,
    ),
  ]);
  return { implementations, history, gaps: [...gaps, ...beaconGaps] };
}

interface Changes {
  readonly changes: readonly Change[];
  readonly gaps: readonly HistoryGap[];
}

async function plainChanges(
  { rpc, block }: BlockReader,
  { address }: Upgradable,
): Promise<Changes> {
  const deployed = await findDeploymentBlock(rpc, address, block.number);
  const change: Change = { implementation: address, reason: "deploy" };
  return deployed === undefined
    ? { changes: [change], gaps: [{ kind: "start-unknown" }] }
    : { changes: [{ ...change, block: deployed }], gaps: [] };
}

async function upgradableChanges(
  reader: BlockReader,
  state: Upgradable,
  ports: HistoryPorts,
): Promise<Changes> {
  const { rpc, block: head } = reader;
  const subject = state.beacon ?? state.address;
  const deployed = await findDeploymentBlock(rpc, subject, head.number);
  const from = deployed ?? 0n;
  const events = await (state.factory === undefined
    ? readUpgradeEvents(rpc, subject, from, head.number)
    : readFactoryEvents(rpc, state.factory, subject, from, head.number));
  const start =
    deployed === undefined
      ? await startFromReceipt(rpc, subject, events)
      : await startFromState(rpc, state, ports, deployed, events, head.number);
  const changes = [
    ...(start.change === undefined ? [] : [start.change]),
    ...events.upgrades,
  ].map(withReason);
  const drift = unloggedChange(changes, state.implementation);
  return {
    changes: [...changes, ...drift.changes],
    gaps: [...(start.known ? [] : [startUnknown]), ...drift.gaps],
  };
}

const startUnknown: HistoryGap = { kind: "start-unknown" };

/** First of all a deployment; back to one that was there before, a rollback. */
function withReason(
  change: Omit<Change, "reason"> | UpgradeEvent,
  index: number,
  all: readonly (Omit<Change, "reason"> | UpgradeEvent)[],
): Change {
  const earlier = all
    .slice(0, index)
    .map(({ implementation }) => implementation);
  const returned =
    earlier.includes(change.implementation) &&
    earlier.at(-1) !== change.implementation;
  const reason = index === 0 ? "deploy" : returned ? "rollback" : "upgrade";
  return { ...change, reason };
}

function unloggedChange(
  changes: readonly Change[],
  current: Address,
): Changes {
  const logged = changes.at(-1)?.implementation;
  if (logged !== undefined && sameAddress(logged, current)) {
    return { changes: [], gaps: [] };
  }
  return {
    changes: [{ implementation: current, reason: "found" }],
    gaps:
      logged === undefined ? [] : [{ kind: "unlogged-change", logged, current }],
  };
}

async function earlierBeacons(
  { rpc, block }: BlockReader,
  { address, beacon }: Upgradable,
): Promise<HistoryGap[]> {
  if (beacon === undefined) {
    return [];
  }
  const deployed = await findDeploymentBlock(rpc, address, block.number);
  const { beacons } = await readUpgradeEvents(
    rpc,
    address,
    deployed ?? 0n,
    block.number,
  );
  return beacons
    .filter((earlier) => !sameAddress(earlier.beacon, beacon))
    .map((earlier) => ({ kind: "earlier-beacon", ...earlier }));
}

async function toEntries(
  rpc: Rpc,
  changes: readonly Change[],
): Promise<HistoryEntry[]> {
  const times = await readBlockTimes(
    rpc,
    changes.flatMap(({ block }) => block ?? []),
  );
  return changes.map(({ implementation, reason, block, tx }) => {
    const at = block === undefined ? undefined : times.get(block);
    return {
      implementation,
      reason,
      ...(block === undefined ? {} : { block: Number(block) }),
      ...(tx === undefined ? {} : { tx }),
      ...(at === undefined ? {} : { at }),
    };
  });
}
