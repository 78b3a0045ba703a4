import type { JournalRecord } from "../../run/journal.js";
import type { Mined, SendEntry } from "./attempts.js";

/** A transaction of a run that the chain has taken. */
export interface MinedInStep extends Mined {
  readonly step: string;
}

/** All transactions that a journal knows to be mined, in its order. */
export function minedTransactions(
  records: readonly JournalRecord[],
): MinedInStep[] {
  return records.flatMap((record) => {
    if (record.type !== "step-entry") {
      return [];
    }
    const entry = record.entry as unknown as SendEntry;
    return entry.kind === "mined"
      ? entry.mined.map((mined) => ({ ...mined, step: record.step }))
      : [];
  });
}
