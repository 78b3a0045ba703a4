import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { Recovery } from "../database/recover/recover.js";
import type { RecoveryPlan, TablePlan } from "../database/recover/plan.js";
import type { ErasedList } from "../database/recover/unmatched.js";
import type { Conflict, Sample, ShownRow } from "../database/recover/stage.js";
import { count, type Paint, printable } from "./text.js";

const SHOWN_CHARACTERS = 60;
/** Of what is the same before a difference. */
const SHOWN_BEFORE = 20;

/** What would be brought back, table by table, and what speaks against it. */
export function formatRecoveryPlan(plan: RecoveryPlan, paint: Paint): string {
  const { tables, conflicts, unset, leftOut, unseen, unasked } = plan;
  const notices = [
    ...unset.map(
      (one) =>
        `${count(one.count, "row")} of ${printable(one.table)} no longer refer by ${printable(one.columns.join(", "))}, and stay so: ${one.keys.map((key) => printable(key.join(","))).join(" ")}${one.count > one.keys.length ? ` and ${String(one.count - one.keys.length)} more` : ""}. \`--table ${printable(one.table)} --changed\` shows them, and brings that back too`,
    ),
    ...unseen.map(
      (table) =>
        `What hung on them in ${printable(table)} isn't looked at: the table has no key, or isn't there any more`,
    ),
    ...(unasked.length === 0
      ? []
      : [
          `What hung on them in ${printable(unasked.join(", "))} isn't looked at. \`--children\` looks, and brings it back too`,
        ]),
    ...(leftOut.erased + leftOut.orphans === 0
      ? []
      : [
          `Left out: ${count(leftOut.erased, "erased row")}, and ${count(leftOut.orphans, "row")} that refer to such`,
        ]),
    ...leftOut.lists
      .filter(({ unmatched, alike }) => unmatched + alike > 0)
      .map(formatList),
  ];
  return [
    ...(tables.length === 0
      ? [
          `${paint("green", "✔")} Nothing of ${printable(plan.table)} is to be brought back from there.\n  What was gone already when that backup was made is in an older one: \`--before TIME\`.\n`,
        ]
      : tables.map((table) => formatTable(table, paint))),
    ...formatConflicts(conflicts, paint),
    ...notices.map((notice) => `${paint("yellow", notice)}.\n`),
  ].join("");
}

/** Of erased rows, where some of its entries protect nobody. */
function formatList({ table, entries, unmatched, alike }: ErasedList): string {
  const told = `${String(unmatched)} of ${count(entries, "key")} in \`dr.database.erased\` for ${printable(table)} are neither in the backup nor in the database: erased earlier, or not written as the key is`;
  return alike === 0
    ? told
    : `${told}. ${String(alike)} differ only by blanks or case from rows of the backup, which they do not keep away`;
}

function formatTable(given: TablePlan, paint: Paint): string {
  const { missing, changed, parents, children } = given.counts;
  const words = [
    [missing, "missing"],
    [changed, "changed"],
    [parents, "needed by others"],
    [children, "that hung on others"],
  ] as const;
  const told = words
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${String(number)} ${word}`);
  const table = new Table({
    head: ["why", printable(given.key.join(", ")), "values"],
    style: { head: [], border: [] },
  });
  table.push(
    ...given.samples.map((row) => [
      row.why,
      printable(row.key.join(", ")),
      formatValues(row),
    ]),
  );
  const rows = missing + changed + parents + children;
  const notes = [
    ...(rows > given.samples.length
      ? [`and ${String(rows - given.samples.length)} more`]
      : []),
    ...given.lost.map((name) => `${name} is gone: its values aren't kept`),
    ...given.added.map((name) => `${name} is new: it gets its default`),
    ...given.retyped.map(
      ({ name, from, to }) => `${name} was ${from}, and is ${to}`,
    ),
  ];
  return `${paint("bold", printable(given.table))}: ${told.join(", ")}\n${draw(table)}\n${notes.map((note) => `  ${printable(note)}\n`).join("")}`;
}

/** Of a row that changed: what is there, and what was. */
function formatValues({ old, live, differing = [] }: Sample): string {
  return live === undefined
    ? formatRow(old)
    : toCell(
        differing.map(
          (name) =>
            `${printable(name)}: ${formatChange(live[name] ?? null, old[name] ?? null)}`,
        ),
      );
}

/** More of a row are in the CSV. */
const MOST_VALUES = 40;

/** A terminal's background off, which changes nothing. */
const NOTHING = "\u001B[49m";

