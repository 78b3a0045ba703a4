import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { BackupPlan } from "../database/engine.js";
import type { Fingerprint } from "../database/fingerprint.js";
import { count, formatBytes, type Paint } from "./text.js";

const SHOWN = 20;

/** How many rows a backup of the database holds, of the largest tables one by one. */
export function formatContents(
  { tables, largeObjects }: Fingerprint,
  paint: Paint,
): string {
  const sorted = tables.toSorted((a, b) =>
    Number(BigInt(b.rows) - BigInt(a.rows)),
  );
  const table = new Table({
    head: ["table", "rows"],
    colAligns: ["left", "right"],
    style: { head: [], border: [] },
  });
  table.push(
    ...sorted
      .slice(0, SHOWN)
      .map(({ name, rows, uncounted }) => [name, uncounted ? "?" : rows]),
  );
  const rest = sorted.slice(SHOWN);
  if (rest.length > 0) {
    const others = count(rest.length, "other");
    table.push([paint("dim", others), sumOf(rest)]);
  }
  const objects =
    largeObjects.count === "0" ? "" : `, ${largeObjects.count} large objects`;
  const all = `${count(tables.length, "table")}, ${sumOf(tables)} rows${objects}`;
  return `${table.toString()}\nIn the backup: ${all}.\n`;
}

function sumOf(tables: Fingerprint["tables"]): string {
  return String(tables.reduce((sum, { rows }) => sum + BigInt(rows), 0n));
}

export function contentsToJson({
  tables,
  largeObjects,
}: Fingerprint): Readonly<Record<string, Json>> {
  return {
    tables: tables.map(({ name, rows, uncounted }) => ({
      name,
      rows: uncounted ? null : rows,
    })),
    largeObjects: largeObjects.count,
  };
}

/** What `dr:db:backup` would do. */
export function formatDatabasePlan(plan: BackupPlan): string {
  return [...tellDatabasePlan(plan), "Dry run: nothing was made."]
    .map((line) => `${line}\n`)
    .join("");
}

export function tellDatabasePlan(plan: BackupPlan): readonly string[] {
  const { database, server, tables, sizeBytes, format, jobs } = plan;
  const { tool, folder, temporaryBytes, notices } = plan;
  return [
    `${database}, PostgreSQL ${server}: ${count(tables, "table")}, ${formatBytes(sizeBytes)} on the server's disk`,
    `with ${tool}, ${format} format${jobs > 1 ? `, ${String(jobs)} jobs` : ""}`,
    `into ${folder}`,
    ...(temporaryBytes === undefined
      ? []
      : [`and about ${formatBytes(temporaryBytes)} there for a moment`]),
    ...notices,
  ];
}

export function planToJson(plan: BackupPlan): Json {
  return { ...plan, dryRun: true };
}
