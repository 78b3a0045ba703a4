import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { inDatabase, type Access } from "../access.js";
import type { Fingerprint } from "../fingerprint.js";
import { withSession, type Session } from "../session.js";
import { examineRestored, type Examination } from "../verify-restored.js";

/** What a database held at a place in the log. */
export interface MarkedFingerprint {
  readonly fingerprint: Fingerprint;
  /** What it was taken of, as `pg_current_snapshot` says it. */
  readonly snapshot: string;
}

export interface ServerExpectation {
  /** For the errors: what is restored. */
  readonly name: string;
  readonly criticalTables: readonly string[];
  /** Only where the log is replayed up to the very place. */
  readonly marked?: MarkedFingerprint;
  /** Whether all indexes are gone through, and all pages. */
  readonly isThorough: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Looks into a restored server: the project's database against what is known of
 * it, and whether every other one lets anybody in.
 *
 * @throws {DrError} DATABASE_RESTORED_WRONG.
 */
export async function examineServer(
  access: Access,
  expectation: ServerExpectation,
): Promise<Examination> {
  const { name, criticalTables, isThorough, signal } = expectation;
  const examination = await withSession(access, async (session) => {
    const late = await commitsSince(session, expectation.marked);
    const fingerprint =
      late === 0 ? expectation.marked?.fingerprint : undefined;
    const found = await examineRestored(session, {
      ...(fingerprint === undefined ? {} : { fingerprint }),
      criticalTables,
      isComplete: true,
      noOwner: false,
      ...(signal === undefined ? {} : { signal }),
    });
    const indexes = await checkIndexes(
      session,
      isThorough ? undefined : criticalTables,
    );
    return {
      ...found,
      problems: [...found.problems, ...indexes.problems],
      notices: [
        ...found.notices,
        ...indexes.notices,
        ...(late === 0
          ? []
          : [
              `${String(late)} transactions were committed in the very moment of which the fingerprint is: its counts and hashes aren't compared.`,
            ]),
      ],
    };
  });
  const problems = [...examination.problems, ...(await findClosed(access))];
  if (problems.length > 0) {
    throw new DrError("DATABASE_RESTORED_WRONG", {
      name,
      problems: problems.join(" "),
      where: "choose an earlier target",
    });
  }
  return examination;
}

/**
 * A snapshot and a place in the log aren't quite the same moment: a commit is
 * in the log before others see it. What the snapshot sees is in what was
 * replayed; what else is, was committed in between.
 */
async function commitsSince(
  { query }: Session,
  marked: MarkedFingerprint | undefined,
): Promise<number> {
  if (marked === undefined) {
    return 0;
  }
  const [row] = await query<{ late: number }>(
    `SELECT count(*)::int AS late FROM (
       SELECT pg_snapshot_xip($1::pg_snapshot)::text::bigint AS id
       UNION ALL
       SELECT generate_series(
         pg_snapshot_xmax($1::pg_snapshot)::text::bigint,
         pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)) t
      WHERE pg_xact_status(t.id::text::xid8) = 'committed'`,
    [marked.snapshot],
  );
  return row?.late ?? 0;
}

/**
 * Goes through B-trees: whether they are in order. The extension that does it is
 * made and taken back in one transaction.
 *
 * @param tables - Only theirs; absent: all.
 */
async function checkIndexes(
  { query }: Session,
  tables: readonly string[] | undefined,
): Promise<Pick<Examination, "problems" | "notices">> {
  await query("BEGIN");
  try {
    const [extension] = await install(query);
    if (extension === undefined) {
      return {
        problems: [],
        notices: [
          "Indexes weren't gone through: the extension amcheck isn't there, or the role may not create it.",
        ],
      };
    }
    const problems: string[] = [];
    for (const { oid, name } of await listIndexes(query, tables)) {
      await query("SAVEPOINT before_index");
      try {
        await query(`SELECT ${extension.schema}.bt_index_check($1::oid)`, [
          oid,
        ]);
        await query("RELEASE SAVEPOINT before_index");
      } catch (error) {
        await query("ROLLBACK TO SAVEPOINT before_index");
        problems.push(`The index ${name} isn't in order: ${messageOf(error)}`);
      }
    }
    return { problems, notices: [] };
  } finally {
    await query("ROLLBACK");
  }
}

async function install(
  query: Session["query"],
): Promise<readonly { readonly schema: string }[]> {
  await query("SAVEPOINT before_extension");
  try {
    await query(
      "SET LOCAL client_min_messages = error; CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA pg_catalog",
    );
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    await query("ROLLBACK TO SAVEPOINT before_extension");
  }
  return await query<{ schema: string }>(
    "SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'",
  );
}

async function listIndexes(
  query: Session["query"],
  tables: readonly string[] | undefined,
): Promise<readonly { readonly oid: string; readonly name: string }[]> {
  return await query(
    `SELECT c.oid::text AS oid, c.oid::regclass::text AS name
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_am a ON a.oid = c.relam
      WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p'
        AND i.indisready AND i.indisvalid
        AND ($1::text[] IS NULL OR EXISTS (
          SELECT FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
           WHERE t.oid = i.indrelid
             AND (t.relname = ANY ($1::text[]) OR n.nspname || '.' || t.relname = ANY ($1::text[]))))
      ORDER BY 2`,
    [tables ?? null],
  );
}

/** Every database of the server goes back with it. */
async function findClosed(access: Access): Promise<readonly string[]> {
  const others = await withSession(
    access,
    async ({ query }) =>
      await query<{ name: string }>(
        "SELECT datname AS name FROM pg_database WHERE datallowconn AND datname <> current_database() ORDER BY 1",
      ),
  );
  const problems: string[] = [];
  for (const { name } of others) {
    try {
      await withSession(inDatabase(access, name), async ({ query }) => {
        await query("SELECT count(*) FROM pg_class");
      });
    } catch (error) {
      problems.push(`The database ${name} lets nobody in: ${messageOf(error)}`);
    }
  }
  return problems;
}
