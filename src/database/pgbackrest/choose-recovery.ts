import type { DrConfig } from "../../config/types.js";
import { systemClock } from "../../core/clock.js";
import { DrError } from "../../core/errors.js";
import type { Access } from "../access.js";
import type { BackupAddress } from "../engine.js";
import {
  readArchiveRange,
  timelineOf,
  type ArchiveRange,
} from "./archive-range.js";
import { readControlData } from "./control-data.js";
import {
  findRecord,
  isLabel,
  type BackupRecord,
} from "./find-server-backup.js";
import { askLive, type LiveServer } from "./live.js";
import {
  readStanza,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import { findServerPrograms, majorOf } from "./server-programs.js";
import type { PgbackrestSettings } from "./settings.js";
import { chooseBackup, requireReachable, type ReplayTarget } from "./target.js";

/** From which backup the log is replayed, and up to where. */
export interface Choice {
  readonly stanza: Stanza;
  readonly range: ArchiveRange;
  readonly backup: RepositoryBackup;
  readonly target: ReplayTarget;
  /** Absent: nothing was written down of it. */
  readonly record?: BackupRecord;
}

export interface WhereToChoose {
  readonly config: DrConfig;
  /** What relative paths are relative to. */
  readonly project: string;
  readonly settings: PgbackrestSettings;
  readonly access: Access;
}

/**
 * Finds the backup from which the log leads to what is asked for.
 *
 * @throws {DrError} PGBACKREST_UNFIT, PGBACKREST_BACKUP_MISSING,
 * PGBACKREST_TARGET_OUTSIDE, OPTION_INVALID, and those of `findRecord`.
 */
export async function chooseRecovery(
  address: BackupAddress,
  where: WhereToChoose,
): Promise<Choice> {
  const target = toTarget(address);
  return target === undefined
    ? await chooseRecorded(address, where)
    : await chooseFor(target, where);
}

/** @returns undefined where a backup itself is asked for. @throws {DrError} OPTION_INVALID. */
function toTarget({
  what,
  before,
  target,
  purpose = "restore",
}: BackupAddress): ReplayTarget | undefined {
  const isNamed = what !== "" && what !== "latest";
  if (before !== undefined && target !== undefined) {
    const expected = "left out where a target is set";
    const value = before.toISOString();
    throw invalid("--before", value, expected);
  }
  const wanted: ReplayTarget | undefined =
    before === undefined ? target : { kind: "before", time: before };
  if (wanted !== undefined && isNamed) {
    const expected = "left out: a target says by itself which backup it needs";
    throw invalid("FILE", what, expected);
  }
  return isNamed || purpose !== "restore"
    ? wanted
    : (wanted ?? { kind: "end" });
}

function invalid(option: string, value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", { option, value, expected });
}

async function chooseFor(
  target: ReplayTarget,
  { settings, access }: WhereToChoose,
): Promise<Choice> {
  const stanza = await readStanza(settings);
  const live = await askLive(access);
  const timeline = await presentTimeline(settings, live);
  const range = await readArchiveRange(settings, stanza, timeline);
  requireReachable(target, range, {
    now: systemClock.now(),
    ...(live === undefined ? {} : { lsn: live.lsn }),
  });
  const backup = chooseBackup(stanza, range, target);
  return { stanza, range, backup, target };
}

/** Of the live server, or of its data folder; undefined where both are lost. */
export async function presentTimeline(
  settings: PgbackrestSettings,
  live: LiveServer | undefined,
): Promise<number | undefined> {
  if (live !== undefined) {
    return live.timeline;
  }
  const { dataFolder, identity } = settings;
  const major = await majorOf(dataFolder);
  if (major === undefined) {
    return undefined;
  }
  const programs = await findServerPrograms(major, settings);
  try {
    return (await readControlData(dataFolder, programs, identity)).timeline;
  } catch {
    return undefined; // It is damaged: that may be why it is restored.
  }
}

async function chooseRecorded(
  { what }: BackupAddress,
  { settings, config, project }: WhereToChoose,
): Promise<Choice> {
  const stanza = await readStanza(settings);
  const record = await findRecord(
    config,
    project,
    what === "" ? "latest" : what,
  );
  const label =
    record?.label ?? (isLabel(what) ? what : stanza.backup.at(-1)?.label);
  const backup = stanza.backup.find((one) => one.label === label);
  if (
    backup === undefined ||
    (record !== undefined && record.stanza !== settings.stanza)
  ) {
    throw new DrError("PGBACKREST_BACKUP_MISSING", {
      stanza: settings.stanza,
      label: label ?? "at all",
      known: stanza.backup.map((one) => one.label).join(", ") || "none",
    });
  }
  const timeline = record?.mark.timeline ?? timelineOf(backup);
  const range = await readArchiveRange(settings, stanza, timeline);
  return record === undefined
    ? { stanza, range, backup, target: { kind: "backup" } }
    : {
        stanza,
        range,
        backup,
        record,
        target: { kind: "point", ...record.mark },
      };
}
