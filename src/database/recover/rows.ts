import type { QueryResultRow } from "pg";

import type { Session } from "../session.js";
import type { Texts } from "./texts.js";

/** What one look at a cursor should bring, more or less. */
const BATCH_BYTES = 2 ** 21;
const FIRST_ROWS = 200;
const MOST_ROWS = 10_000;
/** Of what the driver keeps of a value besides its text. */
const VALUE_BYTES = 16;

let cursors = 0;

/**
 * Reads a query's rows, however many, in batches of a bounded size. Only
 * within a transaction. Another query may be asked between two batches.
 */
export async function* readRows<Row extends QueryResultRow>(
  { query }: Session,
  sql: string,
  values: readonly unknown[] = [],
): AsyncGenerator<Row[]> {
  cursors += 1;
  const name = `dr_cursor_${String(cursors)}`;
  await query(`DECLARE ${name} NO SCROLL CURSOR FOR ${sql}`, values);
  let rows = FIRST_ROWS;
  for (;;) {
    const batch = await query<Row>(`FETCH ${String(rows)} FROM ${name}`);
    if (batch.length > 0) {
      yield batch;
    }
    if (batch.length < rows) {
      break;
    }
    const rowBytes = sizeOf(batch) / batch.length;
    rows = Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_BYTES / rowBytes)));
  }
  await query(`CLOSE ${name}`);
}

function sizeOf(batch: readonly QueryResultRow[]): number {
  let bytes = 1;
  for (const row of batch) {
    for (const value of Object.values(row) as unknown[]) {
      bytes += VALUE_BYTES + (typeof value === "string" ? value.length : 0);
    }
  }
  return bytes;
}

/** Rows as PostgreSQL unnests them: an array of texts for each column. */
export function toColumns<T>(
  rows: readonly (readonly T[])[],
  width: number,
): T[][] {
  return Array.from({ length: width }, (_, index) =>
    rows.map((row) => row[index] as T),
  );
}

/** What was sent, as texts called `s.v0`, `s.v1`, …, numbered by `s.n`; the parameters are an array for each. */
export function unnestTexts(width: number, { receive }: Texts): string {
  const names = Array.from({ length: width }, (_, index) => valueName(index));
  const places = names.map((_, index) => `$${String(index + 1)}::text[]`);
  const texts = names.map((name) => `${receive(`a.${name}`)} AS ${name}`);
  return `(SELECT ${texts.join(", ")}, a.n
    FROM unnest(${places.join(", ")}) WITH ORDINALITY AS a(${names.join(", ")}, n)) AS s`;
}

/** What the values of a row are called on their way. */
export function valueName(index: number): string {
  return `v${String(index)}`;
}

/** A row's values called `v0`, `v1`, … */
export function valuesOfRow(
  row: Readonly<Record<string, unknown>>,
  width: number,
): (string | null)[] {
  return Array.from(
    { length: width },
    (_, index) => row[valueName(index)] as string | null,
  );
}
