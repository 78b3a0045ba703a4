import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { MadeArtifact } from "../backup/part.js";
import type {
  BackupReport,
  PartPlan,
  PartOutcome,
  PruneOutcome,
} from "../backup/run-backup.js";
import { anyErrorToJson } from "./error.js";
import { count, formatBytes, formatDuration, type Paint } from "./text.js";

const DIGEST_DIGITS = 16;

/** What `dr:backup` would make. */
export function formatBackupPlan(
  plans: readonly PartPlan[],
  paint: Paint,
): string {
  const lines = plans.flatMap(({ kind, lines: all, error }) => [
    `${paint("bold", kind)}: ${error === undefined ? (all[0] ?? "") : paint("red", "can't be made")}`,
    ...all.slice(1).map((line) => `  ${line}`),
  ]);
  return [...lines, "Dry run: nothing was made."]
    .map((line) => `${line}\n`)
    .join("");
}

/** For `--json`. */
export function backupPlanToJson(plans: readonly PartPlan[]): Json {
  return {
    status: "planned",
    parts: plans.map(({ kind, lines, error }) => ({
      kind,
      lines: [...lines],
      ...(error === undefined ? {} : { error: anyErrorToJson(error) }),
    })),
  };
}

/** What `dr:backup` made; what failed is told apart. */
export function formatBackup(
  { parts, pruned }: BackupReport,
  paint: Paint,
): string {
  const table = new Table({
    head: ["backup", "artifact", "size", "stored", "took", "SHA-256"],
    style: { head: [], border: [] },
  });
  table.push(...parts.flatMap((part) => toRows(part, paint)));
  const notices = parts.flatMap((part) =>
    part.status === "done"
      ? part.notices.map((notice) => `${part.kind}: ${notice}`)
      : [],
  );
  const lines = [...notices, ...formatPruned(pruned)];
  return `${table.toString()}\n${lines.map((line) => `${line}\n`).join("")}`;
}

function toRows(part: PartOutcome, paint: Paint): string[][] {
  switch (part.status) {
    case "done": {
      const took = formatDuration(part.seconds * 1000);
      return part.artifacts.length === 0
        ? [[part.kind, paint("green", "done"), "", "", took, ""]]
        : part.artifacts.map((artifact) => toRow(part.kind, artifact, took));
    }
    case "failed":
      return [
        [
          part.kind,
          paint("red", "failed"),
          "",
          "",
          formatDuration(part.seconds * 1000),
          "",
        ],
      ];
    case "not-configured":
      return [[part.kind, paint("dim", missing(part.kind)), "", "", "", ""]];
    case "not-asked-for":
      return [];
  }
}

/** Targets alone don't make backups go there: that is a setting of its own. */
function missing(kind: string): string {
  return kind === "offsite" ? "off (dr.backup.offsite)" : "not configured";
}

function toRow(kind: string, made: MadeArtifact, took: string): string[] {
  const { name, sizeBytes, storedBytes, sha256 } = made;
  const digest = `${sha256.slice(0, DIGEST_DIGITS)}…`;
  return [
    kind,
    name,
    formatBytes(sizeBytes),
    formatBytes(storedBytes),
    took,
    digest,
  ];
}

function formatPruned(pruned: PruneOutcome | undefined): readonly string[] {
  if (pruned?.status !== "done") {
    return [];
  }
  const { removed, kept } = pruned;
  const future = kept.filter(({ why }) => why === "future");
  const legacy = kept.filter(({ why }) => why === "legacy");
  return [
    ...(removed.length === 0
      ? []
      : [`Removed for their age: ${removed.join(", ")}.`]),
    ...future.map(
      ({ name }) => `${name} was made later than now: a clock is wrong.`,
    ),
    ...(legacy.length === 0
      ? []
      : [
          `${count(legacy.length, "old backup")} without a manifest: kept until you remove them.`,
        ]),
  ];
}

/** For `--json`, and for the report. */
export function backupToJson(
  report: BackupReport,
): Readonly<Record<string, Json>> {
  const { startedAt, endedAt, parts, pruned } = report;
  return {
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    parts: parts.map(outcomeToJson),
    ...(pruned === undefined ? {} : { pruned: outcomeToJson(pruned) }),
  };
}

function outcomeToJson(outcome: PartOutcome | PruneOutcome): Json {
  return outcome.status === "failed"
    ? { ...outcome, error: anyErrorToJson(outcome.error) }
    : ({ ...outcome } as unknown as Json);
}
