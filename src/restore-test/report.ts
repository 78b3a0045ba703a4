import { formatTimestamp } from "../artifact/name.js";
import type { Json } from "../core/canonical-json.js";
import type { PartTest } from "./test-part.js";
import { hasPassed, TEST_PARTS, type TargetTest } from "./test-target.js";

/** A test is due so long after the one before. */
const DUE_DAYS = 90;
const DAY_MS = 86_400_000;

/** How a restore test went, as it is kept. */
export interface RestoreTestReport {
  readonly [key: string]: Json;
  readonly status: "SUCCESS" | "FAILED";
  /** A line for a notification. */
  readonly summary: string;
}

export interface ReportOptions {
  readonly startedAt: Date;
  readonly logFile: string;
  /** What the backups were drawn by; absent: the newest were taken. */
  readonly seed?: string;
  readonly tool: string;
  readonly project: string;
  /** Of the project, as git has it; null where there is no repository. */
  readonly commit: string | null;
}

/**
 * The report, in the shape that the platform's monitoring reads. With several
 * targets its `tests` show, of each part, the first target that failed it, or
 * else the first; all of them are in `targets`.
 */
export function restoreTestReport(
  tested: readonly TargetTest[],
  { startedAt, logFile, seed, tool, project, commit }: ReportOptions,
): RestoreTestReport {
  const isPassed = tested.length > 0 && tested.every(hasPassed);
  return {
    test_timestamp: formatTimestamp(startedAt),
    test_date: toSeconds(startedAt),
    status: isPassed ? "SUCCESS" : "FAILED",
    offsite_provider: [...new Set(tested.map((one) => one.provider))].join(),
    tests: testsOf({
      database: worstOf(tested.map(({ database }) => database)),
      contracts: worstOf(tested.map(({ contracts }) => contracts)),
    }),
    next_test_due: toSeconds(new Date(startedAt.getTime() + DUE_DAYS * DAY_MS)),
    log_file: logFile,
    summary: summarize(tested),
    chosen: seed === undefined ? "newest" : "random",
    seed: seed ?? null,
    tool,
    project,
    commit,
    targets: tested.map((one) => ({
      target: one.target,
      offsite_provider: one.provider,
      address: one.address ?? null,
      status: hasPassed(one) ? "SUCCESS" : "FAILED",
      tests: testsOf(one),
      details: {
        database_restore: detailsOf(one.database),
        contract_restore: detailsOf(one.contracts),
      },
    })),
  };
}

/** ISO 8601, UTC, to the second. */
function toSeconds(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

function worstOf(parts: readonly PartTest[]): PartTest | undefined {
  return parts.find(({ status }) => status === "failed") ?? parts[0];
}

function testsOf({
  database,
  contracts,
}: Readonly<Record<"database" | "contracts", PartTest | undefined>>): Json {
  return {
    database_restore: {
      status: database?.status ?? "failed",
      backup_file: database?.backup?.name ?? null,
      test_database: database?.testDatabase ?? null,
      validation: validationOf(database),
    },
    contract_restore: {
      status: contracts?.status ?? "failed",
      snapshot_file: contracts?.backup?.name ?? null,
      validation: validationOf(contracts),
    },
  };
}

/** `completed` where all was measured, whether it holds or not. */
function validationOf(part: PartTest | undefined): string {
  if (part?.status === "skipped") {
    return "skipped";
  }
  const isMeasured = part?.criteria.every(
    ({ status }) => status !== "not_measured",
  );
  return isMeasured === true ? "completed" : "not completed";
}

function detailsOf({
  backup,
  criteria,
  seconds,
  kept,
  provenAt,
  notices,
}: PartTest): Json {
  return {
    backup_date: backup === undefined ? null : toSeconds(backup.createdAt),
    seconds,
    criteria: criteria.map((one) => ({ ...one, detail: one.detail ?? null })),
    kept_database: kept ?? null,
    proven_at: provenAt === undefined ? null : toSeconds(provenAt),
    notices,
  };
}

function summarize(tested: readonly TargetTest[]): string {
  const failed = tested.flatMap((one) =>
    TEST_PARTS.flatMap((part) => {
      const reason = reasonOf(one[part]);
      return reason === undefined ? [] : [`${one.target}: ${part}: ${reason}`];
    }),
  );
  if (failed.length > 0) {
    return `Offsite restore test failed: ${failed.join("; ")}`;
  }
  const where = tested.map(({ target }) => target).join(", ");
  const [only, other] = TEST_PARTS.filter((part) =>
    tested.some((one) => one[part].status !== "skipped"),
  );
  return other === undefined
    ? `Offsite restore test passed: ${only ?? "nothing"} alone restored from ${where}`
    : `Offsite restore test passed: all backups restored from ${where}`;
}

/** Of the first criterion that doesn't hold; the others often follow from it. */
function reasonOf({ status, criteria }: PartTest): string | undefined {
  if (status !== "failed") {
    return undefined;
  }
  const first = criteria.find((one) => one.status === "failed");
  return first === undefined
    ? "not all of it could be measured"
    : `${first.name}: ${(first.detail ?? "").replace(/\.$/, "")}`;
}
