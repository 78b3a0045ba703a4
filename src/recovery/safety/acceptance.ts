import { DrError } from "../../core/errors.js";
import type { RetypedVariable, SafetyReport } from "./safety-report.js";
import { formatSlot, parseSlot } from "./slot-number.js";

/**
 * Refuses a rollback that corrupts storage, unless a person named each slot.
 *
 * @param accepted - Slots, decimal or hexadecimal.
 * @throws {DrError} ROLLBACK_CORRUPTS_STORAGE when a slot is missing;
 * STORAGE_SLOT_INVALID.
 */
export function assertAcceptable(
  { proxy, retyped }: SafetyReport,
  accepted: readonly string[],
): void {
  const slots = new Set(accepted.map(parseSlot));
  const corrupting = retyped.filter(({ untouched }) => !untouched);
  const refused = corrupting.filter(({ slot }) => !slots.has(BigInt(slot)));
  if (refused.length > 0) {
    const needed = new Set(corrupting.map(({ slot }) => formatSlot(slot)));
    throw new DrError("ROLLBACK_CORRUPTS_STORAGE", {
      proxy,
      slots: refused.map(describe).join("\n"),
      needed: [...needed].join(","),
    });
  }
}

function describe({ slot, before, after, why }: RetypedVariable): string {
  return `  slot ${formatSlot(slot)}: ${before} → ${after} (${why})`;
}
