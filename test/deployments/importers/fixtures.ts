import { fileURLToPath } from "node:url";

import * as OxAddress from "ox/Address";

import type { Address, Hex } from "../../../src/core/hex.js";
import type { Place } from "../../../src/deployments/importers/importer.js";

export const SEPOLIA = 11_155_111;

/** A project with one tool's records. */
export function fixture(name: string, chainId = SEPOLIA): Place {
  const root = fileURLToPath(
    new URL(`../../fixtures/importers/${name}`, import.meta.url),
  );
  return { root, network: "sepolia", chainId };
}

/** In the fixtures, contract 0x21 is at 0x2121…, deployed by 0x2121…, in block 100 more. */
export function addressOf(digits: string): Address {
  return OxAddress.checksum(`0x${digits.repeat(20)}`);
}

export function txOf(digits: string): Hex {
  return `0x${digits.repeat(32)}`;
}
