import type { Address, Hex } from "../core/hex.js";
import type { MinedInStep } from "../route/direct/mined.js";
import type { ApprovedStep } from "../run/plan.js";
import type { JournalEvent, JournalRecord } from "../run/journal.js";
import { callsIn, type IncidentCall } from "./calls.js";
import { describeContracts, type IncidentContract } from "./contracts.js";
import { titleOf } from "./title.js";
import { timelineOf, type TimelineEvent } from "./timeline.js";
import { transactionsOf } from "./transactions.js";

type RunStarted = Extract<JournalEvent, { type: "run-started" }>;

/** One owner's yes to a transaction of the run. */
export interface IncidentSignature {
  readonly safe: Address;
  readonly safeTxHash: Hex;
  readonly signer: Address;
  /** How it was given: `eip712`, `approved`, … */
  readonly kind: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** A transaction that the chain took. */
export interface IncidentTransaction extends Omit<
  MinedInStep,
  "contract" | "key"
> {
  /** The contracts it is for. */
  readonly subject: string;
  /** ISO 8601, UTC: when the run learnt of it. */
  readonly at: string;
  /** Of the journal record that tells of it. */
  readonly seq: number;
  readonly from?: Address;
}

export interface IncidentStep {
  readonly title: string;
  readonly status: "done" | "already" | "failed" | "waiting" | "not-reached";
  /** ISO 8601, UTC; when it came to this. */
  readonly at?: string;
}

/** A run as a post-mortem tells it. */
export interface Incident {
  readonly id: string;
  readonly title: string;
  readonly run: string;
  readonly procedure: string;
  readonly network: string;
  readonly chainId: number;
  /** Of the first record and of the last: ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly status: "done" | "waiting" | "unfinished";
  /** What is waited for, or what went wrong last; empty when it is done. */
  readonly note: string;
  /** `user@host` of everybody who ran it. */
  readonly by: readonly string[];
  readonly digest: string;
  readonly toolVersion: string;
  readonly contracts: readonly IncidentContract[];
  readonly timeline: readonly TimelineEvent[];
  readonly steps: readonly IncidentStep[];
  readonly calls: readonly IncidentCall[];
  readonly transactions: readonly IncidentTransaction[];
  readonly signatures: readonly IncidentSignature[];
}

/** What a journal doesn't say itself. */
export interface IncidentSources {
  readonly title?: string;
  readonly signatures?: readonly IncidentSignature[];
  /** keccak256 of known implementations' code, by address in lower case. */
  readonly codeHashes?: ReadonlyMap<string, string>;
}

/**
 * What happened in a run, from its journal alone.
 *
 * @param started - Its first record.
 * @param records - All of it.
 */
export function describeIncident(
  run: string,
  started: RunStarted,
  records: readonly JournalRecord[],
  { title, signatures = [], codeHashes = new Map() }: IncidentSources = {},
): Incident {
  const { procedure, network, chainId, digest, toolVersion } = started;
  const contracts = describeContracts(started, records, codeHashes);
  const transactions = transactionsOf(records);
  const ordered = [...signatures].sort((a, b) => (a.at < b.at ? -1 : 1));
  return {
    id: `INC-${run}`,
    title: title ?? titleOf(procedure, network, contracts),
    run,
    procedure,
    network,
    chainId,
    startedAt: records[0]?.at ?? "",
    endedAt: records.at(-1)?.at ?? "",
    ...standingOf(records),
    by: peopleOf(records),
    digest,
    toolVersion,
    contracts,
    timeline: timelineOf(started, records, transactions, ordered),
    steps: started.steps.map((step) => describeStep(step, records)),
    calls: started.steps.flatMap(({ approval }) => callsIn(approval)),
    transactions,
    signatures: ordered,
  };
}

function standingOf(
  records: readonly JournalRecord[],
): Pick<Incident, "status" | "note"> {
  const last = records.at(-1);
  switch (last?.type) {
    case "run-done":
      return { status: "done", note: "" };
    case "run-waiting":
      return { status: "waiting", note: last.reason };
    case "step-failed":
      return { status: "unfinished", note: `${last.code}: ${last.message}` };
    default:
      return { status: "unfinished", note: "It stopped without a word." };
  }
}

function peopleOf(records: readonly JournalRecord[]): readonly string[] {
  const people = records.flatMap((record) =>
    (record.type === "run-started" || record.type === "run-resumed") &&
    record.by !== undefined
      ? [record.by]
      : [],
  );
  return [...new Set(people)];
}

/** By the last that the journal says of it. */
function describeStep(
  { id, title }: ApprovedStep,
  records: readonly JournalRecord[],
): IncidentStep {
  const last = records.findLast(
    (record) =>
      (record.type === "step-done" ||
        record.type === "step-failed" ||
        record.type === "run-waiting") &&
      record.step === id,
  );
  switch (last?.type) {
    case "step-done":
      return { title, status: last.already ? "already" : "done", at: last.at };
    case "step-failed":
      return { title, status: "failed", at: last.at };
    case "run-waiting":
      return { title, status: "waiting", at: last.at };
    default:
      return { title, status: "not-reached" };
  }
}
