import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { encodeCall, encodeValues } from "../chain/abi.js";
import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

const SCHEDULE = "function schedule(address target, bytes data, uint48 when)";
const EXECUTE = "function execute(address target, bytes data) payable";
const CANCEL = "function cancel(address caller, address target, bytes data)";

export const GET_SCHEDULE =
  "function getSchedule(bytes32 id) view returns (uint48)";
const GET_NONCE = "function getNonce(bytes32 id) view returns (uint32)";
export const EXPIRATION = "function expiration() view returns (uint32)";
const MIN_SETBACK = "function minSetback() view returns (uint32)";
const FUNCTION_ROLE =
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)";
const ROLE_GUARDIAN =
  "function getRoleGuardian(uint64 roleId) view returns (uint64)";

/** When a schedule may be executed: Unix seconds. */
export interface Schedule {
  readonly readyAt: bigint;
}

/**
 * The id an AccessManager gives a call that this caller schedules. It says
 * nothing of when: the same call by the same caller has the same id each time.
 *
 * @see OpenZeppelin AccessManager, `hashOperation`
 */
export function hashManagedOperation(
  caller: Address,
  target: Address,
  data: Hex,
): Hex {
  return Hash.keccak256(
    encodeValues(["address", "address", "bytes"], [caller, target, data]),
  );
}

/** @param when - Unix seconds; 0 for as soon as the caller's delay allows. */
export function encodeManagedSchedule(
  target: Address,
  data: Hex,
  when = 0n,
): Hex {
  return encodeCall(SCHEDULE, [target, data, when]);
}

/** Calldata for whoever scheduled it; for others it is another operation. */
export function encodeManagedExecute(target: Address, data: Hex): Hex {
  return encodeCall(EXECUTE, [target, data]);
}

/** Calldata for the caller, an admin, or a guardian of the function's role. */
export function encodeManagedCancel(
  caller: Address,
  target: Address,
  data: Hex,
): Hex {
  return encodeCall(CANCEL, [caller, target, data]);
}

/**
 * An operation that is scheduled.
 *
 * @returns undefined when it isn't, or has expired.
 * @throws {DrError} NOT_AN_ACCESS_MANAGER.
 */
export async function readSchedule(
  reader: BlockReader,
  manager: Address,
  id: Hex,
): Promise<Schedule | undefined> {
  const readyAt = await readNumber(reader, manager, GET_SCHEDULE, [id]);
  return readyAt === 0n ? undefined : { readyAt };
}

/** Seconds from when it is ready after which an operation is void. @throws {DrError} NOT_AN_ACCESS_MANAGER. */
export async function readExpirationSeconds(
  reader: BlockReader,
  manager: Address,
): Promise<bigint> {
  return await readNumber(reader, manager, EXPIRATION);
}

/** How often an operation was scheduled. @throws {DrError} NOT_AN_ACCESS_MANAGER. */
export async function readNonce(
  reader: BlockReader,
  manager: Address,
  id: Hex,
): Promise<bigint> {
  return await readNumber(reader, manager, GET_NONCE, [id]);
}

/** Seconds before a shorter delay takes effect. @throws {DrError} NOT_AN_ACCESS_MANAGER. */
export async function readMinSetbackSeconds(
  reader: BlockReader,
  manager: Address,
): Promise<bigint> {
  return await readNumber(reader, manager, MIN_SETBACK);
}

/** The role whose members may cancel calls of this function. @throws {DrError} NOT_AN_ACCESS_MANAGER. */
export async function readGuardianRole(
  reader: BlockReader,
  manager: Address,
  target: Address,
  selector: Hex,
): Promise<bigint> {
  const role = await readNumber(reader, manager, FUNCTION_ROLE, [
    target,
    selector,
  ]);
  return await readNumber(reader, manager, ROLE_GUARDIAN, [role]);
}

async function readNumber(
  reader: BlockReader,
  manager: Address,
  getter: string,
  args: readonly unknown[] = [],
): Promise<bigint> {
  const answer = await reader.call(manager, getter, args);
  if (typeof answer !== "bigint" && typeof answer !== "number") {
    throw new DrError("NOT_AN_ACCESS_MANAGER", { address: manager });
  }
  return BigInt(answer);
}
