import type { JournalRecord } from "../../run/journal.js";
import type { Mined, SendEntry } from "./attempts.js";

/** A transaction of a run that the chain has taken. */
export interface MinedInStep extends Mined {
  readonly step: string;
}

/** Names have no commas. */
const SEPARATOR = ",";

/** What a transaction is known by in its step: those it is for. */
export function keyOf(contracts: readonly string[]): string {
  return contracts.join(SEPARATOR);
}

export function isFor({ key }: Pick<Mined, "key">, contract: string): boolean {
  return key.split(SEPARATOR).includes(contract);
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