/**
 * cli-table3 shortens each cell for a log of its own, letter by letter, for
 * every line of it: many lines would take minutes. It goes from one code for
 * terminals to the next, so one stands behind each.
 */
function toCell(lines: readonly string[]): string {
  const rest = lines.length - MOST_VALUES;
  const shown =
    rest > 0
      ? [
          ...lines.slice(0, MOST_VALUES),
          `… and ${count(rest, "more column")}: \`--csv\` has all`,
        ]
      : lines;
  return shown.join(`${NOTHING}\n`);
}

function draw(table: InstanceType<typeof Table>): string {
  return table.toString().replaceAll(NOTHING, "");
}

/** Of long values that begin alike, from shortly before where they differ. */
function formatChange(from: string | null, to: string | null): string {
  if (from !== null && from === to) {
    return `differs behind its first ${count(Array.from(from).length, "character")}`;
  }
  const alike = countAlike(from ?? "", to ?? "");
  const isLong =
    Math.max(from?.length ?? 0, to?.length ?? 0) > SHOWN_CHARACTERS;
  const left = isLong ? Math.max(0, alike - SHOWN_BEFORE) : 0;
  const [before, after] = [from, to].map((value) =>
    value === null || left === 0
      ? formatValue(value)
      : `…${formatValue(value.slice(left))}`,
  );
  return `${before ?? ""} → ${after ?? ""}`;
}

/** How many characters two texts begin with alike. */
function countAlike(one: string, other: string): number {
  let alike = 0;
  while (alike < one.length && one[alike] === other[alike]) {
    alike += 1;
  }
  return alike;
}

function formatRow(row: ShownRow): string {
  return toCell(
    Object.entries(row).map(
      ([name, value]) => `${printable(name)}: ${formatValue(value)}`,
    ),
  );
}

function formatConflicts(
  { count: number, shown }: RecoveryPlan["conflicts"],
  paint: Paint,
): readonly string[] {
  if (number === 0) {
    return [];
  }
  const table = new Table({
    head: ["table", "constraint", "old", "live"],
    style: { head: [], border: [] },
  });
  table.push(
    ...shown.map(({ table: name, constraint, old, live }: Conflict) => [
      printable(name),
      printable(constraint),
      formatRow(old),
      formatRow(live),
    ]),
  );
  const exchanged = shown.filter(({ isExchanged }) => isExchanged).length;
  const who =
    exchanged === 0
      ? "rows that were made since, or changed"
      : exchanged === shown.length
        ? "rows that get back what they were themselves"
        : "rows that were made since, or that get back what they were themselves";
  const way =
    exchanged === 0
      ? ""
      : `${paint("yellow", "What must be unique was exchanged between rows, or taken over. Give those that have it now, under live, any other value; what they were comes back with `--changed`.")}\n`;
  return [
    `${paint("red", count(number, "conflict"))} with ${who}:\n${draw(table)}\n${way}`,
  ];
}

function formatValue(value: string | null): string {
  if (value === null) {
    return "NULL";
  }
  const text = printable(value);
  return text.length > SHOWN_CHARACTERS
    ? `${text.slice(0, SHOWN_CHARACTERS)}…`
    : text;
}

/** How it ended, and what is next. */
export function formatRecovered(
  { plan, isWritten }: Pick<Recovery, "plan" | "isWritten">,
  paint: Paint,
): string {
  if (isWritten) {
    const rows = plan.tables
      .flatMap(({ counts }) => Object.values(counts))
      .reduce((sum, number) => sum + number, 0);
    const gone = plan.tables.flatMap(({ table, lost }) =>
      lost.map((name) => `${table}.${name}`),
    );
    const but =
      gone.length === 0
        ? ""
        : `, but for columns that are gone: ${printable(gone.join(", "))}`;
    return `${paint("green", "✔")} Brought back as in the backup: ${count(rows, "row")}${but}.\n`;
  }
  return plan.tables.length === 0
    ? ""
    : "Nothing was written. With `--apply` they are brought back.\n";
}

/** For `--json`. */
export function recoveryToJson({
  plan,
  isWritten,
  aside,
}: Recovery): Readonly<Record<string, Json>> {
  const status =
    plan.tables.length === 0 ? "nothing-to-do" : isWritten ? "done" : "planned";
  return {
    status,
    ...(plan as unknown as Readonly<Record<string, Json>>),
    ...(aside === undefined ? {} : { aside }),
  };
}
