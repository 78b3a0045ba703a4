import { DrError, isDrError } from "../../core/errors.js";
import type { Session } from "../session.js";
import type { Unique } from "./catalogue.js";
import { quoteName, quoteTable } from "./name.js";
import type { KeyedPair } from "./pair.js";
import { LEFT_OUT, type Why } from "./picks.js";
import {
  readRows,
  toColumns,
  unnestTexts,
  valueName,
  valuesOfRow,
} from "./rows.js";
import {
  columnOf,
  fromTable,
  hasSameKey,
  matchesPick,
  picksOf,
  rowText,
  shownArray,
  stageOf,
  textArray,
} from "./sql.js";

/** Rows that are inserted; the others are changed. */
export const INSERTED = `('missing', 'parent', 'child')`;

/**
 * Makes the places where old rows become what the live table takes, checks and
 * generated columns included; in the live database, and only of this session.
 */
export async function createStages(
  { query }: Session,
  pairs: readonly KeyedPair[],
): Promise<void> {
  for (const pair of pairs) {
    const stage = stageOf(pair);
    await query(
      `CREATE TEMP TABLE ${stage.replace("pg_temp.", "")} (
         LIKE ${quoteTable(pair.live)} INCLUDING GENERATED INCLUDING CONSTRAINTS, dr_why text)`,
    );
    for (const name of pair.added.filter(
      (one) => columnOf(pair.live, one)?.isRequired,
    )) {
      await query(
        `ALTER TABLE ${stage} ALTER COLUMN ${quoteName(name)} DROP NOT NULL`,
      );
    }
  }
}

/**
 * Brings the chosen rows over, each value in its text form.
 *
 * @throws {DrError} RECOVER_DOES_NOT_FIT, RECOVER_NOT_EQUAL.
 */
export async function fillStage(
  old: Session,
  live: Session,
  pair: KeyedPair,
): Promise<void> {
  const { columns, name, texts } = pair;
  const width = columns.length;
  const stage = stageOf(pair);
  const values = columns.map(
    (column, index) =>
      `${texts.send(`c.${quoteName(column.name)}::text`)} AS ${valueName(index)}`,
  );
  const from = `FROM ${picksOf(pair)} AS x JOIN ${fromTable(pair.old)} AS c
    ON ${matchesPick(pair, "x", "c")} WHERE x.why NOT IN ${LEFT_OUT}`;
  const names = columns.map((column) => quoteName(column.name)).join(", ");
  const casts = columns.map(
    ({ live: { type } }, index) => `s.${valueName(index)}::${type}`,
  );
  const insert = `INSERT INTO ${stage} (${names}, dr_why)
    SELECT ${casts.join(", ")}, s.${valueName(width)} FROM ${unnestTexts(width + 1, texts)}`;
  for await (const batch of readRows(
    old,
    `SELECT ${values.join(", ")}, ${texts.send("x.why")} AS ${valueName(width)} ${from}`,
  )) {
    const rows = batch.map((row) => valuesOfRow(row, width + 1));
    try {
      await withUsersPath(live, async () => {
        const values = toColumns(rows, width + 1);
        await refuseRounded(live, pair, values);
        await live.query(insert, values);
      });
    } catch (error) {
      throw isDrError(error, "DATABASE_FAILED")
        ? new DrError(
            "RECOVER_DOES_NOT_FIT",
            {
              table: name,
              reason: String(error.values.reason).replaceAll(
                stage.replace("pg_temp.", ""),
                name,
              ),
            },
            { cause: error },
          )
        : error;
    }
  }
  await live.query(`ANALYZE ${stage}`);
  const same = columns.filter(({ isSame }) => isSame).map((one) => one.name);
  const sum = (row: string) => `SELECT count(*)::text AS rows,
    sum(hashtextextended(${rowText(same, row)} COLLATE "C", 0))::text AS hash`;
  const [sent] = await old.query<Sum>(`${sum("c")} ${from}`);
  const [arrived] = await live.query<Sum>(`${sum("c")} FROM ${stage} AS c`);
  if (sent?.rows !== arrived?.rows || sent?.hash !== arrived?.hash) {
    throw new DrError("RECOVER_NOT_EQUAL", {
      count: sent?.rows ?? "0",
      table: name,
      reason: "their values came over differently",
    });
  }
}

/** A column that is shorter or coarser now would take a value, and keep another. */
async function refuseRounded(
  { query }: Session,
  { columns, name: table, texts }: KeyedPair,
  values: readonly (readonly (string | null)[])[],
): Promise<void> {
  const rounding = columns.flatMap(({ name, live, isSame }, index) => {
    const value = `s.${valueName(index)}::${live.type}`;
    return isSame || live.declared === live.type
      ? []
      : [{ name, isRounded: `${value} <> ${value}::${live.declared}` }];
  });
  if (rounding.length === 0) {
    return;
  }
  const [found] = await query<{ rounded: (boolean | null)[] }>(
    `SELECT ARRAY[${rounding.map(({ isRounded }) => `bool_or(${isRounded})`).join(", ")}] AS rounded
     FROM ${unnestTexts(columns.length + 1, texts)}`,
    values,
  );
  const names = rounding
    .filter((_, index) => found?.rounded[index] === true)
    .map(({ name }) => name);
  if (names.length > 0) {
    throw new DrError("RECOVER_DOES_NOT_FIT", {
      table,
      reason: `${names.join(" and ")} would be cut or rounded`,
    });
  }
}

