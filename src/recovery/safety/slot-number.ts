import { DrError } from "../../core/errors.js";
import type { Hex } from "../../core/hex.js";

/** Beyond this a slot is a hash, and nobody counts to it. */
const FIRST_HASHED = 1_000_000n;

/** As a person says it: `3`, and a hash in full. */
export function formatSlot(slot: Hex): string {
  const number = BigInt(slot);
  return number < FIRST_HASHED ? String(number) : slot;
}

/**
 * @param text - Decimal, or hexadecimal with `0x`.
 * @throws {DrError} STORAGE_SLOT_INVALID
 */
export function parseSlot(text: string): bigint {
  const digits = text.trim();
  if (!/^(\d{1,78}|0x[0-9a-f]{1,64})$/i.test(digits)) {
    throw new DrError("STORAGE_SLOT_INVALID", { slot: text });
  }
  return BigInt(digits);
}
