import type { Fingerprint, TableFingerprint } from "../database/fingerprint.js";
import { tablesNamed, type Examination } from "../database/verify-restored.js";
import type { Recorder } from "./checklist.js";

/** What must hold of a restored database. */
export const DATABASE_CRITERIA = [
  "table_count",
  "critical_tables",
  "critical_rows",
  "row_counts",
  "content_hashes",
  "same_as_backed_up",
] as const;

export type DatabaseCriterion = (typeof DATABASE_CRITERIA)[number];

/**
 * Measures what came out of a backup against what was written down when it was
 * made. What nobody has written down, or configured, can't hold.
 *
 * @param expected - The manifest's.
 */
export function judgeDatabase(
  { found, problems, notices }: Examination,
  expected: Fingerprint | undefined,
  criticalTables: readonly string[],
  checklist: Recorder<DatabaseCriterion>,
): void {
  checklist.record(
    "table_count",
    found.tables.length > 0,
    countTables(found.tables),
  );
  judgeCriticalTables(found, criticalTables, checklist);
  if (expected === undefined) {
    const reason = "its manifest doesn't say what is in it: back up anew";
    checklist.record("row_counts", false, reason);
    checklist.record("content_hashes", false, reason);
  } else {
    judgeTables(found, expected, checklist);
  }
  checklist.record(
    "same_as_backed_up",
    problems.length === 0,
    [...problems, ...notices].join(" ") ||
      "definitions, sequences, large objects, indexes and constraints too",
  );
}

function judgeCriticalTables(
  found: Fingerprint,
  wanted: readonly string[],
  checklist: Recorder<DatabaseCriterion>,
): void {
  if (wanted.length === 0) {
    const reason =
      "dr.database.criticalTables names none: nothing says what must be there";
    checklist.record("critical_tables", false, reason);
    checklist.record("critical_rows", false, reason);
    return;
  }
  const tables = wanted.map((name) => ({
    name,
    rows: tablesNamed(name, found).map(({ rows }) => BigInt(rows)),
  }));
  const missing = tables.filter(({ rows }) => rows.length === 0);
  checklist.record(
    "critical_tables",
    missing.length === 0,
    missing.length === 0
      ? `${wanted.join(", ")} are there`
      : `missing: ${namesOf(missing)}`,
  );
  const counted = tables.map(({ name, rows }) => ({
    name,
    sum: rows.reduce((sum, one) => sum + one, 0n),
  }));
  const empty = counted.filter(({ sum }) => sum === 0n);
  checklist.record(
    "critical_rows",
    empty.length === 0,
    empty.length === 0
      ? counted.map(({ name, sum }) => `${name} ${String(sum)}`).join(", ")
      : `without rows: ${namesOf(empty)}`,
  );
}

/** Materialized views are computed anew, maybe from newer rows: `computed`. */
function judgeTables(
  found: Fingerprint,
  expected: Fingerprint,
  checklist: Recorder<DatabaseCriterion>,
): void {
  const names = new Map(found.tables.map((one) => [one.name, one]));
  const pairs = expected.tables
    .filter(({ computed, uncounted }) => !computed && !uncounted)
    .map((before) => ({ before, after: names.get(before.name) }));
  const miscounted = pairs.filter(
    ({ before, after }) => before.rows !== after?.rows,
  );
  const rows = pairs.reduce((sum, { before }) => sum + BigInt(before.rows), 0n);
  checklist.record(
    "row_counts",
    miscounted.length === 0,
    miscounted.length === 0
      ? `${String(rows)} rows in ${countTables(pairs)}, as in the manifest`
      : miscounted
          .map(
            ({ before, after }) =>
              `${before.name} has ${after?.rows ?? "no"} rows instead of ${before.rows}`,
          )
          .join("; "),
  );
  const unhashed = pairs.filter(({ before }) => before.hash === undefined);
  const differing = pairs.filter(
    ({ before, after }) => !hasSameContents(before, after),
  );
  checklist.record(
    "content_hashes",
    pairs.length > 0 && differing.length === 0,
    describeHashes(
      unhashed.map(({ before }) => before),
      differing.map(({ before }) => before),
      pairs.map(({ before }) => before),
    ),
  );
}

function hasSameContents(
  before: TableFingerprint,
  after: TableFingerprint | undefined,
): boolean {
  return (
    before.hash !== undefined &&
    before.hash === after?.hash &&
    before.sampled === after.sampled
  );
}

function describeHashes(
  unhashed: readonly TableFingerprint[],
  differing: readonly TableFingerprint[],
  all: readonly TableFingerprint[],
): string {
  if (unhashed.length > 0) {
    return `the manifest has no hashes of ${namesOf(unhashed)}: back up with them`;
  }
  if (differing.length > 0) {
    return `not what was backed up: ${namesOf(differing)}`;
  }
  const sampled = all.filter((one) => one.sampled !== undefined);
  const which = sampled.length === 0 ? "" : `, by samples: ${namesOf(sampled)}`;
  return `what was backed up in ${countTables(all)}${which}`;
}

function countTables({ length }: readonly unknown[]): string {
  return `${String(length)} ${length === 1 ? "table" : "tables"}`;
}

function namesOf(all: readonly { readonly name: string }[]): string {
  return all.map(({ name }) => name).join(", ");
}
