import * as AbiError from "ox/AbiError";

import type { Hex } from "../core/hex.js";
import { decodeValues } from "./abi.js";
import { revertData, RpcResponseError } from "./rpc.js";

/** Errors of OpenZeppelin 5 that a recovery meets. */
const KNOWN_ERRORS: readonly string[] = [
  "error OwnableUnauthorizedAccount(address account)",
  "error AccessControlUnauthorizedAccount(address account, bytes32 role)",
  "error AccessManagedUnauthorized(address caller)",
  "error AccessManagedRequiredDelay(address caller, uint32 delay)",
  "error AccessManagerUnauthorizedCall(address caller, address target, bytes4 selector)",
  "error AccessManagerNotReady(bytes32 operationId)",
  "error AccessManagerNotScheduled(bytes32 operationId)",
  "error AccessManagerExpired(bytes32 operationId)",
  "error AccessManagerUnauthorizedCancel(address msgsender, address caller, address target, bytes4 selector)",
  "error TimelockInsufficientDelay(uint256 delay, uint256 minDelay)",
  "error TimelockUnexpectedOperationState(bytes32 operationId, bytes32 expectedStates)",
  "error TimelockUnexecutedPredecessor(bytes32 predecessorId)",
  "error EnforcedPause()",
  "error ExpectedPause()",
  "error ERC1967InvalidImplementation(address implementation)",
  "error ERC1967NonPayable()",
  "error UUPSUnauthorizedCallContext()",
  "error UUPSUnsupportedProxiableUUID(bytes32 slot)",
  "error BeaconInvalidImplementation(address implementation)",
  "error ProxyDeniedAdminAccess()",
  "error InvalidInitialization()",
  "error NotInitializing()",
  "error AddressEmptyCode(address target)",
  "error FailedCall()",
];

const STRING_ERROR = "0x08c379a0";
const PANIC = "0x4e487b71";

/**
 * The words of a revert: its string, a known error with its arguments, or the
 * raw data. A contract may say anything; control characters are left out.
 */
export function explainRevert(error: unknown): string {
  const data = revertData(error);
  const words = data === undefined || data === "0x" ? undefined : wordsOf(data);
  if (words !== undefined) {
    return words.replace(/\p{Cc}+/gu, " ");
  }
  return error instanceof RpcResponseError
    ? error.message
    : "it reverts without a reason";
}

function wordsOf(data: Hex): string {
  const raw = `it reverts with ${data}`;
  const selector = data.slice(0, 10);
  const args: Hex = `0x${data.slice(10)}`;
  try {
    switch (selector) {
      case STRING_ERROR:
        return String(decodeValues(["string"], args)[0]) || raw;
      case PANIC:
        return `panic ${String(decodeValues(["uint256"], args)[0])}`;
      default:
        return customError(selector, args) ?? raw;
    }
  } catch {
    // Whoever made it up didn't give it the arguments its name promises.
    return raw;
  }
}

function customError(selector: string, data: Hex): string | undefined {
  const known = KNOWN_ERRORS.map((signature) =>
    AbiError.from(signature as "error Known()"),
  ).find((item) => AbiError.getSelector(item) === selector);
  if (known === undefined) {
    return undefined;
  }
  const types = (known.inputs as readonly { type: string }[]).map(
    ({ type }) => type,
  );
  const args = types.length === 0 ? [] : decodeValues(types, data);
  return `${known.name}(${args.map(String).join(", ")})`;
}
