import type { JournalRecord } from "../../run/journal.js";
import type { Mined, SendEntry } from "./attempts.js";

/** A transaction of a run that the chain has taken. */
export interface MinedInStep extends Mined {
  readonly step: string;
}

/** Names have neither. */
const SEPARATOR = ",";
const ORDINAL = "#";

/** What a step's only transaction is known by: those it is for. */
export function keyOf(contracts: readonly string[]): string {
  return contracts.join(SEPARATOR);
}

/** What the transactions of a step are known by; a second one for the same contracts is `Name#2`. */
export function keysOf(
  transactions: readonly { readonly contracts: readonly string[] }[],
): readonly string[] {
  const counts = new Map<string, number>();
  return transactions.map(({ contracts }) => {
    const key = keyOf(contracts);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count === 1 ? key : `${key}${ORDINAL}${String(count)}`;
  });
}

/** Those a transaction is for, as in its key. */
export function subjectOf({ key }: Pick<Mined, "key">): string {
  return key.split(ORDINAL)[0] ?? "";
}

export function isFor(
  transaction: Pick<Mined, "key">,
  contract: string,
): boolean {
  return subjectOf(transaction).split(SEPARATOR).includes(contract);
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
