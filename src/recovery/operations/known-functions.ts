import * as AbiFunction from "ox/AbiFunction";

import type { Hex } from "../../core/hex.js";
import { UPGRADE_FUNCTIONS } from "../../proxy/upgrade-interface.js";

const OF_TIMELOCKS: readonly string[] = [
  "function updateDelay(uint256 newDelay)",
  "function grantRole(bytes32 role, address account)",
  "function revokeRole(bytes32 role, address account)",
  "function renounceRole(bytes32 role, address account)",
  "function cancel(bytes32 id)",
];

const OF_OTHERS: readonly string[] = [
  ...UPGRADE_FUNCTIONS,
  "function pause()",
  "function unpause()",
  "function changeProxyAdmin(address proxy, address newAdmin)",
  "function changeAdmin(address newAdmin)",
  "function transferOwnership(address newOwner)",
  "function acceptOwnership()",
  "function renounceOwnership()",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function revokeRole(uint64 roleId, address account)",
  "function setRoleAdmin(uint64 roleId, uint64 admin)",
  "function setRoleGuardian(uint64 roleId, uint64 guardian)",
  "function setGrantDelay(uint64 roleId, uint32 newDelay)",
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
  "function setTargetAdminDelay(address target, uint32 newDelay)",
  "function setTargetClosed(address target, bool closed)",
  "function updateAuthority(address target, address newAuthority)",
  "function setAuthority(address newAuthority)",
  "function cancel(address caller, address target, bytes data)",
  "function execute(address target, bytes data) payable",
];

/** What a timelock calls of itself: ABI. */
export const TIMELOCK_FUNCTIONS: readonly AbiFunction.AbiFunction[] =
  OF_TIMELOCKS.map(parse);

/** What governance calls in OpenZeppelin's contracts: ABI. */
export const KNOWN_FUNCTIONS: readonly AbiFunction.AbiFunction[] = [
  ...TIMELOCK_FUNCTIONS,
  ...OF_OTHERS.map(parse),
];

function parse(signature: string): AbiFunction.AbiFunction {
  return AbiFunction.from(signature) as AbiFunction.AbiFunction;
}

/** The function that calldata is for; undefined when it isn't among these. */
export function findFunction(
  functions: readonly AbiFunction.AbiFunction[],
  data: Hex,
): AbiFunction.AbiFunction | undefined {
  const selector = data.slice(0, 10).toLowerCase();
  return functions.find((item) => AbiFunction.getSelector(item) === selector);
}
