import { DrError, isDrError } from "../../core/errors.js";
import type { Fingerprint } from "../../database/fingerprint.js";
import type { Session } from "../../database/session.js";
import type { Random } from "../random.js";

/** What chance chooses a table by. */
export interface TableChoice {
  readonly baseline: Fingerprint;
  readonly criticalTables: readonly string[];
  readonly random: Random;
}

/** `2 tables with 84 rows, by the hash of their contents` */
export function summariseDatabase({ tables }: Fingerprint): string {
  const rows = tables.reduce((sum, one) => sum + BigInt(one.rows), 0n);
  return `${String(tables.length)} tables with ${String(rows)} rows, by the hash of their contents`;
}

/** One that has rows and is still there; one that matters if there is. */
export async function chooseTable(
  { query }: Session,
  { baseline, criticalTables, random }: TableChoice,
): Promise<string> {
  const present = await query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables",
  );
  const names = new Set(present.map(({ name }) => name));
  const filled = baseline.tables
    .filter(({ name, rows }) => rows !== "0" && names.has(name))
    .map(({ name }) => name);
  const critical = filled.filter((name) =>
    criticalTables.some((one) => name === one || name === `public.${one}`),
  );
  const [first, ...others] = critical.length > 0 ? critical : filled;
  if (first === undefined) {
    throw new DrError("DRILL_NOTHING_TO_BREAK", {});
  }
  return random.choose([first, ...others]);
}

export async function dropTable(
  { query }: Session,
  table: string,
): Promise<void> {
  await query(`DROP TABLE ${table} CASCADE`);
}

/** Of columns that can be overwritten: a digest of what was there, in their own type. */
const GARBAGE: Readonly<Record<string, string>> = {
  text: "md5(random()::text)",
  "character varying": "left(md5(random()::text), 4)",
  integer: "-1 - (random() * 1000000)::integer",
  bigint: "-1 - (random() * 1000000)::bigint",
  numeric: "-1",
  boolean: "NULL",
  jsonb: "'{}'::jsonb",
  bytea: "'\\xdead'::bytea",
  "timestamp with time zone": "'epoch'::timestamptz",
};

/** What is written into a column must be let in by its constraints: the first that is. Else the rows are gone. */
export async function corruptRows(
  { query }: Session,
  table: string,
): Promise<void> {
  const columns = await query<{ name: string; type: string }>(
    `SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0
        AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
      ORDER BY attnum DESC`,
    [table],
  );
  for (const { name, type } of columns) {
    const garbage = GARBAGE[type];
    if (garbage === undefined) {
      continue;
    }
    try {
      await query(`UPDATE ${table} SET ${name} = ${garbage}`);
      return;
    } catch (error) {
      if (!isDrError(error, "DATABASE_FAILED")) {
        throw error;
      }
    }
  }
  await query(`TRUNCATE ${table} CASCADE`);
}
