import { join, relative, sep } from "node:path";

import type { Hex } from "../../core/hex.js";
import { startOf } from "../../run/conduct.js";
import {
  readJournal,
  type JournalEvent,
  type JournalRecord,
} from "../../run/journal.js";
import { describeContracts } from "../contracts.js";
import { describeIncident, type Incident } from "../incident.js";

type RunStarted = Extract<JournalEvent, { type: "run-started" }>;

/** A run as an incident keeps it: enough to tell of it when its own journal is lost. */
export interface RunAccount {
  readonly run: string;
  readonly procedure: string;
  readonly network: string;
  readonly chainId: number;
  readonly status: Incident["status"];
  /** ISO 8601, UTC, here and below. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** `hash` of the last record of the run's journal. */
  readonly head: string;
  /** The journal's path from the incident's folder. */
  readonly journal: string;
  /** When the first contract was proven to be paused by it. */
  readonly pausedAt?: string;
  /** When all that was to be brought back was proven to be. */
  readonly recoveredAt?: string;
  readonly transactions: readonly RunTransaction[];
}

export interface RunTransaction {
  readonly hash: Hex;
  /** The contracts it is for. */
  readonly subject: string;
  /** Decimal. */
  readonly block: string;
  readonly status: string;
  readonly at: string;
}

/** What brings contracts back; a pause only stops the damage. */
const RECOVERIES = ["rollback", "upgrade", "emergency", "unpause"];

/** A run's account for an incident's folder. */
export type AccountFor = (incidentFolder: string) => RunAccount;

/**
 * A run as its journal on this machine tells it now.
 *
 * @param deployments - `deployments/<network>`.
 * @throws {DrError} JOURNAL_UNREADABLE, JOURNAL_TAMPERED, JOURNAL_EMPTY.
 */
export async function readAccount(
  deployments: string,
  run: string,
): Promise<AccountFor> {
  const path = join(deployments, "runs", `${run}.ndjson`);
  const { records } = await readJournal(path);
  const started = startOf(records, path);
  return (incidentFolder) => {
    const link = relative(incidentFolder, path).split(sep).join("/");
    return accountOfRun(run, started, records, link);
  };
}

/**
 * A run from its journal.
 *
 * @param journal - Its path from the incident's folder.
 */
function accountOfRun(
  run: string,
  started: RunStarted,
  records: readonly JournalRecord[],
  journal: string,
): RunAccount {
  const incident = describeIncident(run, started, records);
  const { procedure, network, chainId, status, startedAt, endedAt } = incident;
  const pausedAt = findPause(started, records);
  const isRecovery = RECOVERIES.includes(procedure) || isUnpausing(started);
  return {
    run,
    procedure,
    network,
    chainId,
    status,
    startedAt,
    endedAt,
    head: records.at(-1)?.hash ?? "",
    journal,
    ...(pausedAt === undefined ? {} : { pausedAt }),
    ...(isRecovery && status === "done" ? { recoveredAt: endedAt } : {}),
    transactions: incident.transactions.map(
      ({ hash, subject, block, status, at }) => ({
        hash,
        subject,
        block,
        status,
        at,
      }),
    ),
  };
}

/** The first moment at which the run has proved a contract paused that wasn't. */
function findPause(
  started: RunStarted,
  records: readonly JournalRecord[],
): string | undefined {
  return records.find((record, index) => {
    if (record.type !== "step-done") {
      return false;
    }
    const known = records.slice(0, index + 1);
    return (
      (record.step === "verify" && effectsOf(started).some(isPausing)) ||
      describeContracts(started, known, new Map()).some(
        ({ before, after }) => after.paused === true && before.paused !== true,
      )
    );
  })?.at;
}

interface RecordedEffect {
  readonly kind: string;
  readonly paused?: boolean;
}

/** Of a Safe's transaction: what is verified once it is executed. */
function effectsOf({ intent }: RunStarted): readonly RecordedEffect[] {
  const { effects } = intent as unknown as {
    readonly effects?: readonly RecordedEffect[];
  };
  return effects ?? [];
}

function isPausing({ kind, paused }: RecordedEffect): boolean {
  return kind === "paused" && paused === true;
}

/** Whether a Safe's transaction unpauses or moves an implementation. */
function isUnpausing(started: RunStarted): boolean {
  return effectsOf(started).some(
    ({ kind, paused }) => kind === "implementation" || paused === false,
  );
}