/**
 * Functions behind checks, generated columns and triggers may count on the
 * search path that everybody has. Only within a transaction.
 */
export async function withUsersPath(
  { query }: Session,
  work: () => Promise<void>,
): Promise<void> {
  await query("SET LOCAL search_path TO DEFAULT");
  await work();
  await query("SET LOCAL search_path = ''");
}

interface Sum {
  readonly rows: string;
  readonly hash: string | null;
}

/** Columns of rows that changed which any of them differs in; rows that differ in none are let go. */
export async function findChangedColumns(
  { query }: Session,
  pair: KeyedPair,
): Promise<readonly string[]> {
  const names = pair.columns
    .map(({ name }) => name)
    .filter((name) => !pair.key.columns.includes(name));
  if (names.length === 0) {
    return [];
  }
  const stage = stageOf(pair);
  const join = `${fromTable(pair.live)} AS l ON ${hasSameKey(pair, "s", "l")}`;
  await query(
    `DELETE FROM ${stage} AS d USING ${stage} AS s JOIN ${join}
     WHERE d.ctid = s.ctid AND s.dr_why = 'changed' AND ${rowText(names, "s")} = ${rowText(names, "l")}`,
  );
  const [found] = await query<{ differ: (boolean | null)[] }>(
    `SELECT ARRAY[${names
      .map((name) => `bool_or(${isDifferent(name)})`)
      .join(", ")}] AS differ
     FROM ${stage} AS s JOIN ${join} WHERE s.dr_why = 'changed'`,
  );
  return names.filter((_, index) => found?.differ[index] === true);
}

/** By their text, which tells apart what a type calls equal: 1.0 and 1.00, A and a. */
function isDifferent(name: string): string {
  const column = quoteName(name);
  return `(s.${column}::text COLLATE "C") IS DISTINCT FROM (l.${column}::text COLLATE "C")`;
}

/** A row that would be brought back, and one that stands in its way. */
export interface Conflict {
  readonly table: string;
  readonly constraint: string;
  readonly old: ShownRow;
  readonly live: ShownRow;
  /** The live row is itself to get back what it was: the two have exchanged what is unique, or one has taken it over. */
  readonly isExchanged: boolean;
}

/** Values by column in their text form, cut off where they are long. */
export type ShownRow = Readonly<Record<string, string | null>>;

const SHOWN_ROWS = 20;
const SHOWN_CHARACTERS = 200;

/** Live rows that hold what must be unique. */
export async function findConflicts(
  { query }: Session,
  pair: KeyedPair,
): Promise<{ readonly count: number; readonly shown: readonly Conflict[] }> {
  const names = pair.columns.map(({ name }) => name);
  let count = 0;
  const shown: Conflict[] = [];
  for (const unique of pair.live.uniques) {
    const from = conflicting(pair, unique);
    const [found] = await query<{ n: number }>(
      `SELECT count(*)::int AS n ${from}`,
    );
    count += found?.n ?? 0;
    if ((found?.n ?? 0) > 0) {
      const rows = await query<
        Pick<StagedRow, "old"> & {
          live: StagedRow["old"];
          isExchanged: boolean;
        }
      >(
        `SELECT ${shownArray(pair, names, "s", SHOWN_CHARACTERS)} AS old,
           ${shownArray(pair, names, "l", SHOWN_CHARACTERS)} AS live,
           EXISTS (SELECT FROM ${stageOf(pair)} AS o
                   WHERE o.dr_why = 'changed' AND ${hasSameKey(pair, "o", "l")}) AS "isExchanged"
         ${from} LIMIT ${String(SHOWN_ROWS)}`,
      );
      shown.push(
        ...rows.map(({ old, live, isExchanged }) => ({
          table: pair.name,
          constraint: unique.name,
          old: toRow(pair, old, SHOWN_CHARACTERS),
          live: toRow(pair, live, SHOWN_CHARACTERS),
          isExchanged,
        })),
      );
    }
  }
  return { count, shown: shown.slice(0, SHOWN_ROWS) };
}

