import type { Json } from "../core/canonical-json.js";
import type { Address, Hex } from "../core/hex.js";

/**
 * What came of a drill, ready for JSON. Times of day are ISO 8601, UTC;
 * durations are seconds by a clock that nobody sets.
 */
export interface DrillReport {
  readonly schemaVersion: 1;
  readonly toolVersion: string;
  /** `DR_DRILL_20251126_112822` */
  readonly drillId: string;
  readonly project: string;
  readonly network: string;
  /** Of the project, as git has it; null where there is no repository. */
  readonly commit: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationSeconds: number;
  /** Passed: success rate of 90 % or more, no critical check failed, and something was drilled. */
  readonly status: "PASSED" | "FAILED";
  /** What chance made of it can be had again with `--seed`. */
  readonly seed: number;
  /** Who or what was banned from it; null where nothing could be spared. */
  readonly absent: AbsenceReport | null;
  readonly tests: TestCounts;
  /** In their order; those that weren't reached are there too. */
  readonly phases: readonly PhaseReport[];
  readonly scenarios: readonly ScenarioReport[];
  /** In the order in which they were measured. */
  readonly checks: readonly CheckReport[];
  /** The backups that it was recovered from, which the drill made. */
  readonly backups: readonly BackupReport[];
  /** What was recovered on the fork, as it is on the chain. */
  readonly contracts: readonly ContractReport[];
  /** SHA-256 of the definitions of the database's tables; null where no database was drilled. */
  readonly databaseSchema: string | null;
  /** Failures first, then what people should know: sentences. */
  readonly issues: readonly IssueReport[];
  readonly nextDue: string;
  readonly logFile: string;
}

export interface AbsenceReport {
  readonly kind: "signer" | "rpc" | "offsite";
  /** An address, a host, or a target's name. */
  readonly name: string;
}

export interface TestCounts {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  /** They are in no rate. */
  readonly skipped: number;
  /** Of those that weren't skipped, 0 to 100. */
  readonly successRate: number;
}

/** The six phases of every drill. */
export const PHASES = [
  { name: "validation", title: "Pre-drill validation" },
  { name: "baseline", title: "Baseline backups" },
  { name: "failure", title: "Failure injection" },
  { name: "recovery", title: "Recovery" },
  { name: "proof", title: "Post-recovery validation" },
  { name: "summary", title: "Summary and report" },
] as const;

export type PhaseName = (typeof PHASES)[number]["name"];

export interface PhaseReport {
  /** 1 to 6. */
  readonly number: number;
  readonly name: PhaseName;
  readonly title: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Since the drill began. A phase of several scenarios comes once for each: `parts`. */
  readonly startSeconds: number;
  /** Of all its parts together. */
  readonly seconds: number;
  readonly parts: readonly PhasePart[];
}

export interface PhasePart {
  /** Null where it is for all of them. */
  readonly scenario: string | null;
  /** Since the drill began. */
  readonly startSeconds: number;
  readonly seconds: number;
}

export interface ScenarioReport {
  readonly name: string;
  readonly title: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it was skipped or failed; null where it passed. */
  readonly reason: string | null;
  /** Which objective its recovery time is held against. */
  readonly objective: "contracts" | "database";
  /** From the failure until all was measured to be as it was before. */
  readonly rto: ObjectiveReport;
  /** From the recovery point until the failure: what was lost. */
  readonly rpo: ObjectiveReport;
  /** What was broken, in order. */
  readonly injections: readonly string[];
  /** What was recovered with, in order. */
  readonly recoveries: readonly RecoveryReport[];
}

export interface ObjectiveReport {
  /** Null when it wasn't reached. */
  readonly measuredSeconds: number | null;
  readonly objectiveSeconds: number;
  /** Null when nothing was measured. */
  readonly isMet: boolean | null;
}

export interface RecoveryReport {
  /** `dr:db:restore`, `dr:rollback`. */
  readonly task: string;
  readonly status: "done" | "failed";
  readonly seconds: number;
  /** What it recovered from: a backup's name; null where there is none. */
  readonly from: string | null;
}

/** A check passes only with what was measured. */
export interface CheckReport {
  /** `database-corruption/data`; unique in a report. */
  readonly id: string;
  readonly phase: PhaseName;
  readonly scenario: string | null;
  readonly title: string;
  /** One that fails fails the drill, whatever the rate. */
  readonly critical: boolean;
  readonly status: "passed" | "failed" | "skipped";
  /** What there is, as it was measured; null when nothing was. */
  readonly measured: string | null;
  /** What there should be. */
  readonly expected: string | null;
  /** Why it was skipped, or what it threw. */
  readonly reason: string | null;
  readonly seconds: number;
}

export interface BackupReport {
  readonly kind: "database" | "contracts" | "files";
  readonly name: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly seconds: number;
}

export interface ContractReport {
  readonly name: string;
  readonly proxy: Address;
  readonly chainId: number;
  readonly implementation: Address;
  readonly codeHash: Hex;
  /** As `dr:status --json` has them. */
  readonly pauseAuthority: Json;
  readonly upgradeAuthority: Json;
}

export interface IssueReport {
  readonly severity: "failure" | "warning";
  readonly text: string;
  /** The check that it comes from; null where it is none's. */
  readonly check: string | null;
}

/** A drill is repeated after so long. */
export const DRILL_INTERVAL_DAYS = 90;

/** Below this rate, in percent, a drill has failed. */
export const PASSING_RATE = 90;
