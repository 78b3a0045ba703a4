import type { JournalEvent, JournalRecord } from "../run/journal.js";
import type { ApprovedStep } from "../run/plan.js";
import type { ContractChange } from "../recovery/change-intent.js";
import { callsIn } from "./calls.js";

type RunStarted = Extract<JournalEvent, { type: "run-started" }>;

/** A contract at one moment; what isn't known is absent. */
export interface ContractMoment {
  readonly implementation?: string;
  readonly version?: string;
  /** keccak256 of the implementation's code. */
  readonly codeHash?: string;
  readonly paused?: boolean;
}

/** What a run made of a contract. */
export interface IncidentContract {
  readonly name: string;
  readonly proxy: string;
  readonly before: ContractMoment;
  /** As the run has proved it; what it hasn't got to is absent. */
  readonly after: ContractMoment;
}

/** As much of an intent as a document needs; a pause has less than a rollback. */
interface RecordedIntent {
  readonly reason?: string;
  /** Of a pause. */
  readonly paused?: boolean;
  readonly contracts?: readonly RecordedContract[];
}

type RecordedContract = Pick<ContractChange, "name" | "proxy"> &
  Partial<ContractChange>;

/** Before and after of all contracts of a run. */
export function describeContracts(
  started: RunStarted,
  records: readonly JournalRecord[],
  codeHashes: ReadonlyMap<string, string>,
): readonly IncidentContract[] {
  const intent = started.intent as RecordedIntent;
  const done = new Set(
    records.flatMap((record) =>
      record.type === "step-done" ? [record.step] : [],
    ),
  );
  return (intent.contracts ?? []).map((contract) => {
    const isDone = (...groups: readonly string[]): boolean =>
      areDone(started.steps, done, contract.name, groups);
    return {
      name: contract.name,
      proxy: contract.proxy,
      ...(intent.paused === undefined
        ? describeChange(contract, intent, codeHashes, isDone)
        : describePause(intent.paused, isDone(started.procedure))),
    };
  });
}

type Moments = Pick<IncidentContract, "before" | "after">;

/** Those that were so already are no part of a pause's intent. */
function describePause(paused: boolean, isDone: boolean): Moments {
  return { before: { paused: !paused }, after: isDone ? { paused } : {} };
}

function describeChange(
  contract: RecordedContract,
  { reason = "" }: RecordedIntent,
  codeHashes: ReadonlyMap<string, string>,
  isDone: (...groups: readonly string[]) => boolean,
): Moments {
  const { from, to, toCodeHash, versionBefore, versionAfter } = contract;
  const codeHash = from && codeHashes.get(from.toLowerCase());
  const wasPaused = pausedBefore(contract);
  const isPaused = pausedAfter(contract, reason, isDone);
  return {
    before: {
      ...(from && { implementation: from }),
      ...(versionBefore !== undefined && { version: versionBefore }),
      ...(codeHash !== undefined && { codeHash }),
      ...(wasPaused !== undefined && { paused: wasPaused }),
    },
    after: {
      ...(isDone("verify") && {
        ...(to && { implementation: to }),
        ...(versionAfter !== undefined && { version: versionAfter }),
        ...(toCodeHash && { codeHash: toCodeHash }),
      }),
      ...(isPaused !== undefined && { paused: isPaused }),
    },
  };
}

/** What is paused by the run wasn't before; what is only unpaused was. */
function pausedBefore({
  pauseRoute,
  unpauseRoute,
}: RecordedContract): boolean | undefined {
  return pauseRoute === undefined && unpauseRoute === undefined
    ? undefined
    : pauseRoute === undefined;
}

function pausedAfter(
  contract: RecordedContract,
  reason: string,
  isDone: (...groups: readonly string[]) => boolean,
): boolean | undefined {
  const { pauseRoute, unpauseRoute } = contract;
  // What goes together with the upgrade has no step of its own.
  if (unpauseRoute !== undefined && isDone("unpause", reason)) {
    return false;
  }
  if (pauseRoute !== undefined && isDone("pause", reason)) {
    return true;
  }
  return pausedBefore(contract);
}

/**
 * Whether all steps of a group that are for a contract are done: of the first
 * of these groups that has any.
 */
function areDone(
  steps: readonly ApprovedStep[],
  done: ReadonlySet<string>,
  contract: string,
  groups: readonly string[],
): boolean {
  const own = groups
    .map((group) =>
      steps.filter(
        ({ id, approval }) =>
          (id === group || id.startsWith(`${group}:`)) &&
          isFor(approval, contract),
      ),
    )
    .find((found) => found.length > 0);
  return own?.every(({ id }) => done.has(id)) ?? false;
}

/** A step without calls, a wait say, is for all. */
function isFor(approval: ApprovedStep["approval"], contract: string): boolean {
  const calls = callsIn(approval);
  return (
    calls.length === 0 ||
    calls.some(({ contracts }) => contracts?.includes(contract) ?? true)
  );
}
