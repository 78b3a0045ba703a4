import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { addressInWord, type Address, type Hex } from "../core/hex.js";
import { DELEGATECALL, readInstructions } from "./instructions.js";

const FACETS = "function facetAddresses() view returns (address[])";
const SAFE_THRESHOLD = "function getThreshold() view returns (uint256)";
const FIRST_SLOT: Hex = `0x${"0".repeat(64)}`;

/** EIP-1167 and the shorter forms of the same: delegate all to a constant. */
const CLONE =
  /^0x(?:363d3d373d3d3d363d|3d3d3d3d363d3d37363d|36602c57343d527f[0-9a-f]{64}59da14602c57363d3d373d3d363d)73([0-9a-f]{40})5af4/;
/** The others of them: short, with one constant right before DELEGATECALL. */
const SHORT_FORWARDER = /^0x[0-9a-f]{0,160}73([0-9a-f]{40})5af4[0-9a-f]{0,80}$/;

/**
 * What a contract is that has no proxy slot and yet delegates its calls, in
 * words that finish "it is …"; undefined when it is a contract of its own.
 */
export async function describeForwarder(
  reader: BlockReader,
  address: Address,
): Promise<string | undefined> {
  const [code, facets, threshold, firstWord] = await Promise.all([
    reader.code(address),
    reader.call(address, FACETS),
    reader.call(address, SAFE_THRESHOLD),
    reader.storage(address, FIRST_SLOT),
  ]);
  const target = CLONE.exec(code)?.[1] ?? SHORT_FORWARDER.exec(code)?.[1];
  if (target !== undefined) {
    return `a clone of ${OxAddress.checksum(`0x${target}`)} (EIP-1167), whose code is fixed`;
  }
  if (Array.isArray(facets) && facets.length > 0) {
    return `a diamond of ${String(facets.length)} facets (EIP-2535), which diamondCut changes one by one`;
  }
  const singleton = addressInWord(firstWord);
  if (typeof threshold === "bigint" && singleton !== undefined) {
    return `a Safe with the singleton ${OxAddress.checksum(singleton)}, which only its owners change`;
  }
  return delegates(code)
    ? "a proxy of a family that isn't known here, for it delegates calls and has none of the known slots"
    : undefined;
}

/** DELEGATECALL among the instructions, not among the constants. */
function delegates(code: Hex): boolean {
  return [...readInstructions(code)].some(
    ({ opcode }) => opcode === DELEGATECALL,
  );
}
