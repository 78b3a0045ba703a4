import * as OxAddress from "ox/Address";

import type { Address, Hex } from "../core/hex.js";
import {
  PUSH20,
  PUSH32,
  readInstructions,
  type Instruction,
} from "./instructions.js";

/** More than any proxy has; code that somebody made up isn't asked for ever. */
const MOST = 8;
/** Left out are the precompiles, and the mask that cuts a word to an address. */
const ADDRESS = /^(?:0{24})?(?!0{20}|f{20})([0-9a-f]{40})$/;

/**
 * The addresses that are constants in a contract's code, as immutables and
 * hand-written proxies have them: PUSH20, or PUSH32 of a padded one. What looks
 * like one may be something else: ask the chain.
 */
export function findEmbeddedAddresses(code: Hex): readonly Address[] {
  const found = [...readInstructions(code)].flatMap(addressIn);
  return [...new Set(found)].slice(0, MOST);
}

function addressIn({ opcode, constant }: Instruction): Address[] {
  const digits =
    opcode === PUSH20 || opcode === PUSH32
      ? ADDRESS.exec(constant)?.[1]
      : undefined;
  return digits === undefined ? [] : [OxAddress.checksum(`0x${digits}`)];
}
