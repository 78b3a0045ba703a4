import { DrError } from "../core/errors.js";
import {
  compareFingerprints,
  takeFingerprint,
  tellUncompared,
  type Fingerprint,
  type TableFingerprint,
} from "./fingerprint.js";
import type { Session } from "./session.js";
import { tellSubscriptions } from "./subscriptions.js";

export interface Expectation {
  /** What must have come out; absent: nobody has written it down. */
  readonly fingerprint?: Fingerprint;
  /** They must be there and hold rows: `profiles`, `app.profiles`. */
  readonly criticalTables: readonly string[];
  /** Whether the dump shows by itself that all of it was loaded. */
  readonly isComplete: boolean;
  /** Owners and grants were left out on purpose. */
  readonly noOwner: boolean;
  readonly signal?: AbortSignal;
}

export interface Examination {
  /** Why it isn't what was backed up; none: it is good. */
  readonly problems: readonly string[];
  /** What people should know of it, though it is as it was. */
  readonly notices: readonly string[];
  readonly tables: number;
  /** A decimal string. */
  readonly rows: string;
  /** What it holds. */
  readonly found: Fingerprint;
}

/**
 * Holds a restored database against what was written down when it was backed
 * up, and against what must hold of any.
 *
 * @param session - In it.
 */
export async function examineRestored(
  session: Session,
  expectation: Expectation,
): Promise<Examination> {
  const { fingerprint: expected, signal } = expectation;
  const found = await takeFingerprint(session, {
    ...(expected === undefined ? { hashes: false } : { like: expected }),
    ...(signal === undefined ? {} : { signal }),
  });
  const differences =
    expected === undefined ? [] : compare(expected, found, expectation);
  const isAsBefore =
    differences.length === 0 &&
    (expected !== undefined || expectation.isComplete);
  // What was so already when it was backed up is no fault of the restore.
  const inherited = [
    ...(await findUnvalidated(session)),
    ...(await findSequencesBehind(session)),
    ...(await findInvalidIndexes(session)),
  ];
  return {
    problems: [
      ...differences,
      ...missingTables(expectation.criticalTables, found),
      ...(isAsBefore ? [] : inherited),
    ],
    notices: [
      ...(expected === undefined ? [] : tellUncompared(expected, found)),
      ...(isAsBefore
        ? inherited.map((one) => `As when it was backed up: ${one}`)
        : []),
      ...(await tellSubscriptions(session)),
    ],
    tables: found.tables.length,
    rows: String(
      found.tables.reduce((sum, { rows }) => sum + BigInt(rows), 0n),
    ),
    found,
  };
}

/** @throws {DrError} DATABASE_RESTORED_WRONG. */
export function requireGood(
  name: string,
  { problems }: Examination,
  kept: string | undefined,
): void {
  if (problems.length > 0) {
    throw new DrError("DATABASE_RESTORED_WRONG", {
      name,
      problems: shorten(problems),
      where:
        kept === undefined
          ? "run it again with `--keep` to look at what came out"
          : `look at what came out in the database ${kept}, and drop it then`,
    });
  }
}

const SHOWN = 10;

function shorten(problems: readonly string[]): string {
  const rest = problems.length - SHOWN;
  return rest > 0
    ? `${problems.slice(0, SHOWN).join(" ")} And ${String(rest)} more.`
    : problems.join(" ");
}

function compare(
  expected: Fingerprint,
  found: Fingerprint,
  { noOwner }: Expectation,
): readonly string[] {
  return compareFingerprints(
    noOwner ? { ...expected, schema: found.schema } : expected,
    found,
  );
}

/** A name without a schema is of any. Partitioned ones are there as their partitions. */
export function tablesNamed(
  wanted: string,
  { tables }: Pick<Fingerprint, "tables">,
): readonly TableFingerprint[] {
  return tables.filter(({ name, partitionOf = [] }) =>
    [name, ...partitionOf].some(
      (one) => unquoted(one) === wanted || lastPart(one) === wanted,
    ),
  );
}

/** Which of the tables that must hold rows aren't there, or hold none: sentences. */
export function missingTables(
  critical: readonly string[],
  fingerprint: Pick<Fingerprint, "tables">,
): readonly string[] {
  return critical.flatMap((wanted) => {
    const found = tablesNamed(wanted, fingerprint);
    if (found.length === 0) {
      return [`The critical table ${wanted} is missing.`];
    }
    return found.some(
      ({ rows, uncounted }) => uncounted === true || rows !== "0",
    )
      ? []
      : [`The critical table ${wanted} is empty.`];
  });
}

function unquoted(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")*)"/g, (_, part: string) =>
    part.replaceAll('""', '"'),
  );
}

function lastPart(name: string): string {
  return unquoted(/(?:"(?:[^"]|"")*"|[^."]+)$/.exec(name)?.[0] ?? name);
}

async function findUnvalidated({ query }: Session): Promise<string[]> {
  const found = await query<{ name: string; table: string }>(
    `SELECT c.conname AS name, c.conrelid::regclass::text AS table
       FROM pg_constraint c WHERE NOT c.convalidated ORDER BY 2, 1`,
  );
  return found.map(
    ({ name, table }) =>
      `The constraint ${name} of ${table} has never been validated.`,
  );
}

async function findInvalidIndexes({ query }: Session): Promise<string[]> {
  const found = await query<{ name: string }>(
    "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid AND indrelid >= 16384 ORDER BY 1",
  );
  return found.map(({ name }) => `The index ${name} isn't valid.`);
}

/** The next value would be one that is taken already. */
async function findSequencesBehind({ query }: Session): Promise<string[]> {
  const owned = await query<{
    sequence: string;
    table: string;
    column: string;
    isDown: boolean;
  }>(
    `SELECT s.seqrelid::regclass::text AS sequence, d.refobjid::regclass::text AS table,
            quote_ident(a.attname) AS column, s.seqincrement < 0 AS "isDown"
       FROM pg_sequence s
       JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
                       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
       JOIN pg_type t ON t.oid = a.atttypid
      WHERE NOT s.seqcycle AND t.typname IN ('int2', 'int4', 'int8')
      ORDER BY 1`,
  );
  const behind: string[] = [];
  for (const { sequence, table, column, isDown } of owned) {
    const [row] = await query<{ last: string; furthest: string }>(
      `SELECT s.last_value::text AS last, t.furthest::text
         FROM ${sequence} s,
              (SELECT ${isDown ? "min" : "max"}(${column}) AS furthest FROM ${table}) t
        WHERE CASE WHEN s.is_called THEN 0 ELSE 1 END + t.furthest * ${isDown ? "-1" : "1"}
              > s.last_value * ${isDown ? "-1" : "1"}`,
    );
    if (row !== undefined) {
      behind.push(
        `The sequence ${sequence} is at ${row.last}, and ${table}.${column} at ${row.furthest} already.`,
      );
    }
  }
  return behind;
}
