import type { Json } from "../core/canonical-json.js";
import type { Loss } from "../database/migrations/losses.js";
import type { MigrationHistory } from "../database/migrations/read-applied.js";
import type {
  PreparedRollback,
  RollbackResult,
} from "../database/migrations/rollback.js";
import type {
  SchemaChange,
  SchemaObject,
} from "../database/migrations/schema.js";
import { count, formatDuration, type Paint } from "./text.js";

/** Of a history, so many of the newest are shown. */
const SHOWN_MIGRATIONS = 10;

/** What a rollback will do. */
export function formatPreparedRollback(
  prepared: PreparedRollback,
  paint: Paint,
): string {
  const { file, database, histories, trial } = prepared;
  const part = file.isDownPart ? ", of it the way back" : "";
  return [
    `${paint("bold", file.path)}${part}: ${count(file.statements.length, "statement")} for ${database}`,
    "",
    ...histories.flatMap((history) => formatHistory(history, prepared, paint)),
    ...formatUnknown(prepared, paint),
    ...(trial.status === "tried"
      ? [
          ...formatChanges(trial.changes, paint),
          ...formatLosses(trial.losses, paint),
          paint(
            "dim",
            `Tried in a transaction that was rolled back: ${formatDuration(trial.seconds * 1000)}, in which it held its locks.`,
          ),
        ]
      : [
          paint("yellow", "What it changes can't be shown before it is done."),
          `It can't run in one transaction (${trial.reason}): its statements run one after the other, and what is done stays done when a later one fails.`,
          "",
        ]),
    "",
  ].join("\n");
}

function formatHistory(
  history: MigrationHistory,
  { undone }: PreparedRollback,
  paint: Paint,
): readonly string[] {
  const { tool, table, migrations, undoneByTool } = history;
  const hit = undone.find((one) => one.history.table === table);
  const left = migrations.length - SHOWN_MIGRATIONS;
  return [
    `${tool} (${table}): ${count(migrations.length, "migration")}`,
    ...(left > 0 ? [`  … ${String(left)} older`] : []),
    ...migrations.slice(-SHOWN_MIGRATIONS).map((migration) => {
      const { name, at, made, state } = migration;
      const when = at ?? (made === undefined ? "" : `written ${made}`);
      const mark = migration === hit?.migration ? paint("yellow", "←") : " ";
      const told = state === "applied" ? "" : paint("red", state);
      return `${mark} ${[name, when, told].filter(Boolean).join("  ")}`;
    }),
    ...(hit === undefined
      ? []
      : [
          `This file undoes ${hit.name}.`,
          ...(hit.later.length === 0
            ? []
            : [
                paint(
                  "yellow",
                  `Applied after it, and perhaps built on it: ${hit.later.join(", ")}.`,
                ),
              ]),
        ]),
    ...(undoneByTool.length === 0 ||
    (hit !== undefined &&
      undoneByTool.length === 1 &&
      undoneByTool[0] === hit.migration.name)
      ? []
      : [`${tool} itself would undo ${undoneByTool.join(", ")}.`]),
    "",
  ];
}

function formatUnknown(
  { file, histories, undone }: PreparedRollback,
  paint: Paint,
): readonly string[] {
  if (undone.length > 0) {
    return [];
  }
  const beside =
    file.neighbours.length === 0
      ? ""
      : ` Beside it are ${file.neighbours.slice(-SHOWN_MIGRATIONS).join(", ")}.`;
  const why =
    histories.length === 0
      ? "No table of a migration tool that is known says what is applied."
      : "Nothing tells which migration this file undoes: no applied one has its name or number.";
  return [`${paint("yellow", why)}${beside}`, ""];
}

function formatChanges(
  changes: readonly SchemaChange[],
  paint: Paint,
): readonly string[] {
  return changes.length === 0
    ? ["The schema stays as it is."]
    : [
        "The schema changes:",
        ...changes.map((change) => `  ${paintChange(change, paint)}`),
      ];
}

function paintChange(change: SchemaChange, paint: Paint): string {
  const line = formatChange(change);
  switch (change.change) {
    case "added":
      return paint("green", line);
    case "removed":
      return paint("red", line);
    case "changed":
    case "renamed":
      return paint("yellow", line);
  }
}

/** `- column public.users.bio: text` */
export function formatChange(change: SchemaChange): string {
  const { object } = change;
  const title = titleOf(object);
  switch (change.change) {
    case "added":
      return `+ ${title}${definitionOf(object)}`;
    case "removed":
      return `- ${title}${definitionOf(object)}`;
    case "renamed": {
      const { before } = change;
      const other =
        before.definition === object.definition ? "" : ", and changed";
      return `~ ${titleOf(before)} renamed to ${nameOf(object)}${other}`;
    }
    case "changed": {
      const [before, after] = [change.before.definition, object.definition];
      return before?.includes("\n") === true || after?.includes("\n") === true
        ? `~ ${title}: another definition`
        : `~ ${title}${before === null ? "" : `: ${before}`} → ${after ?? "none"}`;
    }
  }
}

