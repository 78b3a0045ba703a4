import * as OxAddress from "ox/Address";

import { decodeValues } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import type { Log } from "../chain/logs.js";
import type { Address, Hex } from "../core/hex.js";
import {
  readEvents,
  readTransactions,
  topicOf,
  type ScheduledAt,
} from "./events.js";
import {
  readExpirationSeconds,
  readNonce,
  readSchedule,
} from "./managed-operation.js";

/** How an AccessManager stands to an operation; times in Unix seconds. */
export type ManagedOperationState =
  | { readonly status: "waiting"; readonly readyAt: bigint }
  | {
      readonly status: "ready";
      readonly readyAt: bigint;
      /** From then on it is void. */
      readonly expiresAt: bigint;
    }
  | { readonly status: "expired"; readonly expiredAt: bigint }
  | { readonly status: "executed"; readonly tx: Hex }
  | { readonly status: "cancelled"; readonly tx: Hex };

/** A call that was scheduled with an AccessManager, once: the same call again has the next nonce. */
export interface ListedManagedOperation {
  readonly id: Hex;
  readonly nonce: bigint;
  readonly caller: Address;
  readonly target: Address;
  readonly data: Hex;
  readonly scheduledAt: ScheduledAt;
  readonly state: ManagedOperationState;
}

interface LoggedOperation {
  readonly id: Hex;
  readonly nonce: bigint;
  readonly caller: Address;
  readonly target: Address;
  readonly data: Hex;
  readonly readyAt: bigint;
  readonly block: bigint;
  readonly tx: Hex;
  ended?: ManagedOperationState;
}

const SCHEDULED = topicOf(
  "OperationScheduled(bytes32,uint32,uint48,address,address,bytes)",
);
const EXECUTED = topicOf("OperationExecuted(bytes32,uint32)");
const CANCELLED = topicOf("OperationCanceled(bytes32,uint32)");

/**
 * All that was ever scheduled with an AccessManager, oldest first.
 *
 * @param fromBlock - At or before the manager's deployment.
 * @param wanted - `pending` leaves out those executed, cancelled and expired.
 * @throws {DrError} NOT_AN_ACCESS_MANAGER, RPC_FAILED when the logs can't be had.
 */
export async function listManagedOperations(
  reader: BlockReader,
  manager: Address,
  fromBlock: bigint,
  wanted: "all" | "pending" = "all",
): Promise<readonly ListedManagedOperation[]> {
  const [events, expirationSeconds] = await Promise.all([
    readEvents(reader, manager, [SCHEDULED, EXECUTED, CANCELLED], fromBlock),
    readExpirationSeconds(reader, manager),
  ]);
  const logged = replay(events).filter(
    ({ ended }) => wanted === "all" || ended === undefined,
  );
  const [states, transactions] = await Promise.all([
    Promise.all(
      logged.map(
        async (one) => await readState(reader, manager, one, expirationSeconds),
      ),
    ),
    readTransactions(
      reader,
      logged.map(({ tx }) => tx),
    ),
  ]);
  const listed = logged.flatMap((one, index): ListedManagedOperation[] => {
    const { id, nonce, caller, target, data, block, tx } = one;
    const state = states[index];
    const sender = transactions.get(tx)?.from;
    const scheduledAt = {
      block,
      tx,
      ...(sender === undefined ? {} : { sender: OxAddress.checksum(sender) }),
    };
    return state === undefined
      ? []
      : [{ id, nonce, caller, target, data, scheduledAt, state }];
  });
  return wanted === "all"
    ? listed
    : listed.filter(({ state }) => state.status !== "expired");
}

function replay(events: readonly Log[]): readonly LoggedOperation[] {
  const operations = new Map<string, LoggedOperation>();
  for (const log of events) {
    const [event, id = "0x", nonce = "0x0"] = log.topics;
    const key = `${id}:${nonce}`;
    const operation = operations.get(key);
    const tx = log.transactionHash;
    switch (event) {
      case SCHEDULED:
        operations.set(key, decode(log, id, BigInt(nonce)));
        break;
      case EXECUTED:
        end(operation, { status: "executed", tx });
        break;
      case CANCELLED:
        end(operation, { status: "cancelled", tx });
        break;
      case undefined:
        break;
    }
  }
  return [...operations.values()];
}

function end(
  operation: LoggedOperation | undefined,
  ended: ManagedOperationState,
): void {
  if (operation !== undefined) {
    operation.ended = ended;
  }
}

function decode(
  { data, blockNumber, transactionHash }: Log,
  id: Hex,
  nonce: bigint,
): LoggedOperation {
  const [readyAt, caller, target, calldata] = decodeValues(
    ["uint48", "address", "address", "bytes"],
    data,
  ) as [number | bigint, Address, Address, Hex];
  return {
    id,
    nonce,
    caller: OxAddress.checksum(caller),
    target: OxAddress.checksum(target),
    data: calldata,
    readyAt: BigInt(readyAt),
    block: blockNumber,
    tx: transactionHash,
  };
}

/** Only the last nonce can still be scheduled; what ended says so itself. */
async function readState(
  reader: BlockReader,
  manager: Address,
  { id, nonce, readyAt, ended }: LoggedOperation,
  expirationSeconds: bigint,
): Promise<ManagedOperationState> {
  if (ended !== undefined) {
    return ended;
  }
  const [schedule, last] = await Promise.all([
    readSchedule(reader, manager, id),
    readNonce(reader, manager, id),
  ]);
  const expiresAt = readyAt + expirationSeconds;
  if (schedule === undefined || last !== nonce) {
    return { status: "expired", expiredAt: expiresAt };
  }
  return readyAt > reader.block.timestamp
    ? { status: "waiting", readyAt }
    : { status: "ready", readyAt, expiresAt };
}
