import * as Hex from "ox/Hex";
import type { BlockReader } from "../../chain/block-reader.js";
import type { Address, Hex as HexString } from "../../core/hex.js";
import { arrayLength } from "../../implementation/storage-layout.js";
import type { Variable } from "./variables.js";

/** A static array may be of any size; this much of it is read. */
const MOST_SLOTS = 32n;

/**
 * The bytes a variable has in a proxy's storage, and only those, as the reader's
 * block has them. Of a mapping, a dynamic array, bytes or a string it is the
 * slot that stands for it; of a static array its first 32 slots at most.
 */
export async function readPresentValue(
  reader: BlockReader,
  proxy: Address,
  { begin, bytes }: Variable,
): Promise<HexString> {
  const slot = begin / 32n;
  const count = bytes > 32n ? min((bytes + 31n) / 32n, MOST_SLOTS) : 1n;
  const words = await Promise.all(
    Array.from({ length: Number(count) }, async (_, index) =>
      reader.storage(proxy, Hex.fromNumber(slot + BigInt(index), { size: 32 })),
    ),
  );
  if (bytes > 32n) {
    return Hex.concat(...words);
  }
  // Values are packed from the low end of the word.
  const word = BigInt(words[0] ?? "0x0") >> (8n * (begin % 32n));
  const mask = (1n << (8n * bytes)) - 1n;
  return Hex.fromNumber(word & mask, { size: Number(bytes) });
}

/** Whether {@link readPresentValue} gives all that there is in a variable's own slots. */
export function isReadWhole({ bytes }: Variable): boolean {
  return bytes <= MOST_SLOTS * 32n;
}

export function isZero(value: HexString): boolean {
  return /^0x0*$/.test(value);
}

/** What a person should know about a value that doesn't speak for itself. */
export function remarkOn(
  variable: Variable,
  value: HexString,
): string | undefined {
  const { typeId, bytes } = variable;
  if (typeId.startsWith("t_mapping")) {
    return "a mapping: which entries it has can't be read from storage";
  }
  if (arrayLength(typeId) === "dyn") {
    return `an array with ${String(BigInt(value))} elements`;
  }
  if (typeId === "t_string_storage" || typeId === "t_bytes_storage") {
    return `${String(byteLength(BigInt(value)))} bytes long`;
  }
  return isReadWhole(variable)
    ? undefined
    : `its first ${String(MOST_SLOTS)} slots of ${String(bytes / 32n)}`;
}

/** Up to 31 bytes are in the slot with twice their number; more are elsewhere. */
function byteLength(word: bigint): bigint {
  return word % 2n === 1n ? word / 2n : (word % 256n) / 2n;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