function conflicting(
  pair: KeyedPair,
  { expressions, operators, predicate, areNullsEqual }: Unique,
): string {
  const keys = expressions.map(
    (one, index) => `${one} AS dr_u${String(index)}`,
  );
  const where = predicate === null ? "" : `WHERE ${predicate}`;
  const same = expressions.map((_, index) => {
    const [s, l] = [`s.dr_u${String(index)}`, `l.dr_u${String(index)}`];
    const equal = `${s} ${operators[index] ?? "="} ${l}`;
    return areNullsEqual
      ? `(${equal} OR (${s} IS NULL AND ${l} IS NULL))`
      : equal;
  });
  const part = (from: string) =>
    `(SELECT *, ${keys.join(", ")} FROM ${from} ${where})`;
  // A row that is changed is no conflict with itself; one that is inserted mustn't be there.
  return `FROM ${part(stageOf(pair))} AS s JOIN ${part(fromTable(pair.live))} AS l
    ON ${same.join(" AND ")}
    WHERE s.dr_why IN ${INSERTED} OR NOT (${hasSameKey(pair, "s", "l")})`;
}

function toRow(
  { columns, texts: { show } }: KeyedPair,
  values: readonly (string | null)[],
  mostCharacters?: number,
): ShownRow {
  return Object.fromEntries(
    columns.map(({ name }, index) => {
      const value = values[index] ?? null;
      return [name, value === null ? null : show(value, mostCharacters)];
    }),
  );
}

/** A row as it would be brought back, and as it is. */
export interface Sample {
  readonly why: Why;
  readonly key: readonly string[];
  readonly old: ShownRow;
  /** Of one that changed. */
  readonly live?: ShownRow;
  /** Columns in which the two differ, perhaps only behind what is cut off. */
  readonly differing?: readonly string[];
}

/** The first few, as their keys' texts are ordered. */
export async function readSamples(
  session: Session,
  pair: KeyedPair,
): Promise<readonly Sample[]> {
  const rows = await session.query<StagedRow>(
    `${selectStaged(pair, SHOWN_CHARACTERS)} LIMIT ${String(SHOWN_ROWS)}`,
  );
  return rows.map((row) => toSample(pair, row, SHOWN_CHARACTERS));
}

/** All of them, whole. */
export async function* readStaged(
  session: Session,
  pair: KeyedPair,
): AsyncGenerator<Sample[]> {
  for await (const rows of readRows<StagedRow>(session, selectStaged(pair))) {
    yield rows.map((row) => toSample(pair, row));
  }
}

interface StagedRow {
  readonly why: Why;
  readonly key: string[];
  readonly old: (string | null)[];
  readonly live: (string | null)[] | null;
  readonly differ: boolean[] | null;
}

function selectStaged(pair: KeyedPair, mostCharacters?: number): string {
  const names = pair.columns.map(({ name }) => name);
  return `SELECT s.dr_why AS why, ${shownArray(pair, pair.key.columns, "s")} AS key,
    ${shownArray(pair, names, "s", mostCharacters)} AS old,
    CASE WHEN s.dr_why = 'changed' THEN ${shownArray(pair, names, "l", mostCharacters)} END AS live,
    CASE WHEN s.dr_why = 'changed' THEN ARRAY[${names.map(isDifferent).join(", ")}] END AS differ
    FROM ${stageOf(pair)} AS s
    LEFT JOIN ${fromTable(pair.live)} AS l ON s.dr_why = 'changed' AND ${hasSameKey(pair, "s", "l")}
    ORDER BY s.dr_why COLLATE "C" DESC, ${textArray(pair.key.columns, "s")} COLLATE "C"`;
}

function toSample(
  pair: KeyedPair,
  { why, key, old, live, differ }: StagedRow,
  mostCharacters?: number,
): Sample {
  return {
    why,
    key: key.map((value) => pair.texts.show(value)),
    old: toRow(pair, old, mostCharacters),
    ...(live === null
      ? {}
      : {
          live: toRow(pair, live, mostCharacters),
          differing: pair.columns
            .map(({ name }) => name)
            .filter((_, index) => differ?.[index] === true),
        }),
  };
}

/** What is staged, and the live rows that it would change, as one short text. */
export async function summarise(
  { query }: Session,
  pair: KeyedPair,
): Promise<string> {
  const names = pair.columns.map(({ name }) => name);
  const row = rowText([...names, "dr_why"], "s");
  const [sum] = await query<{ text: string | null }>(
    `SELECT concat_ws('/', count(*), sum(hashtextextended(${row} COLLATE "C", 0)),
       sum(hashtextextended(${row} COLLATE "C", 1)),
       sum(hashtextextended(${rowText(names, "l")} COLLATE "C", 0))) AS text
     FROM ${stageOf(pair)} AS s
     LEFT JOIN ${fromTable(pair.live)} AS l ON s.dr_why = 'changed' AND ${hasSameKey(pair, "s", "l")}`,
  );
  return sum?.text ?? "";
}

/** How many are staged, by why. */
export async function countStaged(
  { query }: Session,
  pair: KeyedPair,
): Promise<Readonly<Partial<Record<Why, number>>>> {
  const rows = await query<{ why: Why; n: number }>(
    `SELECT dr_why AS why, count(*)::int AS n FROM ${stageOf(pair)} GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ why, n }) => [why, n]));
}
