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
  type SentTransaction,
} from "./events.js";
import { findSalt } from "./find-salt.js";
import type { OperationCall } from "./operation.js";
import {
  readMinDelay,
  readOperationState,
  type OperationState,
} from "./operation-state.js";

/** An operation as a timelock's log tells it, with its state at the reader's block. */
export interface ListedOperation {
  readonly id: Hex;
  readonly calls: readonly OperationCall[];
  readonly predecessor: Hex;
  /** Undefined when neither the log nor the transaction tells. */
  readonly salt: Hex | undefined;
  readonly isBatch?: boolean;
  readonly delaySeconds: bigint;
  /** The last time, for one scheduled again after a cancellation. */
  readonly scheduledAt: ScheduledAt;
  readonly state: OperationState;
  readonly executedTx?: Hex;
  readonly cancelledTx?: Hex;
}

interface LoggedOperation {
  readonly id: Hex;
  readonly calls: OperationCall[];
  readonly predecessor: Hex;
  readonly delaySeconds: bigint;
  readonly block: bigint;
  readonly tx: Hex;
  salt?: Hex;
  executedTx?: Hex;
  cancelledTx?: Hex;
}

const CALL_SCHEDULED = topicOf(
  "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)",
);
/** Since OpenZeppelin 4.9, of salts other than zero. */
const CALL_SALT = topicOf("CallSalt(bytes32,bytes32)");
const CALL_EXECUTED = topicOf(
  "CallExecuted(bytes32,uint256,address,uint256,bytes)",
);
const CANCELLED = topicOf("Cancelled(bytes32)");

/**
 * All operations a timelock was ever given, oldest first. The contract itself
 * can't list them: they are rebuilt from its log, then each one's state asked.
 *
 * @param fromBlock - At or before the timelock's deployment.
 * @param wanted - `pending` leaves out those done and those cancelled.
 * @throws {DrError} NOT_A_TIMELOCK, RPC_FAILED when the logs can't be had.
 */
export async function listOperations(
  reader: BlockReader,
  timelock: Address,
  fromBlock: bigint,
  wanted: "all" | "pending" = "all",
): Promise<readonly ListedOperation[]> {
  const [events] = await Promise.all([
    readEvents(
      reader,
      timelock,
      [CALL_SCHEDULED, CALL_SALT, CALL_EXECUTED, CANCELLED],
      fromBlock,
    ),
    // An address without a log is none yet.
    readMinDelay(reader, timelock),
  ]);
  const logged = replay(events).filter(
    ({ executedTx, cancelledTx }) =>
      wanted === "all" ||
      (executedTx === undefined && cancelledTx === undefined),
  );
  const [states, transactions] = await Promise.all([
    Promise.all(
      logged.map(
        async ({ id }) => await readOperationState(reader, timelock, id),
      ),
    ),
    readTransactions(
      reader,
      logged.map(({ tx }) => tx),
    ),
  ]);
  return logged.flatMap((one, index) => {
    const state = states[index];
    return state === undefined || (wanted === "pending" && !isPending(state))
      ? []
      : [toListed(one, state, transactions.get(one.tx))];
  });
}

export function isPending({ status }: OperationState): boolean {
  return status === "waiting" || status === "ready";
}

/** By the order in which they were last scheduled. */
function replay(events: readonly Log[]): readonly LoggedOperation[] {
  const operations = new Map<Hex, LoggedOperation>();
  for (const log of events) {
    const [event, id = "0x"] = log.topics;
    const operation = operations.get(id);
    switch (event) {
      case CALL_SCHEDULED:
        schedule(operations, id, log);
        break;
      case CALL_SALT:
        set(operation, { salt: wordOf(log.data) });
        break;
      case CALL_EXECUTED:
        set(operation, { executedTx: log.transactionHash });
        break;
      case CANCELLED:
        set(operation, { cancelledTx: log.transactionHash });
        break;
      case undefined:
        break;
    }
  }
  return [...operations.values()];
}

function set(
  operation: LoggedOperation | undefined,
  change: Partial<LoggedOperation>,
): void {
  // Without its beginning, before `fromBlock`, an operation can't be told.
  if (operation !== undefined) {
    Object.assign(operation, change);
  }
}

/** A first call begins the operation anew: it was cancelled before. */
function schedule(
  operations: Map<Hex, LoggedOperation>,
  id: Hex,
  { topics, data, blockNumber, transactionHash }: Log,
): void {
  const [to, value, calldata, predecessor, delay] = decodeValues(
    ["address", "uint256", "bytes", "bytes32", "uint256"],
    data,
  ) as [Address, bigint, Hex, Hex, bigint];
  const call = { to: OxAddress.checksum(to), value, data: calldata };
  if (BigInt(topics[2] ?? 0) !== 0n) {
    operations.get(id)?.calls.push(call);
    return;
  }
  operations.delete(id);
  operations.set(id, {
    id,
    calls: [call],
    predecessor,
    delaySeconds: delay,
    block: blockNumber,
    tx: transactionHash,
  });
}

function toListed(
  { block, tx, salt: logged, ...operation }: LoggedOperation,
  state: OperationState,
  transaction: SentTransaction | undefined,
): ListedOperation {
  const { id } = operation;
  const found = findSalt(id, operation, logged, transaction?.input);
  return {
    ...operation,
    salt: found?.salt,
    ...(found?.isBatch === undefined ? {} : { isBatch: found.isBatch }),
    scheduledAt: {
      block,
      tx,
      ...(transaction === undefined
        ? {}
        : { sender: OxAddress.checksum(transaction.from) }),
    },
    state,
  };
}

function wordOf(data: Hex): Hex {
  return data.slice(0, 66) as Hex;
}
