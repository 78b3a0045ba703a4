import * as OxAddress from "ox/Address";

import type { Address, Hex } from "../core/hex.js";

/** More than any proxy has; code that somebody made up isn't asked for ever. */
const MOST = 8;

/**
 * The addresses that are constants in a contract's code, as immutables and
 * hand-written proxies have them: PUSH20, or PUSH32 of a padded one. What looks
 * like one may be something else: ask the chain.
 */
export function findEmbeddedAddresses(code: Hex): readonly Address[] {
  const found = code
    .toLowerCase()
    .matchAll(/(?:73|7f0{24})(?!0{20}|f{20})([0-9a-f]{40})/g);
  const addresses = [...found].map(([, digits = ""]) =>
    OxAddress.checksum(`0x${digits}`),
  );
  return [...new Set(addresses)].slice(0, MOST);
}
