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
      /** The table is written anew, and its values aren't what they were. */
      readonly type: "table-rewritten";
      readonly table: string;
      readonly rows: string;
      readonly rowsAfter: string;
      /** Those that stay, and hold other values then. */
      readonly columns: readonly string[];
    }
  | {
      readonly type: "rows-deleted" | "rows-changed";
      readonly table: string;
      readonly rows: string;
    }
  | { readonly type: "large-objects-deleted"; readonly objects: string };

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

const LARGE_OBJECTS = "pg_largeobject_metadata";

/** What the transaction at work has deleted and updated, in triggers and functions too. */
export async function readWritten({
  query,
}: Pick<Session, "query">): Promise<readonly Written[]> {
  return await query<{ table: string; deleted: string; updated: string }>(
    `SELECT relid::regclass::text AS table, n_tup_del::text AS deleted, n_tup_upd::text AS updated
    FROM pg_catalog.pg_stat_xact_all_tables
    WHERE n_tup_del + n_tup_upd > 0 AND schemaname !~ '^pg_toast' AND schemaname <> 'information_schema'
      AND (schemaname <> 'pg_catalog' OR relname IN ('pg_largeobject', $1::name))
    ORDER BY relid::regclass::text COLLATE "C"`,
    [LARGE_OBJECTS],
  );
}

/** What a table holds that is in another file now. */
export interface Rewritten {
  readonly rows: string;
  /** Of each column that stays, by its number; whatever the order of the rows. */
  readonly hashes: ReadonlyMap<number, string>;
}

/**
 * What tables hold whose file is another one: a rewrite may compute every value
 * anew, and after TRUNCATE others may be put in. Asked where the change is in
 * effect.
 *
 * @returns by the table's number.
 */
export async function readRewritten(
  session: Pick<Session, "query">,
  before: readonly StoredTable[],
  after: readonly StoredTable[],
): Promise<ReadonlyMap<string, Rewritten>> {
  const earlier = new Map(before.map((table) => [table.oid, table]));
  const found = new Map<string, Rewritten>();
  for (const table of after) {
    const was = earlier.get(table.oid);
    if (was !== undefined && was.file !== table.file) {
      found.set(
        table.oid,
        await hashColumns(session, table, keptIn(was, table)),
      );
    }
  }
  return found;
}

interface KeptColumn extends StoredColumn {
  /** The type that it will have; absent: the one it has. */
  readonly as?: string;
}

/** Those whose values stay what they are unless they are computed anew. */
function keptIn(
  { columns }: StoredTable,
  now: StoredTable,
): readonly KeptColumn[] {
  return now.columns.filter(({ number, type }) => {
    const was = columns.find((column) => column.number === number);
    return was !== undefined && !was.isGenerated && isWidening(was.type, type);
  });
}

async function hashColumns(
  { query }: Pick<Session, "query">,
  { name }: StoredTable,
  columns: readonly KeptColumn[],
): Promise<Rewritten> {
  const sums = columns.map(
    ({ name: column, as }) =>
      `coalesce(sum(hashtextextended((${column}${as === undefined ? "" : `::${as}`})::text COLLATE "C", 0)::numeric), 0)::text || ' of ' || count(${column})`,
  );
  const [row] = await query<{ found: string[] }>(
    `SELECT ARRAY[${["count(*)::text", ...sums].join(", ")}] AS found FROM ONLY ${name}`,
  );
  const [rows = "0", ...hashes] = row?.found ?? [];
  return {
    rows,
    hashes: new Map(
      columns.map(({ number }, index) => [number, hashes[index] ?? ""]),
    ),
  };
}

/** How tables were, and how a change leaves them. */
export interface TableChange {
  readonly before: readonly StoredTable[];
  readonly after: readonly StoredTable[];
  readonly rewritten: ReadonlyMap<string, Rewritten>;
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
  { before, after, rewritten, written }: TableChange,
): Promise<readonly Loss[]> {
  const later = new Map(after.map((table) => [table.oid, table]));
  const losses: Loss[] = [];
  for (const table of before) {
    const now = later.get(table.oid);
    const anew = rewritten.get(table.oid);
    if (now === undefined || anew?.rows === "0") {
      const { rows } = await countIn(session, table, []);
      const type = now === undefined ? "table-dropped" : "table-emptied";
      losses.push({ type, table: table.name, rows });
    } else {
      losses.push(...(await columnLosses(session, table, now)));
      if (anew !== undefined) {
        losses.push(...(await rewriteLosses(session, table, now, anew)));
      }
    }
  }
  return [
    ...losses.filter((loss) => !("rows" in loss) || loss.rows !== "0"),
    ...writtenLosses(written),
  ];
}

function writtenLosses(written: readonly Written[]): readonly Loss[] {
  const objects = written.find(({ table }) => table === LARGE_OBJECTS)?.deleted;
  const isDeleted = objects !== undefined && objects !== "0";
  return [
    ...(isDeleted ? [{ type: "large-objects-deleted" as const, objects }] : []),
    ...written
      // Its pages go with an object.
      .filter(
        ({ table }) =>
          table !== LARGE_OBJECTS && !(isDeleted && table === "pg_largeobject"),
      )
      .flatMap(({ table, deleted, updated }): Loss[] => [
        ...(deleted === "0"
          ? []
          : [{ type: "rows-deleted" as const, table, rows: deleted }]),
        ...(updated === "0"
          ? []
          : [{ type: "rows-changed" as const, table, rows: updated }]),
      ]),
  ];
}

async function rewriteLosses(
  session: Pick<Session, "query">,
  table: StoredTable,
  now: StoredTable,
  { rows: rowsAfter, hashes }: Rewritten,
): Promise<readonly Loss[]> {
  const kept = keptIn(table, now).flatMap(({ number, type }) => {
    const was = table.columns.find((column) => column.number === number);
    return was === undefined ? [] : [{ ...was, as: type }];
  });
  const was = await hashColumns(session, table, kept);
  const columns = kept
    .filter(({ number }) => was.hashes.get(number) !== hashes.get(number))
    .map(({ name }) => name);
  return columns.length === 0 && was.rows === rowsAfter
    ? []
    : [
        {
          type: "table-rewritten",
          table: table.name,
          rows: was.rows,
          rowsAfter,
          columns,
        },
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
