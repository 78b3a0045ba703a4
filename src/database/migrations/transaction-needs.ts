import type { Statement } from "./split-statements.js";

/** How statements go together with one transaction around all of them. */
export interface TransactionNeeds {
  /** Those that PostgreSQL refuses in a transaction, or that end it. */
  readonly outside: readonly Statement[];
  /**
   * The file begins and commits the one transaction around all itself: its own
   * `BEGIN`, with the modes it may have.
   */
  readonly begin?: Statement;
  /** Without those that only begin and commit that transaction. */
  readonly statements: readonly Statement[];
}

const BEGIN = /^(BEGIN|START TRANSACTION)\b/;
const COMMIT = /^(COMMIT|END)( WORK| TRANSACTION)?$/;

/**
 * What ends a transaction; `ROLLBACK TO SAVEPOINT` doesn't.
 */
const ENDS_TRANSACTION =
  /^(BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION|ROLLBACK(?!( WORK| TRANSACTION)? TO\b))\b/;

/**
 * What PostgreSQL refuses in a transaction. It has the last word when it is
 * tried: there are more, such as subscriptions.
 *
 * @see PostgreSQL, callers of `PreventInTransactionBlock`
 */
const REFUSED_IN_TRANSACTION: readonly RegExp[] = [
  /^(CREATE( UNIQUE)?|DROP) INDEX CONCURRENTLY\b/,
  /^REINDEX( \(.*?\))? (DATABASE|SYSTEM|SCHEMA)\b/,
  /^REINDEX( \(.*?\))? (INDEX|TABLE) CONCURRENTLY\b/,
  /^REINDEX \((?:[^)]*, )?\s*CONCURRENTLY(?! (FALSE|OFF|0)\b)/,
  /^VACUUM\b/,
  /^(CREATE|DROP) (DATABASE|TABLESPACE)\b/,
  /^ALTER DATABASE .* SET TABLESPACE\b/,
  /^ALTER SYSTEM\b/,
  /^CLUSTER( VERBOSE| \( VERBOSE \))?$/,
  /^ALTER TABLE .* DETACH PARTITION .* CONCURRENTLY$/,
  /^DISCARD ALL$/,
];

/** Sorts out how a file's statements can run. */
export function transactionNeeds(
  statements: readonly Statement[],
): TransactionNeeds {
  const [first] = statements;
  const last = statements.at(-1);
  const isWrapped =
    first !== undefined &&
    last !== undefined &&
    BEGIN.test(first.normal) &&
    COMMIT.test(last.normal);
  const inner = isWrapped ? statements.slice(1, -1) : statements;
  const outside = inner.filter(({ normal }) => isOutside(normal));
  if (outside.length > 0) {
    return { outside, statements };
  }
  return {
    outside,
    statements: inner,
    ...(isWrapped ? { begin: first } : {}),
  };
}

function isOutside(normal: string): boolean {
  return (
    ENDS_TRANSACTION.test(normal) ||
    REFUSED_IN_TRANSACTION.some((pattern) => pattern.test(normal))
  );
}

/**
 * What kind of statement it is, without anything of its values:
 * `CREATE INDEX CONCURRENTLY`.
 */
export function kindOf({ normal }: Statement): string {
  const [kind] =
    /^(?:(?:CREATE|ALTER|DROP|REINDEX|REFRESH|START|PREPARE)(?: OR REPLACE)?(?: UNIQUE| MATERIALIZED)?(?: [A-Z]+)?(?: CONCURRENTLY)?|[A-Z]+)/.exec(
      normal,
    ) ?? [];
  return kind ?? "a statement";
}

/** `CREATE INDEX CONCURRENTLY (line 3)` */
export function describeStatement(statement: Statement): string {
  return `${kindOf(statement)} (line ${String(statement.line)})`;
}
