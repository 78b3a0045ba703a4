import { DrError } from "../../core/errors.js";
import type { RecoveryTarget } from "../engine.js";
import { leadsOn, type ArchiveRange } from "./archive-range.js";
import { parseLsn } from "./lsn.js";
import type { RepositoryBackup, Stanza } from "./repository.js";

/** Up to where the log is replayed. */
export type ReplayTarget =
  | RecoveryTarget
  /** Just before a moment. */
  | { readonly kind: "before"; readonly time: Date }
  /** A restore point by its name. */
  | { readonly kind: "point"; readonly point: string; readonly lsn: string }
  /** As soon as a backup is whole. */
  | { readonly kind: "backup" }
  /** All that is archived. */
  | { readonly kind: "end" };

/** For people. */
export function describeTarget(target: ReplayTarget): string {
  switch (target.kind) {
    case "time":
      return `as of ${target.time.toISOString()}`;
    case "before":
      return `as it was just before ${target.time.toISOString()}`;
    case "lsn":
      return `as of the place ${target.lsn} of the log`;
    case "point":
      return `as of the restore point at ${target.lsn}`;
    case "backup":
      return "as of the end of the backup";
    case "end":
      return "up to the end of what is archived";
  }
}

/**
 * For `pgbackrest restore`.
 *
 * @param timeline - Followed to the target; the newest may be a restore's that
 * was undone.
 */
export function targetArguments(
  target: ReplayTarget,
  timeline: number,
): readonly string[] {
  const common = [`--target-timeline=${String(timeline)}`];
  const to = (type: string, value: string) => [
    ...common,
    `--type=${type}`,
    `--target=${value}`,
    PROMOTE,
  ];
  switch (target.kind) {
    case "time":
      return to("time", toPostgresTime(target.time));
    case "before":
      return [...to("time", toPostgresTime(target.time)), "--target-exclusive"];
    case "lsn":
      return to("lsn", target.lsn);
    case "point":
      return to("name", target.point);
    case "backup":
      // With this type pgBackRest has no option for it.
      return [
        `--recovery-option=recovery_target_timeline=${String(timeline)}`,
        "--type=immediate",
        PROMOTE,
      ];
    case "end":
      return common;
  }
}

const PROMOTE = "--target-action=promote";

/** `2024-01-15 14:00:00.000+00` */
function toPostgresTime(time: Date): string {
  return time.toISOString().replace("T", " ").replace("Z", "+00");
}

/**
 * The newest backup from which the log leads to a target.
 *
 * @param now - Of this machine.
 * @throws {DrError} PGBACKREST_TARGET_OUTSIDE.
 */
export function chooseBackup(
  { backup: all }: Stanza,
  range: ArchiveRange,
  target: ReplayTarget,
): RepositoryBackup {
  const usable = all.filter(
    (one) => one.error !== true && leadsOn(one, range) && isBefore(one, target),
  );
  const newest = usable
    .toSorted((a, b) => a.timestamp.stop - b.timestamp.stop)
    .at(-1);
  if (newest === undefined) {
    const oldest = all[0];
    throw outside(
      target,
      oldest === undefined
        ? "there is no backup yet"
        : `the oldest backup, ${oldest.label}, is whole as of ${momentOf(oldest).toISOString()} (${oldest.lsn.stop})`,
    );
  }
  return newest;
}

/** Times are told to the second: it was whole before the next one began. */
export function momentOf({ timestamp }: RepositoryBackup): Date {
  return new Date((timestamp.stop + 1) * 1000);
}

function isBefore(backup: RepositoryBackup, target: ReplayTarget): boolean {
  switch (target.kind) {
    case "time":
    case "before":
      return momentOf(backup) <= target.time;
    case "lsn":
    case "point":
      return parseLsn(backup.lsn.stop) <= parseLsn(target.lsn);
    case "backup":
    case "end":
      return true;
  }
}

/** Times of files in a repository are told to the second. */
const SECOND_MS = 1000;

/**
 * What the archive certainly doesn't reach is told before anything is restored.
 *
 * @param isLive - The server runs: what it has in its log it can still archive.
 * @throws {DrError} PGBACKREST_TARGET_OUTSIDE.
 */
export function requireReachable(
  target: ReplayTarget,
  { last, segmentBytes }: ArchiveRange,
  { now, lsn }: { readonly now: Date; readonly lsn?: string },
): void {
  if (target.kind === "time" || target.kind === "before") {
    if (target.time > now) {
      throw outside(target, `it is ${now.toISOString()} now`);
    }
    const isReached =
      last !== undefined &&
      target.time.getTime() < last.at.getTime() + SECOND_MS;
    if (lsn === undefined && !isReached) {
      throw outside(target, endOf(last));
    }
  }
  if (target.kind === "lsn") {
    const wanted = parseLsn(target.lsn);
    const archived = last === undefined ? 0n : last.start + segmentBytes;
    const reach = lsn === undefined ? archived : parseLsn(lsn);
    if (wanted > reach) {
      throw outside(
        target,
        lsn === undefined ? endOf(last) : `the server has come to ${lsn}`,
      );
    }
  }
}

function endOf(last: ArchiveRange["last"]): string {
  return last === undefined
    ? "nothing is archived, and the server doesn't answer"
    : `the server doesn't answer, and the last that is archived, ${last.name}, is from ${last.at.toISOString()}`;
}

function outside(target: ReplayTarget, reason: string): DrError {
  const what = describeTarget(target);
  return new DrError("PGBACKREST_TARGET_OUTSIDE", { target: what, reason });
}
