import * as Hash from "ox/Hash";
import * as Hex from "ox/Hex";

import type { Address, Hex as HexString } from "../core/hex.js";
import type { StorageLayout } from "../implementation/storage-layout.js";
import { variablesOf, type Variable } from "../recovery/safety/variables.js";

/** Slots after the first in which an entry of a mapping, or an array's data, is looked for. */
const REACH = 64n;

/**
 * What lies in a slot by a contract's layout: its variables, the data of a
 * long string, bytes or array, the entry of a mapping for one of these keys.
 *
 * @param keys - Accounts that have to do with the matter.
 * @returns undefined when the layout doesn't explain the slot.
 */
export function labelSlot(
  slot: HexString,
  layout: StorageLayout,
  keys: readonly Address[],
): string | undefined {
  const number = BigInt(slot);
  const variables = variablesOf(layout);
  const within = variables.filter(({ begin, bytes }) => {
    const end = begin + bytes;
    return begin < (number + 1n) * 32n && number * 32n < end;
  });
  if (within.length > 0) {
    return within.map(({ label }) => label).join(", ");
  }
  for (const variable of variables) {
    const label = labelHashed(number, variable, keys);
    if (label !== undefined) {
      return label;
    }
  }
  return undefined;
}

function labelHashed(
  slot: bigint,
  { label, typeId, begin }: Variable,
  keys: readonly Address[],
): string | undefined {
  const place = Hex.fromNumber(begin / 32n, { size: 32 });
  if (typeId.startsWith("t_mapping(t_address,")) {
    const key = keys.find((one) =>
      isNear(slot, Hash.keccak256(Hex.concat(Hex.padLeft(one, 32), place))),
    );
    return key === undefined ? undefined : `${label}[${key}]`;
  }
  const isSequence = /^t_(string|bytes)_storage$|\)dyn_storage$/.test(typeId);
  return isSequence && isNear(slot, Hash.keccak256(place))
    ? `${label}, its data`
    : undefined;
}

function isNear(slot: bigint, first: HexString): boolean {
  const distance = slot - BigInt(first);
  return distance >= 0n && distance < REACH;
}
