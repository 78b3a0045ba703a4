import type { JournalEvent, JournalRecord } from "../run/journal.js";
import type { IncidentSignature, IncidentTransaction } from "./incident.js";
import { subjectOf } from "../route/direct/mined.js";
import { intentsIn } from "./transactions.js";

type RunStarted = Extract<JournalEvent, { type: "run-started" }>;

/** What happened at a moment: ISO 8601, UTC. */
export type TimelineEvent = { readonly at: string } & (
  | {
      readonly type: "approved";
      readonly procedure: string;
      readonly steps: number;
      readonly digest: string;
      readonly by?: string;
    }
  | { readonly type: "resumed"; readonly by?: string }
  | { readonly type: "started" | "done" | "already"; readonly step: string }
  | { readonly type: "failed"; readonly step: string; readonly reason: string }
  | { readonly type: "waiting"; readonly reason: string }
  | {
      readonly type: "sending";
      readonly subject: string;
      readonly from: string;
      readonly nonce: number;
    }
  | { readonly type: "mined"; readonly transaction: IncidentTransaction }
  | { readonly type: "signed"; readonly signature: IncidentSignature }
  | { readonly type: "complete" }
);

/** All that happened, in the order of its time. */
export function timelineOf(
  { steps }: RunStarted,
  records: readonly JournalRecord[],
  transactions: readonly IncidentTransaction[],
  signatures: readonly IncidentSignature[],
): readonly TimelineEvent[] {
  const titles = new Map(steps.map(({ id, title }) => [id, title]));
  const titleOf = (step: string): string => titles.get(step) ?? step;
  const events = [
    ...records.flatMap((record) => [
      ...eventsOf(record, titleOf),
      ...transactions
        .filter(({ seq }) => seq === record.seq)
        .map((transaction) => ({
          type: "mined" as const,
          at: record.at,
          transaction,
        })),
    ]),
    ...signatures.map((signature) => ({
      type: "signed" as const,
      at: signature.at,
      signature,
    })),
  ];
  return events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function eventsOf(
  record: JournalRecord,
  titleOf: (step: string) => string,
): readonly TimelineEvent[] {
  const { at } = record;
  switch (record.type) {
    case "run-started": {
      const { procedure, steps, digest, by } = record;
      return [
        {
          type: "approved",
          at,
          procedure,
          steps: steps.length,
          digest,
          ...(by === undefined ? {} : { by }),
        },
      ];
    }
    case "run-resumed":
      return [
        {
          type: "resumed",
          at,
          ...(record.by === undefined ? {} : { by: record.by }),
        },
      ];
    case "step-started":
      return [{ type: "started", at, step: titleOf(record.step) }];
    case "step-entry":
      return intentsIn(record).map(({ key, from, nonce }) => ({
        type: "sending",
        at,
        subject: subjectOf({ key }),
        from,
        nonce,
      }));
    case "step-done":
      return [
        {
          type: record.already ? "already" : "done",
          at,
          step: titleOf(record.step),
        },
      ];
    case "step-failed": {
      const reason = `${record.code}: ${record.message}`;
      return [{ type: "failed", at, step: titleOf(record.step), reason }];
    }
    case "run-waiting":
      return [{ type: "waiting", at, reason: record.reason }];
    case "run-done":
      return [{ type: "complete", at }];
  }
}
