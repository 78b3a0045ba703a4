import type { Column, Table } from "./catalogue.js";
import { quoteName, quoteTable } from "./name.js";
import type { KeyedPair } from "./pair.js";
import { valueName } from "./rows.js";

/** Where a statement is for: the backup's database, or the one that people use. */
export type Side = "old" | "live";

/** The table's own rows: not those of tables that inherit from it, but those of its partitions. */
export function fromTable(table: Table): string {
  return `${table.isPartitioned ? "" : "ONLY "}${quoteTable(table)}`;
}

/** Keys of the rows that are chosen, in the backup's database: `k0`, `k1`, …, `why` and `round`. */
export function picksOf({ index }: Pick<KeyedPair, "index">): string {
  return `pg_temp.dr_pick_${String(index)}`;
}

/** Keys that must not be brought back, in the backup's database: `k0`, `k1`, … */
export function erasedOf({ index }: Pick<KeyedPair, "index">): string {
  return `pg_temp.dr_erased_${String(index)}`;
}

/** The chosen rows as the live table takes them, in the live database, with `dr_why`. */
export function stageOf({ index }: Pick<KeyedPair, "index">): string {
  return `pg_temp.dr_stage_${String(index)}`;
}

export function keyName(index: number): string {
  return `k${String(index)}`;
}

/** `x.k0 OPERATOR(pg_catalog.=) c."id"` */
export function matchesPick(
  { key }: KeyedPair,
  pick: string,
  row: string,
): string {
  return key.columns
    .map(
      (name, index) =>
        `${pick}.${keyName(index)} ${key.operators[index] ?? "="} ${row}.${quoteName(name)}`,
    )
    .join(" AND ");
}

/** Two rows of a table have the same key. */
export function hasSameKey(
  { key }: KeyedPair,
  one: string,
  other: string,
): string {
  return key.columns
    .map(
      (name, index) =>
        `${one}.${quoteName(name)} ${key.operators[index] ?? "="} ${other}.${quoteName(name)}`,
    )
    .join(" AND ");
}

/** The key's values as texts called `v0`, `v1`, …, or further on. */
export function keyTexts(
  { key, texts: { send } }: KeyedPair,
  row: string,
  first = 0,
): readonly string[] {
  return key.columns.map(
    (name, index) =>
      `${send(`${row}.${quoteName(name)}::text`)} AS ${valueName(first + index)}`,
  );
}

/** A text as a column's value, compared as the column's are. */
export function castTo(column: Column, text: string): string {
  const collation =
    column.collation === null ? "" : ` COLLATE ${column.collation}`;
  return `${text}::${column.type}${collation}`;
}

/** @param name - One of its columns. */
export function columnOf({ columns }: Table, name: string): Column | undefined {
  return columns.find((column) => column.name === name);
}

/** `ROW(s."id", s."name")::text`, which is the same on both sides. */
export function rowText(names: readonly string[], row: string): string {
  const values = names.map((name) => `${row}.${quoteName(name)}`);
  return `ROW(${values.join(", ")})::text`;
}

/** `ARRAY[s."id"::text, …]`, which node-postgres gives as texts and nulls. */
export function textArray(names: readonly string[], row: string): string {
  const texts = names.map((name) => `${row}.${quoteName(name)}::text`);
  return `ARRAY[${texts.join(", ")}]::text[]`;
}

/** The same as it is sent, for people, who are spared the rest of what is long. */
export function shownArray(
  { texts: { send } }: KeyedPair,
  names: readonly string[],
  row: string,
  mostCharacters?: number,
): string {
  const texts = names.map((name) => {
    const text = `${row}.${quoteName(name)}::text`;
    return send(
      mostCharacters === undefined
        ? text
        : `left(${text}, ${String(mostCharacters)})`,
    );
  });
  return `ARRAY[${texts.join(", ")}]::text[]`;
}
