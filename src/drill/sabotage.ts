import { selectorOf } from "../chain/abi.js";
import type { Address, Hex } from "../core/hex.js";

/** What those who look after a contract call: these go on working, as after a real bad upgrade. */
const KEPT = [
  "function pause()",
  "function unpause()",
  "function paused() view returns (bool)",
  "function owner() view returns (address)",
  "function pendingOwner() view returns (address)",
  "function hasRole(bytes32,address) view returns (bool)",
  "function getRoleAdmin(bytes32) view returns (bytes32)",
  "function DEFAULT_ADMIN_ROLE() view returns (bytes32)",
  "function PAUSER_ROLE() view returns (bytes32)",
  "function UPGRADER_ROLE() view returns (bytes32)",
  "function authority() view returns (address)",
  "function isConsumingScheduledOp() view returns (bytes4)",
  "function proxiableUUID() view returns (bytes32)",
  "function UPGRADE_INTERFACE_VERSION() view returns (string)",
  "function upgradeTo(address)",
  "function upgradeToAndCall(address,bytes)",
];

/** DUP1, PUSH4 selector, EQ: how Solidity finds the function that is called. */
const COMPARISON = /8063([0-9a-f]{8})14/g;

/**
 * The code of an implementation as a bad upgrade leaves it: calls of users
 * find no function any more, those of whoever looks after it still do.
 *
 * @param from - Where the code is.
 * @param to - Where it shall be: its own address, which it may remember as an immutable.
 */
export function sabotage(code: Hex, from: Address, to: Address): Hex {
  const kept = new Set(KEPT.map((one) => selectorOf(one).slice(2)));
  const broken = code
    .toLowerCase()
    .replaceAll(from.slice(2).toLowerCase(), to.slice(2).toLowerCase())
    .replace(COMPARISON, (found, selector: string) =>
      kept.has(selector) ? found : `8063${invert(selector)}14`,
    );
  return broken as Hex;
}

function invert(selector: string): string {
  return (~parseInt(selector, 16) >>> 0).toString(16).padStart(8, "0");
}
