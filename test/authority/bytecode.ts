import type { Address, Hex } from "../../src/core/hex.js";
import type { Connection } from "../helpers/contracts.js";

/** Hexadecimal digits of EVM code, without a prefix. */
type Code = string;

/** PUSH0 PUSH0 REVERT. */
export const REVERT: Code = "5f5ffd";
export const STOP: Code = "00";

/** A contract of functions by their selectors; anything else reverts without a word. */
export function dispatcher(functions: Readonly<Record<Hex, Code>>): Hex {
  const entries = Object.entries(functions);
  // PUSH0 CALLDATALOAD PUSH1 e0 SHR
  let table = "5f3560e01c";
  let bodies = "";
  const tableSize = 5 + entries.length * 11 + REVERT.length / 2;
  for (const [selector, body] of entries) {
    const start = (tableSize + bodies.length / 2).toString(16).padStart(4, "0");
    // DUP1 PUSH4 selector EQ PUSH2 start JUMPI
    table += `8063${selector.slice(2)}1461${start}57`;
    bodies += `5b${body}`;
  }
  return `0x${table}${REVERT}${bodies}`;
}

export function returnAddress(address: Address): Code {
  return `73${address.slice(2)}5f5260205ff3`;
}

/** Reverts with a custom error that has no arguments. */
export function revertWith(selector: Hex): Code {
  return `63${selector.slice(2)}60e01b5f5260045ffd`;
}

/** Stops for one sender; for all others does something else, which must not go on. */
export function onlyFrom(sender: Address, otherwise: Code): Code {
  const toEnd = (3 + otherwise.length / 2).toString(16).padStart(2, "0");
  // CALLER PUSH20 sender EQ PUSH1 toEnd PC ADD JUMPI … JUMPDEST STOP
  return `3373${sender.slice(2)}1460${toEnd}580157${otherwise}5b00`;
}

/** EIP-1167: passes everything on, and has no selectors of its own. */
export function minimalClone(implementation: Address): Hex {
  return `0x363d3d373d3d3d363d73${implementation.slice(2)}5af43d82803e903d91602b57fd5bf3`;
}

/** Puts code at an address of the simulated chain. */
export async function setCode(
  { provider }: Connection,
  address: Address,
  code: Hex,
): Promise<void> {
  await provider.request({
    method: "hardhat_setCode",
    params: [address, code],
  });
}
