import type { Json } from "../core/canonical-json.js";
import { formatDuration as formatSpan } from "../core/duration.js";
import type { FoundBackup } from "../database/engine.js";
import type { RestoreMeasures } from "../database/measure-restore.js";
import type { RestoredDatabase } from "../database/restore.js";
import type { Examination } from "../database/verify-restored.js";
import { count, formatBytes, formatDuration, type Paint } from "./text.js";

/** What is to be restored, and where to. */
export interface RestorePlan {
  readonly backup: FoundBackup;
  /** `takumi at db.example.org:5432` */
  readonly database: string;
  /** Absent: in the place of the database. */
  readonly into?: string;
  /** What restores it. */
  readonly tool: string;
  readonly notices: readonly string[];
}

export function formatRestorePlan(
  { backup, database, into, tool, notices }: RestorePlan,
  paint: Paint,
): string {
  const { name, createdAt, sizeBytes, fingerprint, format } = backup;
  const size = sizeBytes === undefined ? "" : `, ${formatBytes(sizeBytes)}`;
  const rows = fingerprint?.tables.reduce(
    (sum, table) => sum + BigInt(table.rows),
    0n,
  );
  return [
    `${paint("bold", name)}: ${format} format${size}${createdAt === undefined ? "" : `, as of ${createdAt}`}`,
    fingerprint === undefined
      ? paint(
          "yellow",
          "  nobody has written down what it holds: only what must hold of any can be checked",
        )
      : `  ${count(fingerprint.tables.length, "table")}, ${String(rows)} rows, which are counted and compared`,
    ...(backup.isAuthentic
      ? []
      : [paint("yellow", "  nothing proves who made it")]),
    into === undefined
      ? `  → ${database}, in the place of what is there, which is kept under another name`
      : `  → ${into} beside ${database}, which isn't touched`,
    `  with ${tool}`,
    ...notices.map((notice) => paint("yellow", `  ${notice}`)),
    "",
  ].join("\n");
}

/** What nobody has written down can't be compared. */
export function tellRestored(
  { fingerprint }: Pick<FoundBackup, "fingerprint">,
  what: string,
): string {
  return fingerprint === undefined
    ? `${what} is restored, with nothing to compare it with`
    : `${what} is what was backed up`;
}

export function formatRestored(
  { database, aside, examination, missing = [] }: RestoredDatabase,
  backup: Pick<FoundBackup, "fingerprint">,
  measures: RestoreMeasures,
  paint: Paint,
): string {
  return [
    `${paint("green", "✔")} ${tellRestored(backup, database)}${examination === undefined ? "; an earlier run had restored and examined it" : `: ${formatExtent(examination)}`}`,
    ...formatNotices(examination, paint),
    ...missing.map((one) => paint("yellow", `  ${one}`)),
    `  ${formatMeasures(measures)}`,
    aside === undefined ? "" : formatAside(aside),
  ].join("\n");
}

export function formatAside(aside: string): string {
  return `  What was there is ${aside}; \`npx hardhat dr:db:restore --undo\` brings it back. Drop it when it isn't needed any more.\n`;
}

function formatMeasures({
  seconds,
  recoveryPointAgeSeconds: age,
}: RestoreMeasures): string {
  const took = `It took ${formatDuration(seconds * 1000)}`;
  return age === null
    ? `${took}.`
    : `${took}. What was written in the last ${formatSpan(BigInt(Math.round(age)))} before it isn't in it.`;
}

export function formatUndone(
  { database, aside }: RestoredDatabase,
  incoming: string,
  paint: Paint,
): string {
  const kept =
    aside === undefined
      ? ""
      : `; what was there is ${aside}, and \`--undo\` once more brings it back`;
  return `${paint("green", "✔")} ${database} is ${incoming} again${kept}\n`;
}

export function formatVerified(
  name: string,
  examination: Examination,
  { proof, kept }: { readonly proof: string; readonly kept?: string },
  paint: Paint,
): string {
  return [
    `${paint("green", "✔")} ${name} is proven restorable: ${formatExtent(examination)}`,
    ...formatNotices(examination, paint),
    ...(kept === undefined
      ? []
      : [`  It is in the database ${kept}; drop it when you have seen it.`]),
    `  Written down in ${proof}`,
    "",
  ].join("\n");
}

function formatExtent({ tables, rows }: Examination): string {
  return `${count(tables, "table")}, ${rows} rows`;
}

function formatNotices(
  examination: Examination | undefined,
  paint: Paint,
): readonly string[] {
  return (examination?.notices ?? []).map((notice) =>
    paint("yellow", `  ${notice}`),
  );
}

export function restorePlanToJson({
  backup,
  database,
  into,
  tool,
  notices,
}: RestorePlan): Readonly<Record<string, Json>> {
  const { name, format, createdAt, isAuthentic, sizeBytes } = backup;
  return {
    name,
    format,
    createdAt: createdAt ?? null,
    isAuthentic,
    sizeBytes: sizeBytes ?? null,
    database,
    into: into ?? null,
    tool,
    notices: [...notices],
  };
}

export function examinationToJson(examination: Examination | undefined): Json {
  return examination === undefined
    ? null
    : {
        tables: examination.tables,
        rows: examination.rows,
        notices: [...examination.notices],
      };
}
