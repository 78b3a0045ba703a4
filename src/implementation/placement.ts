import {
  arrayLength,
  structFields,
  typeArguments,
  typeLabel,
  type StorageLayout,
  type StorageTypes,
} from "./storage-layout.js";

interface Field {
  readonly type: string;
  slot?: string;
  offset?: number;
}

/**
 * The layout with slot, offset and size filled in wherever they are missing.
 * solc gives none for ERC-7201 namespaces, nor for anything when its
 * `storageLayout` output was off; they follow from the types alone.
 *
 * @returns undefined when the size of some type can't be told, or the formula
 * of a namespace's slot.
 * @see https://docs.soliditylang.org/en/latest/internals/layout_in_storage.html
 */
export function withPlacement(
  layout: StorageLayout,
): StorageLayout | undefined {
  // What OpenZeppelin leaves undefined would be lost in a record.
  const placed = JSON.parse(JSON.stringify(layout)) as StorageLayout;
  const top = placed.storage;
  if (
    top.some(({ slot }) => slot === undefined) &&
    place(top, placed.types, BigInt(placed.baseSlot ?? 0)) === undefined
  ) {
    return undefined;
  }
  for (const [name, fields] of Object.entries(placed.namespaces ?? {})) {
    if (
      !name.startsWith("erc7201:") ||
      place(fields, placed.types, 0n) === undefined
    ) {
      return undefined;
    }
  }
  const ids = [top, ...Object.values(placed.namespaces ?? {})].flatMap(
    (fields) => fields.map(({ type }) => type),
  );
  return completeTypes(ids, placed.types) ? placed : undefined;
}

/** Sizes for these types and all they are made of, and places for struct fields. */
function completeTypes(ids: readonly string[], types: StorageTypes): boolean {
  const pending = [...ids];
  const seen = new Set<string>();
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (seen.has(id)) {
      continue;
    }
    seen.add(id);
    const bytes = sizeOf(id, types);
    if (bytes === undefined) {
      return false;
    }
    const item = (types[id] ??= { label: typeLabel(id, types) });
    item.numberOfBytes = String(bytes);
    const fields = structFields(id, types);
    if (fields !== undefined) {
      place(fields, types, 0n);
      pending.push(...fields.map(({ type }) => type));
    } else if (/^t_(mapping|array)\(/.test(id)) {
      pending.push(...typeArguments(id));
    }
  }
  return true;
}

/** Puts fields one after the other as solc does; the bytes they take, or undefined. */
function place(
  fields: Field[],
  types: StorageTypes,
  baseSlot: bigint,
): bigint | undefined {
  // In bytes from the base slot.
  let next = 0n;
  for (const field of fields) {
    const bytes = sizeOf(field.type, types);
    if (bytes === undefined) {
      return undefined;
    }
    if (fillsSlots(field.type) || (next % 32n) + bytes > 32n) {
      next = roundUp(next);
    }
    field.slot = String(baseSlot + next / 32n);
    field.offset = Number(next % 32n);
    next += bytes;
  }
  return roundUp(next);
}

/** Bytes a type takes in storage; 32 for what lives at hashed slots. */
function sizeOf(typeId: string, types: StorageTypes): bigint | undefined {
  const known = types[typeId]?.numberOfBytes;
  if (known !== undefined) {
    return BigInt(known);
  }
  const length = arrayLength(typeId);
  if (typeof length === "bigint") {
    return arraySize(typeArguments(typeId)[0] ?? "", length, types);
  }
  const fields = structFields(typeId, types);
  if (fields !== undefined) {
    return place(
      fields.map(({ type }) => ({ type })),
      types,
      0n,
    );
  }
  return elementarySize(typeId, types);
}

function arraySize(
  elementId: string,
  length: bigint,
  types: StorageTypes,
): bigint | undefined {
  const element = sizeOf(elementId, types);
  if (element === undefined) {
    return undefined;
  }
  if (element > 16n) {
    return length * roundUp(element);
  }
  const perSlot = 32n / element;
  return ((length + perSlot - 1n) / perSlot) * 32n;
}

function elementarySize(
  typeId: string,
  types: StorageTypes,
): bigint | undefined {
  if (/^t_(mapping\(|array\(|bytes_storage|string_storage)/.test(typeId)) {
    return 32n;
  }
  if (/^t_(address|contract)/.test(typeId)) {
    return 20n;
  }
  if (typeId.startsWith("t_enum")) {
    // Since Solidity 0.8.0 an enum has at most 256 members.
    const members = types[typeId]?.members?.length;
    return members === undefined ? undefined : members > 256 ? 2n : 1n;
  }
  if (typeId.startsWith("t_userDefinedValueType")) {
    const underlying = types[typeId]?.underlying;
    return underlying === undefined ? undefined : sizeOf(underlying, types);
  }
  if (typeId.startsWith("t_function_")) {
    return typeId.startsWith("t_function_external") ? 24n : 8n;
  }
  if (typeId === "t_bool") {
    return 1n;
  }
  const bits = /^t_u?int(\d+)$/.exec(typeId)?.[1];
  if (bits !== undefined) {
    return BigInt(bits) / 8n;
  }
  const bytes = /^t_bytes(\d+)$/.exec(typeId)?.[1];
  return bytes === undefined ? undefined : BigInt(bytes);
}

/** Structs, arrays, mappings, bytes and strings share a slot with nobody; their sizes are whole slots. */
function fillsSlots(typeId: string): boolean {
  return /^t_(struct|array|mapping|bytes_storage|string_storage)/.test(typeId);
}

function roundUp(bytes: bigint): bigint {
  return ((bytes + 31n) / 32n) * 32n;
}
