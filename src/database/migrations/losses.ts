import type { Session } from "../session.js";
import { isWidening } from "./widening.js";

/** What a table holds and how, by numbers that stay the same when it is renamed. */
export interface StoredTable {
  readonly oid: string;
  /** `public.profiles`, quoted as needed. */
  readonly name: string;
  /** Of its file: another one when it is rewritten or emptied at once. */
  readonly file: string;
  readonly columns: readonly StoredColumn[];
}

export interface StoredColumn {
  readonly number: number;
  /** Quoted as needed. */
  readonly name: string;
  readonly type: string;
  /** Computed from others: nothing is lost with it. */
  readonly isGenerated: boolean;
}

/** Data that won't be there any more. Counts are decimal strings. */
export type Loss =
  | {
      readonly type: "table-dropped" | "table-emptied";
      readonly table: string;
      readonly rows: string;
    }
  | {
      readonly type: "column-dropped";
      readonly table: string;
      readonly column: string;
      readonly rows: string;
      /** Rows in which it isn't null. */
      readonly values: string;
    }
  | {
      readonly type: "type-narrowed";
      readonly table: string;
      readonly column: string;
      readonly from: string;
      readonly to: string;
      readonly values: string;
    }
  | {
      readonly type: "rows-deleted" | "rows-changed";
      readonly table: string;
      readonly rows: string;
    };

/** How much a transaction wrote so far. */
export interface Written {
  readonly table: string;
  readonly deleted: string;
  readonly updated: string;
}

/** Tables with data of their own; of a session whose `search_path` is empty. */
export async function readStoredTables({
  query,
}: Pick<Session, "query">): Promise<readonly StoredTable[]> {
  return await query<Readonly<Record<keyof StoredTable, never>>>(
    `SELECT c.oid::text, c.oid::regclass::text AS name, c.relfilenode::text AS file,
      coalesce((SELECT jsonb_agg(jsonb_build_object('number', a.attnum, 'name', quote_ident(a.attname),
          'type', format_type(a.atttypid, a.atttypmod), 'isGenerated', a.attgenerated <> '') ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY c.oid::regclass::text COLLATE "C"`,
  );
}

/** What the transaction at work has deleted and updated, in triggers and functions too. */
export async function readWritten({
  query,
}: Pick<Session, "query">): Promise<readonly Written[]> {
  return await query<{ table: string; deleted: string; updated: string }>(
    `SELECT relid::regclass::text AS table, n_tup_del::text AS deleted, n_tup_upd::text AS updated
    FROM pg_catalog.pg_stat_xact_user_tables WHERE n_tup_del + n_tup_upd > 0
    ORDER BY relid::regclass::text COLLATE "C"`,
  );
}

/** Of the tables whose file is another one, those without a row: truncated. Asked where the change is in effect. */
export async function findEmptied(
  { query }: Pick<Session, "query">,
  before: readonly StoredTable[],
  after: readonly StoredTable[],
): Promise<ReadonlySet<string>> {
  const files = new Map(before.map(({ oid, file }) => [oid, file]));
  const emptied = new Set<string>();
  for (const { oid, name, file } of after) {
    if (files.has(oid) && files.get(oid) !== file) {
      const rows = await query(`SELECT FROM ${name} LIMIT 1`);
      if (rows.length === 0) {
        emptied.add(oid);
      }
    }
  }
  return emptied;
}

/** How tables were, and how a change leaves them. */
export interface TableChange {
  readonly before: readonly StoredTable[];
  readonly after: readonly StoredTable[];
  readonly emptied: ReadonlySet<string>;
  readonly written: readonly Written[];
}

/**
 * What data a change destroys, counted exactly. What it takes to count is read
 * in full: each table that loses something, once.
 *
 * @param session - Sees the tables as they were before.
 */
export async function countLosses(
  session: Pick<Session, "query">,
  { before, after, emptied, written }: TableChange,
): Promise<readonly Loss[]> {
  const later = new Map(after.map((table) => [table.oid, table]));
  const losses: Loss[] = [];
  for (const table of before) {
    const now = later.get(table.oid);
    if (now === undefined || emptied.has(table.oid)) {
      const { rows } = await countIn(session, table, []);
      const type = now === undefined ? "table-dropped" : "table-emptied";
      losses.push({ type, table: table.name, rows });
    } else {
      losses.push(...(await columnLosses(session, table, now)));
    }
  }
  const rowLosses = written.flatMap(({ table, deleted, updated }): Loss[] => [
    ...(deleted === "0"
      ? []
      : [{ type: "rows-deleted" as const, table, rows: deleted }]),
    ...(updated === "0"
      ? []
      : [{ type: "rows-changed" as const, table, rows: updated }]),
  ]);
  return [
    ...losses.filter((loss) => !("rows" in loss) || loss.rows !== "0"),
    ...rowLosses,
  ];
}

async function columnLosses(
  session: Pick<Session, "query">,
  table: StoredTable,
  now: StoredTable,
): Promise<readonly Loss[]> {
  const later = new Map(now.columns.map((column) => [column.number, column]));
  const affected = table.columns.filter((column) => {
    const same = later.get(column.number);
    return (
      !column.isGenerated &&
      (same === undefined || !isWidening(column.type, same.type))
    );
  });
  if (affected.length === 0) {
    return [];
  }
  const { rows, values } = await countIn(session, table, affected);
  return affected.map((column, index): Loss => {
    const same = later.get(column.number);
    const place = { table: table.name, column: column.name };
    const counted = values[index] ?? "0";
    return same === undefined
      ? { type: "column-dropped", ...place, rows, values: counted }
      : {
          type: "type-narrowed",
          ...place,
          from: column.type,
          to: same.type,
          values: counted,
        };
  });
}

async function countIn(
  { query }: Pick<Session, "query">,
  { name }: StoredTable,
  columns: readonly StoredColumn[],
): Promise<{ readonly rows: string; readonly values: readonly string[] }> {
  const counts = ["*", ...columns.map((column) => column.name)];
  const [row] = await query<{ counts: string[] }>(
    `SELECT ARRAY[${counts.map((one) => `count(${one})::text`).join(", ")}] AS counts FROM ONLY ${name}`,
  );
  const [rows = "0", ...values] = row?.counts ?? [];
  return { rows, values };
}