function titleOf(object: SchemaObject): string {
  const { kind, parent, name } = object;
  return kind === "grant"
    ? `grant on ${parent ?? ""}: ${name}`
    : `${kind} ${nameOf(object)}`;
}

function nameOf({ parent, name }: SchemaObject): string {
  return parent === null ? name : `${parent}.${name}`;
}

function definitionOf({ kind, definition }: SchemaObject): string {
  if (definition === null) {
    return "";
  }
  const lines = definition.trimEnd().split("\n").length;
  return lines > 1
    ? ` (${String(lines)} lines)`
    : `${kind === "grant" ? "" : ":"} ${definition}`;
}

function formatLosses(
  losses: readonly Loss[],
  paint: Paint,
): readonly string[] {
  return losses.length === 0
    ? ["No data is lost."]
    : [
        paint("red", "Data that is lost or changed:"),
        ...losses.map((loss) => `  ${formatLoss(loss)}`),
      ];
}

function formatLoss(loss: Loss): string {
  switch (loss.type) {
    case "table-dropped":
      return `table ${loss.table} with ${rows(loss.rows)}`;
    case "table-emptied":
      return `all ${rows(loss.rows)} of ${loss.table}`;
    case "column-dropped":
      return `column ${loss.table}.${loss.column}: ${loss.values} values in ${rows(loss.rows)}`;
    case "type-narrowed":
      return `${loss.values} values of ${loss.table}.${loss.column} become ${loss.to}; they are ${loss.from}`;
    case "table-rewritten":
      return loss.rows === loss.rowsAfter
        ? `values of ${loss.columns.map((column) => `${loss.table}.${column}`).join(", ")} become others: ${rows(loss.rows)} are written anew`
        : `${loss.table} is written anew: ${rows(loss.rows)} before, ${loss.rowsAfter} after`;
    case "large-objects-deleted":
      return `${loss.objects} large object${loss.objects === "1" ? "" : "s"}`;
    case "rows-deleted":
      return `${rows(loss.rows)} deleted from ${loss.table}`;
    case "rows-changed":
      return `${rows(loss.rows)} changed in ${loss.table}`;
  }
}

function rows(amount: string): string {
  return `${amount} row${amount === "1" ? "" : "s"}`;
}

/** What a rollback did. @param wasShown - What it changes was told before. */
export function formatRollbackResult(
  { backup, changes, histories, stillRecorded }: RollbackResult,
  wasShown: boolean,
  paint: Paint,
): string {
  const tables = histories.map(({ table, migrations }) => {
    const last = migrations.findLast(({ state }) => state === "applied");
    return `${table} says ${last === undefined ? "that nothing is applied" : `that the last one applied is ${last.name}`}.`;
  });
  const recorded = stillRecorded.flatMap(({ table, name, forget }) => [
    paint(
      "yellow",
      `${table} still says that ${name} is applied: the file didn't take it off.`,
    ),
    ...(forget === undefined ? [] : [`  ${forget};`]),
  ]);
  return [
    ...(wasShown ? [] : formatChanges(changes, paint)),
    `${paint("green", "✔")} Rolled back.`,
    ...tables,
    ...recorded,
    `The database as it was before: npx hardhat dr:db:restore ${backup.name} (as of ${backup.at}).`,
    "",
  ].join("\n");
}

/**
 * For `--json`.
 *
 * @param result - Undefined: nothing was done.
 */
export function rollbackToJson(
  { file, database, histories, undone, trial }: PreparedRollback,
  result: RollbackResult | undefined,
): Json {
  return {
    file: file.path,
    database,
    statements: file.statements.length,
    histories: histories as unknown as Json,
    undoes: undone.map(({ history, name, later }) => ({
      table: history.table,
      name,
      later,
    })),
    trial:
      trial.status === "untried"
        ? { ...trial }
        : {
            status: trial.status,
            changes: trial.changes.map(changeToJson),
            losses: trial.losses.map((loss) => ({ ...loss })),
            seconds: trial.seconds,
          },
    result:
      result === undefined
        ? null
        : {
            backup: { ...result.backup },
            changes: result.changes.map(changeToJson),
            histories: result.histories as unknown as Json,
            stillRecorded: result.stillRecorded.map((one) => ({ ...one })),
            ...(result.aside === undefined ? {} : { aside: result.aside }),
          },
  };
}

function changeToJson(change: SchemaChange): Json {
  const { object } = change;
  return {
    change: change.change,
    kind: object.kind,
    name: nameOf(object),
    line: formatChange(change),
    definition: object.definition,
    ...("before" in change
      ? {
          before: {
            name: nameOf(change.before),
            definition: change.before.definition,
          },
        }
      : {}),
  };
}
