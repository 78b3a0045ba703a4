import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { LocalArtifact } from "../offsite/local-artifacts.js";
import type { Pruning, Retained } from "../offsite/prune.js";
import type { Replicated } from "../offsite/replicate.js";
import type { TargetReplication } from "../offsite/replication.js";
import { errorToJson, formatError } from "./error.js";
import {
  count,
  formatBytes,
  formatDuration,
  indent,
  type Paint,
} from "./text.js";

/** What is about to be replicated. */
export function formatLocalArtifacts(
  artifacts: readonly LocalArtifact[],
): string {
  if (artifacts.length === 0) {
    return "No backup is young enough (--since): there is nothing to replicate.\n";
  }
  const table = new Table({
    head: ["kind", "backup", "size"],
    style: { head: [], border: [] },
  });
  for (const { entry } of artifacts) {
    const { kind, name, artifact } = entry;
    table.push([kind, name, formatBytes(artifact?.sizeBytes ?? 0)]);
  }
  return `${table.toString()}\n`;
}

const STYLES = {
  uploaded: "green",
  "already-there": "dim",
  failed: "red",
} as const;

const WORDS = {
  uploaded: "uploaded",
  "already-there": "there already",
  failed: "failed",
} as const;

/** What became of each backup in a target, and what went for its age. */
function formatReplication(
  result: TargetReplication,
  isDryRun: boolean,
  paint: Paint,
): string {
  const { target, provider, address, backups, error, pruning } = result;
  const where = address === undefined ? provider : `${provider}, ${address}`;
  return [
    `${paint("bold", target)}  ${where}, ${formatDuration(result.seconds * 1000)}\n`,
    ...backups.map((one) => indent(formatReplicated(one, isDryRun, paint), 2)),
    ...(pruning === undefined
      ? []
      : [indent(formatPruning(pruning, paint), 2)]),
    ...(error === undefined ? [] : [indent(formatError(error, paint), 2)]),
  ].join("");
}

function formatReplicated(
  { name, sizeBytes, status, error }: Replicated,
  isDryRun: boolean,
  paint: Paint,
): string {
  const word = isDryRun && status === "uploaded" ? "would go" : WORDS[status];
  const line = `${paint(STYLES[status], word.padEnd(13))}  ${name}  ${formatBytes(sizeBytes)}\n`;
  return error === undefined
    ? line
    : `${line}${indent(formatError(error, paint), 2)}`;
}

const REASONS: Readonly<Record<Retained["why"], string>> = {
  contracts: "a contract snapshot, never removed",
  future: "made later than now: a clock is wrong",
  locked: "locked by the store",
  young: "not old enough",
  legacy: "an old script's, without a manifest",
  newest: "the newest good one of its kind",
  proven: "the last one that was restored on trial",
  base: "another one builds on it",
  "being-restored": "it is being restored right now",
};

/** Only what is worth a word: what went, and what is old and stays. */
export function formatPruning(
  { removed, retained, failed }: Pruning,
  paint: Paint,
): string {
  return [
    ...removed.map(
      (key) => `${paint("yellow", "removed".padEnd(13))}  ${key}\n`,
    ),
    ...retained.map(
      ({ key, why }) =>
        `${paint("dim", "retained".padEnd(13))}  ${key}  ${REASONS[why]}\n`,
    ),
    ...failed.map(
      ({ key, error }) =>
        `${paint("red", "not removed".padEnd(13))}  ${key}\n${indent(formatError(error, paint), 2)}`,
    ),
  ].join("");
}

/** How a replication went, as it is kept, and as others are told. */
export interface ReplicationReport {
  readonly [key: string]: Json;
  readonly status: "SUCCESS" | "PARTIAL" | "FAILED";
  readonly dry_run: boolean;
  /** `s3`; several by comma. */
  readonly offsite_provider: string;
  /** A line for a notification. */
  readonly summary: string;
}

export function replicationReport(
  results: readonly TargetReplication[],
  {
    at,
    isDryRun,
    logFile,
  }: {
    readonly at: Date;
    readonly isDryRun: boolean;
    readonly logFile: string;
  },
): ReplicationReport {
  const done = results.filter(({ isDone }) => isDone).length;
  return {
    replication_date: at.toISOString(),
    status:
      done === results.length ? "SUCCESS" : done > 0 ? "PARTIAL" : "FAILED",
    dry_run: isDryRun,
    offsite_provider: [...new Set(results.map((one) => one.provider))].join(),
    targets: results.map(replicationToJson),
    summary: summarize(results, isDryRun),
    log_file: logFile,
  };
}

function summarize(
  results: readonly TargetReplication[],
  isDryRun: boolean,
): string {
  const failed = results.filter(({ isDone }) => !isDone);
  if (failed.length > 0) {
    const reasons = failed.map((one) => `${one.target}: ${reasonOf(one)}`);
    return `Offsite replication failed: ${reasons.join("; ")}`;
  }
  const where = results.map(({ target }) => target).join(", ");
  if (isDryRun) {
    return `Dry run: nothing was sent to ${where}, and nothing removed there`;
  }
  return results.every(({ backups }) => backups.length === 0)
    ? `Offsite replication completed: No backup was young enough to be replicated to ${where}`
    : `Offsite replication completed: All backups replicated to ${where}`;
}

function reasonOf({ error, backups, pruning }: TargetReplication): string {
  const failed = backups.filter(({ status }) => status === "failed");
  if (error !== undefined) {
    return error.message.replace(/\.$/, "");
  }
  return failed.length > 0
    ? `${count(failed.length, "backup")} not replicated`
    : `${count(pruning?.failed.length ?? 0, "old backup")} not removed`;
}

/** All targets, and the last line. */
export function formatReplications(
  results: readonly TargetReplication[],
  { status, summary, dry_run: dryRun }: ReplicationReport,
  paint: Paint,
): string {
  const style = status === "SUCCESS" ? "green" : "red";
  return [
    ...results.map((one) => formatReplication(one, dryRun, paint)),
    `${paint(style, summary)}\n`,
  ].join("");
}

function replicationToJson(result: TargetReplication): Json {
  const { target, provider, address, backups, pruning, error, seconds } =
    result;
  return {
    target,
    provider,
    address: address ?? null,
    status: result.isDone ? "SUCCESS" : "FAILED",
    seconds,
    backups: backups.map(({ error: why, ...one }) => ({
      ...one,
      ...(why === undefined ? {} : { error: errorToJson(why) }),
    })),
    retention: pruning === undefined ? null : pruningToJson(pruning),
    ...(error === undefined ? {} : { error: errorToJson(error) }),
  };
}

/** For `--json` and the report. */
export function pruningToJson({ removed, retained, failed }: Pruning): Json {
  return {
    removed,
    retained: retained.map((one) => ({ ...one })),
    failed: failed.map(({ key, error }) => ({
      key,
      error: errorToJson(error),
    })),
  };
}
