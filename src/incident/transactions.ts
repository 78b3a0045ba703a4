import type { Address } from "../core/hex.js";
import type { SendEntry } from "../route/direct/attempts.js";
import { minedTransactions, subjectOf } from "../route/direct/mined.js";
import type { JournalRecord } from "../run/journal.js";
import type { IncidentTransaction } from "./incident.js";

/** All that the chain took of a run, with who sent it. */
export function transactionsOf(
  records: readonly JournalRecord[],
): readonly IncidentTransaction[] {
  const senders = new Map<string, Address>();
  return records.flatMap((record) => {
    for (const { key, from } of intentsIn(record)) {
      senders.set(`${stepOf(record)} ${key}`, from);
    }
    return minedTransactions([record]).map(
      ({ key, step, hash, block, status, gasUsed }) => {
        const from = senders.get(`${step} ${key}`);
        return {
          subject: subjectOf({ key }),
          step,
          hash,
          block,
          status,
          gasUsed,
          at: record.at,
          seq: record.seq,
          ...(from === undefined ? {} : { from }),
        };
      },
    );
  });
}

/** What a record announces to be sent, and by whom. */
export function intentsIn(record: JournalRecord): readonly {
  readonly key: string;
  readonly from: Address;
  readonly nonce: number;
}[] {
  if (record.type !== "step-entry") {
    return [];
  }
  const entry = record.entry as unknown as SendEntry;
  return entry.kind === "intent"
    ? entry.intents.map(({ key, transaction: { from, nonce } }) => ({
        key,
        from,
        nonce,
      }))
    : [];
}

function stepOf(record: JournalRecord): string {
  return "step" in record ? record.step : "";
}
