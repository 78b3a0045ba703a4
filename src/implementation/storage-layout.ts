import type { StorageLayout } from "@openzeppelin/upgrades-core";

/** OpenZeppelin's form of a storage layout; the one its manifests and ours keep. */
export type { StorageLayout };

export type StorageTypes = StorageLayout["types"];

export interface StructField {
  readonly label: string;
  readonly type: string;
  slot?: string;
  offset?: number;
}

export function structFields(
  typeId: string,
  types: StorageTypes,
): StructField[] | undefined {
  const members = types[typeId]?.members;
  return typeId.startsWith("t_struct") && typeof members?.[0] === "object"
    ? (members as StructField[])
    : undefined;
}

/** How many members an enum has; undefined for anything else. */
export function enumSize(
  typeId: string,
  types: StorageTypes,
): number | undefined {
  return typeId.startsWith("t_enum")
    ? types[typeId]?.members?.length
    : undefined;
}

/** `uint256`, `mapping(address => uint256)`. */
export function typeLabel(typeId: string, types: StorageTypes): string {
  return types[typeId]?.label ?? typeId.replace(/^t_/, "");
}

/**
 * The types inside the parentheses of a type id:
 * `t_mapping(t_address,t_array(t_uint8)dyn_storage)` has two.
 */
export function typeArguments(typeId: string): string[] {
  const list = typeId.slice(typeId.indexOf("(") + 1, typeId.lastIndexOf(")"));
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= list.length; index += 1) {
    const character = list[index];
    if (character === "(") {
      depth += 1;
    } else if (character === ")") {
      depth -= 1;
    } else if (depth === 0 && (character === "," || character === undefined)) {
      found.push(list.slice(start, index));
      start = index + 1;
    }
  }
  return found;
}

/** Elements of a static array, "dyn" of a dynamic one; undefined for anything else. */
export function arrayLength(typeId: string): bigint | "dyn" | undefined {
  const length = typeId.startsWith("t_array(")
    ? /^(\d+|dyn)/.exec(typeId.slice(typeId.lastIndexOf(")") + 1))?.[1]
    : undefined;
  return length === undefined || length === "dyn" ? length : BigInt(length);
}
