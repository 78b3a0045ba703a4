import { inParallel } from "../core/in-parallel.js";
import { COLUMN_ORDER } from "./column-order.js";
import type {
  FingerprintOptions,
  TableFingerprint,
} from "./fingerprint-shape.js";
import { hasSqlState, type Session } from "./session.js";

export interface Table {
  readonly name: string;
  /** On the server's disk, TOAST included. */
  readonly sizeBytes: string;
  readonly isView: boolean;
  readonly isPopulated: boolean;
  /** The primary key's columns, quoted. */
  readonly key: readonly string[] | null;
  readonly partitionOf: readonly string[] | null;
  /** Quoted, as {@link COLUMN_ORDER} has them. */
  readonly columns: readonly string[];
  readonly oid: string;
  /** Another one holds its rows once it was emptied or rewritten. */
  readonly file: string;
  /** Of an extension's own rows, which are in no dump: `WHERE …`. */
  readonly condition: string | null;
}

const PER_MILLE = 1000;

/**
 * Counts and hashes the rows of all tables, the largest first, each session one
 * at a time.
 *
 * @param sessions - In the same snapshot.
 */
export async function fingerprintTables(
  sessions: readonly Session[],
  options: FingerprintOptions,
): Promise<TableFingerprint[]> {
  const [first] = sessions;
  if (first === undefined) {
    return [];
  }
  const tables = await listTables(first);
  const totalBytes = tables.reduce(
    (sum, one) => sum + Number(one.sizeBytes),
    0,
  );
  let doneBytes = 0;
  const free = [...sessions];
  const found = await inParallel(tables, sessions.length, async (table) => {
    options.signal?.throwIfAborted();
    const session = free.pop() ?? first;
    try {
      const fingerprint = await (options.isLive === true
        ? fingerprintLive(session, table, options)
        : fingerprintTable(session, table, options));
      doneBytes += Number(table.sizeBytes);
      options.onProgress?.(doneBytes, totalBytes);
      return fingerprint;
    } finally {
      free.push(session);
    }
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * What pg_dump takes rows of. Of an extension's tables only those it declares
 * to hold the user's; of unlogged ones none on a standby, which hasn't got them.
 */
export async function listTables({ query }: Session): Promise<Table[]> {
  return await query<Table & Record<string, unknown>>(`
    SELECT format('%I.%I', n.nspname, c.relname) AS name,
      pg_table_size(c.oid)::text AS "sizeBytes",
      c.relkind = 'm' AS "isView",
      c.relispopulated AS "isPopulated",
      (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum)
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
      (SELECT array_agg(format('%I.%I', pn.nspname, p.relname) ORDER BY pn.nspname, p.relname)
        FROM pg_partition_ancestors(c.oid) a JOIN pg_class p ON p.oid = a.relid JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE p.oid <> c.oid) AS "partitionOf",
      array(SELECT quote_ident(a.attname) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY ${COLUMN_ORDER}) AS columns,
      c.oid::text AS oid, c.relfilenode::text AS file,
      x.condition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
    LEFT JOIN (
      SELECT unnest(extconfig) AS of, unnest(extcondition) AS condition FROM pg_extension
    ) x ON x.of = c.oid
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND (e.objid IS NULL OR x.of IS NOT NULL)
    ORDER BY pg_table_size(c.oid) DESC`);
}

/** `42P01` undefined_table, `42703` undefined_column, `55P03` lock_not_available. */
const CHANGED = ["42P01", "42703", "55P03"];

/**
 * A snapshot keeps neither from emptying nor from dropping a table, which then
 * seems to have been empty before. Somebody may also wait for it while we
 * wait for them.
 */
async function fingerprintLive(
  session: Session,
  table: Table,
  options: FingerprintOptions,
): Promise<TableFingerprint> {
  const { query } = session;
  const uncounted = { name: table.name, rows: "0", uncounted: true } as const;
  await query("SAVEPOINT hardhat_dr_table");
  try {
    await query(`SET LOCAL lock_timeout = ${String(LOCK_TIMEOUT_MS)}`);
    const found = await fingerprintTable(session, table, options);
    const isEmptied = found.rows === "0" && (await hasNewFile(session, table));
    return isEmptied ? { ...found, ...uncounted } : found;
  } catch (error) {
    if (!hasSqlState(error, ...CHANGED)) {
      throw error;
    }
    await query("ROLLBACK TO SAVEPOINT hardhat_dr_table");
    return { ...kindOf(table), ...uncounted };
  } finally {
    await query("RELEASE SAVEPOINT hardhat_dr_table").catch(() => undefined);
  }
}

const LOCK_TIMEOUT_MS = 30_000;

async function hasNewFile(
  { query }: Session,
  { oid, file }: Table,
): Promise<boolean> {
  // A snapshot doesn't hold this function up.
  const [row] = await query<{ now: string | null }>(
    "SELECT pg_relation_filenode($1::oid)::text AS now",
    [oid],
  );
  return row?.now !== file;
}

function kindOf({
  isView,
  partitionOf,
}: Table): Pick<TableFingerprint, "computed" | "partitionOf"> {
  return {
    ...(isView ? { computed: true as const } : {}),
    ...(partitionOf === null ? {} : { partitionOf }),
  };
}

async function fingerprintTable(
  { query }: Session,
  table: Table,
  options: FingerprintOptions,
): Promise<TableFingerprint> {
  const { name, isPopulated, condition } = table;
  const kind = kindOf(table);
  if (!isPopulated) {
    return { name, rows: "0", ...kind };
  }
  const sampled = sampleOf(table, options);
  const [row] = await query<{ rows: string; hash?: string }>(
    `SELECT count(*)::text AS rows${hashOf(table, sampled, options)}
    FROM ONLY ${name} AS t ${condition ?? ""}`,
  );
  const { rows = "0", hash } = row ?? {};
  return {
    name,
    rows,
    ...(hash === undefined ? {} : { hash }),
    ...(hash === undefined || sampled === undefined ? {} : { sampled }),
    ...kind,
  };
}

/** Hashes add up to the same in whatever order rows come. */
function hashOf(
  table: Table,
  sampled: number | undefined,
  { hashes }: FingerprintOptions,
): string {
  if (hashes === false) {
    return "";
  }
  const chosen =
    sampled === undefined
      ? ""
      : ` FILTER (WHERE (${hash(textOfKey(table))} & 9223372036854775807) % ${PER_MILLE} < ${sampled})`;
  return `, coalesce(sum(${hash(textOf(table.columns))})${chosen}, 0)::text AS hash`;
}

/** As a row is shown; those of its columns that were added later aren't among them. */
function textOf(columns: readonly string[]): string {
  return `ROW(${columns.map((column) => `t.${column}`).join(", ")})::text`;
}

function hash(text: string): string {
  return `hashtextextended(${text} COLLATE "C", 0)`;
}

/**
 * A row is in the sample for what its primary key is: the same rows are chosen
 * wherever they lie, in the original and in what was restored from it. Hashing
 * only the key is what makes it cheaper. TABLESAMPLE chooses by place on the disk.
 */
function textOfKey({ key, columns }: Table): string {
  return textOf(key ?? columns);
}

/** Rows in 1000; undefined: all. Without a key, choosing would cost what hashing does. */
function sampleOf(
  { name, sizeBytes, key }: Table,
  { like, sampleAbove = Infinity }: FingerprintOptions,
): number | undefined {
  if (like !== undefined) {
    return like.tables.find((one) => one.name === name)?.sampled;
  }
  const size = Number(sizeBytes);
  if (key === null || size <= sampleAbove) {
    return undefined;
  }
  const share = Math.floor((PER_MILLE * sampleAbove) / size);
  return Math.min(Math.max(share, 1), PER_MILLE - 1);
}
