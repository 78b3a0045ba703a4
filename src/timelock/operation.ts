import * as Hash from "ox/Hash";

import { encodeCall, encodeValues } from "../chain/abi.js";
import type { Address, Hex } from "../core/hex.js";

/** What a TimelockController shall do, all of it or nothing. */
export interface Operation {
  readonly calls: readonly OperationCall[];
  /** Id of the operation that must be done before; `NO_PREDECESSOR` for none. */
  readonly predecessor: Hex;
  /** 32 bytes. */
  readonly salt: Hex;
  /**
   * A single call scheduled as a batch of one, as Governors do; several calls
   * always are a batch. Its id is another than that of the call alone.
   */
  readonly isBatch?: boolean;
}

export interface OperationCall {
  readonly to: Address;
  /** Wei, paid by the timelock; what is sent along with `execute` adds to its balance. */
  readonly value: bigint;
  readonly data: Hex;
}

export const NO_PREDECESSOR: Hex = `0x${"0".repeat(64)}`;

const CALL = "address target, uint256 value, bytes data";
const BATCH = "address[] targets, uint256[] values, bytes[] payloads";
const CONDITIONS = "bytes32 predecessor, bytes32 salt";

export const SCHEDULE = `function schedule(${CALL}, ${CONDITIONS}, uint256 delay)`;
export const SCHEDULE_BATCH = `function scheduleBatch(${BATCH}, ${CONDITIONS}, uint256 delay)`;
const EXECUTE = `function execute(${CALL}, ${CONDITIONS}) payable`;
const EXECUTE_BATCH = `function executeBatch(${BATCH}, ${CONDITIONS}) payable`;
const CANCEL = "function cancel(bytes32 id)";

/**
 * The id a TimelockController gives an operation.
 *
 * @see OpenZeppelin TimelockController, `hashOperation` and `hashOperationBatch`
 */
export function hashOperation(operation: Operation): Hex {
  const types = isBatch(operation)
    ? ["address[]", "uint256[]", "bytes[]"]
    : ["address", "uint256", "bytes"];
  return Hash.keccak256(
    encodeValues([...types, "bytes32", "bytes32"], argumentsOf(operation)),
  );
}

/** Calldata that schedules it; the role it takes is PROPOSER_ROLE. */
export function encodeSchedule(
  operation: Operation,
  delaySeconds: bigint,
): Hex {
  const signature = isBatch(operation) ? SCHEDULE_BATCH : SCHEDULE;
  return encodeCall(signature, [...argumentsOf(operation), delaySeconds]);
}

/** Calldata that executes it once it is ready; the role it takes is EXECUTOR_ROLE. */
export function encodeExecute(operation: Operation): Hex {
  const signature = isBatch(operation) ? EXECUTE_BATCH : EXECUTE;
  return encodeCall(signature, argumentsOf(operation));
}

/** Calldata that cancels it; the role it takes is CANCELLER_ROLE, before OpenZeppelin 4.6 PROPOSER_ROLE. */
export function encodeCancel(id: Hex): Hex {
  return encodeCall(CANCEL, [id]);
}

function isBatch({ calls, isBatch }: Operation): boolean {
  return calls.length !== 1 || isBatch === true;
}

/** As `hashOperation`, `schedule` and `execute` take them, or their batch forms. */
function argumentsOf(operation: Operation): readonly unknown[] {
  const { calls, predecessor, salt } = operation;
  const columns: readonly (readonly unknown[])[] = [
    calls.map(({ to }) => to),
    calls.map(({ value }) => value),
    calls.map(({ data }) => data),
  ];
  const payload = isBatch(operation) ? columns : columns.map(([only]) => only);
  return [...payload, predecessor, salt];
}
