import * as Hash from "ox/Hash";
import * as OxAddress from "ox/Address";

import { encodeValues } from "../chain/abi.js";
import type { Json } from "../core/canonical-json.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import type { BookSlot, Expectation } from "./expectation.js";

/** `_timestamps` of OpenZeppelin's TimelockController, 3.4 to 5. */
const TIMESTAMPS = 1n;
/** `_schedules` of OpenZeppelin's AccessManager, 5. */
const SCHEDULES = 2n;

/** `nonce` of a Safe, 1.0 to 1.5. */
const SAFE_NONCE: Hex = `0x${"5".padStart(64, "0")}`;

/** Where a step that goes through others is booked, by what was approved of it. */
export function booksOf(approval: Json): readonly BookSlot[] {
  const { timelock, operation, manager, operations, safe } = approval as {
    readonly safe?: Address;
    readonly timelock?: Address;
    readonly operation?: Hex;
    readonly manager?: Address;
    readonly operations?: readonly Hex[];
  };
  return [
    ...(safe === undefined
      ? []
      : [
          {
            account: OxAddress.checksum(safe),
            slot: SAFE_NONCE,
            label: "the Safe's nonce",
          },
        ]),
    ...(timelock === undefined || operation === undefined
      ? []
      : [
          {
            account: OxAddress.checksum(timelock),
            slot: entryOf(operation, TIMESTAMPS),
            label: "the operation's time",
          },
        ]),
    ...(manager === undefined || operations === undefined
      ? []
      : operations.map((one) => ({
          account: OxAddress.checksum(manager),
          slot: entryOf(one, SCHEDULES),
          label: "the operation's schedule",
        }))),
  ];
}

/** What a slot is, if it is one of these. */
export function findBook(
  { books }: Pick<Expectation, "books">,
  account: Address,
  slot: Hex,
): string | undefined {
  return books.find(
    (book) => sameAddress(book.account, account) && book.slot === slot,
  )?.label;
}

/** The slot of a mapping's entry. */
function entryOf(key: Hex, mapping: bigint): Hex {
  return Hash.keccak256(encodeValues(["bytes32", "uint256"], [key, mapping]));
}
