import * as Hash from "ox/Hash";
import * as Hex from "ox/Hex";
import type { Hex as HexString } from "../../core/hex.js";
import {
  arrayLength,
  structFields,
  typeLabel,
  type StorageLayout,
} from "../../implementation/storage-layout.js";

/** A piece of a proxy's storage, as one implementation sees it. */
export interface Variable {
  /** `config.fee` for a member of a struct. */
  readonly label: string;
  /** solc's id of the type, to be looked up in `layout`. */
  readonly typeId: string;
  readonly type: string;
  /** Where its first byte is, counted from the start of storage. */
  readonly begin: bigint;
  readonly bytes: bigint;
  /** `erc7201:openzeppelin.storage.Pausable`. */
  readonly namespace?: string;
  /** What `@custom:oz-retyped-from` says. */
  readonly retypedFrom?: string;
  readonly layout: StorageLayout;
}

interface Field {
  readonly label: string;
  readonly type: string;
  readonly slot?: string;
  readonly offset?: number;
  readonly retypedFrom?: string;
}

/**
 * All variables in order of place. Structs are taken apart; gaps, which hold
 * nothing, are left out.
 *
 * @param layout - Complete: every field has its place and every type its size.
 */
export function variablesOf(layout: StorageLayout): Variable[] {
  const plain = flatten(layout.storage, 0n, "", layout);
  const namespaced = Object.entries(layout.namespaces ?? {}).flatMap(
    ([namespace, fields]) =>
      flatten(fields, namespaceSlot(namespace), "", layout).map((variable) => ({
        ...variable,
        namespace,
      })),
  );
  return [...plain, ...namespaced].sort((a, b) => (a.begin < b.begin ? -1 : 1));
}

export function slotOf({ begin }: Variable): HexString {
  return Hex.fromNumber(begin / 32n, { size: 32 });
}

export function offsetOf({ begin }: Variable): number {
  return Number(begin % 32n);
}

function flatten(
  fields: readonly Field[],
  baseSlot: bigint,
  prefix: string,
  layout: StorageLayout,
): Variable[] {
  return fields.filter(isNoGap).flatMap((field) => {
    const { type, retypedFrom } = field;
    const slot = baseSlot + BigInt(field.slot ?? 0);
    const label = prefix + field.label;
    const members = structFields(type, layout.types);
    if (members !== undefined) {
      return flatten(members, slot, `${label}.`, layout);
    }
    return {
      label,
      typeId: type,
      type: typeLabel(type, layout.types),
      begin: slot * 32n + BigInt(field.offset ?? 0),
      bytes: BigInt(layout.types[type]?.numberOfBytes ?? 0),
      ...(retypedFrom === undefined ? {} : { retypedFrom }),
      layout,
    };
  });
}

/** OpenZeppelin's convention: an array called `__gap`, or `__gap_` and more. */
function isNoGap({ label, type }: Field): boolean {
  return arrayLength(type) === undefined || !/^__gap(_|$)/.test(label);
}

/**
 * Where a namespace's struct begins.
 *
 * @see https://eips.ethereum.org/EIPS/eip-7201
 */
export function namespaceSlot(namespace: string): bigint {
  const id = namespace.replace(/^erc7201:/, "");
  const inner = BigInt(Hash.keccak256(Hex.fromString(id))) - 1n;
  const slot = BigInt(Hash.keccak256(Hex.fromNumber(inner, { size: 32 })));
  return slot & ~0xffn;
}
