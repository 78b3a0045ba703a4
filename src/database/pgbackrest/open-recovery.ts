import type { DrConfig } from "../../config/types.js";
import { systemClock } from "../../core/clock.js";
import { DrError } from "../../core/errors.js";
import { configuredAccess } from "../configured.js";
import type { BackupAddress, RestorePreparation } from "../engine.js";
import type { Fingerprint } from "../fingerprint.js";
import { readArchiveRange } from "./archive-range.js";
import type { Recovery } from "./fill.js";
import {
  findRecord,
  isLabel,
  type BackupRecord,
} from "./find-server-backup.js";
import { askLive, markLog } from "./live.js";
import {
  readPgbackrestVersion,
  readStanza,
  runPgbackrest,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import {
  requireFolderFit,
  requireSwapFit,
  type Facts,
} from "./requirements.js";
import {
  openSettings,
  trialFolder,
  type PgbackrestSettings,
} from "./settings.js";
import {
  chooseBackup,
  describeTarget,
  momentOf,
  requireReachable,
  type ReplayTarget,
} from "./target.js";

/** What is asked for, found in the repository. */
export interface ServerBackup {
  readonly settings: PgbackrestSettings;
  /** For people. */
  readonly name: string;
  readonly backup: RepositoryBackup;
  readonly record: BackupRecord | undefined;
  /** ISO 8601, UTC: what comes out is as of then. */
  readonly asOf: string;
  /** What must come out; absent where nobody has written it down. */
  readonly fingerprint?: Fingerprint;
  /** The same for the same request, and for none other. */
  readonly request: string;
  /** Sees whether it can take the live server's place, and changes nothing. */
  prepareRestore(): Promise<RestorePreparation>;
  /** Has the server archive what it has not yet; then says how it is restored. */
  reachNow(): Promise<Recovery>;
  /** How it is restored beside. */
  prepareTrial(how: { readonly isThorough: boolean }): Promise<Recovery>;
}

interface Chosen {
  readonly stanza: Stanza;
  readonly backup: RepositoryBackup;
  readonly target: ReplayTarget;
  readonly record: BackupRecord | undefined;
}

/**
 * Finds the backup from which the log leads to what is asked for.
 *
 * @throws {DrError} PGBACKREST_UNFIT, PGBACKREST_BACKUP_MISSING,
 * PGBACKREST_TARGET_OUTSIDE, OPTION_INVALID, and those of `findRecord`.
 */
export async function openRecovery(
  address: BackupAddress,
  config: DrConfig,
  project: string,
): Promise<ServerBackup> {
  const settings = await openSettings(config);
  const access = await configuredAccess(config);
  const version = await readPgbackrestVersion(settings);
  const criticalTables = config.database?.criticalTables ?? [];
  const chosen = await choose(address, settings, config, project);
  const { backup, target, record } = chosen;
  const name = `${backup.label} ${describeTarget(target)}`;
  const now = systemClock.now();
  const facts = async (): Promise<Facts> => {
    const detailed = await readStanza(settings, backup.label);
    return {
      settings,
      stanza: detailed,
      backup: detailed.backup[0] ?? backup,
      live: await askLive(access),
    };
  };
  const toRecovery = async (
    { stanza, ...one }: Pick<Chosen, "stanza" | "backup" | "target">,
    isThorough: boolean,
  ): Promise<Recovery> => {
    return {
      ...one,
      range: await readArchiveRange(settings, stanza),
      expectation: {
        name,
        criticalTables,
        isThorough,
        ...(one.target.kind === "point" && record?.fingerprint !== undefined
          ? {
              marked: {
                fingerprint: record.fingerprint,
                snapshot: record.mark.snapshot,
              },
            }
          : {}),
      },
    };
  };
  return {
    settings,
    name,
    backup,
    record,
    asOf: momentAt(chosen, now).toISOString(),
    ...(target.kind === "point" && record?.fingerprint !== undefined
      ? { fingerprint: record.fingerprint }
      : {}),
    // The end of what is archived moves on.
    request: `${settings.stanza} ${name}${target.kind === "end" ? ` at ${now.toISOString()}` : ""}`,
    prepareRestore: async () => ({
      tool: `pgbackrest ${version}`,
      notices: await requireSwapFit(await facts()),
    }),
    reachNow: async () => {
      const reached = await reach(target, settings, access);
      const stanza = await readStanza(settings);
      const range = await readArchiveRange(settings, stanza);
      const isPinned = target.kind === "backup" || target.kind === "point";
      const from = isPinned ? backup : chooseBackup(stanza, range, reached);
      return await toRecovery({ stanza, backup: from, target: reached }, false);
    },
    prepareTrial: async ({ isThorough }) => {
      const known = await facts();
      await requireFolderFit(known, trialFolder(settings));
      const { live, stanza } = known;
      const needsNow = target.kind !== "backup" && target.kind !== "point";
      if (live !== undefined && needsNow) {
        await reach(target, settings, access);
      }
      const all = needsNow ? await readStanza(settings) : stanza;
      return await toRecovery({ stanza: all, backup, target }, isThorough);
    },
  };
}

/** Of the restored state; of a place in the log only the backup before it is known. */
function momentAt({ backup, target, record }: Chosen, now: Date): Date {
  switch (target.kind) {
    case "time":
    case "before":
      return target.time;
    case "point":
      return record === undefined
        ? momentOf(backup)
        : new Date(record.createdAt);
    case "end":
      return now;
    case "backup":
    case "lsn":
      return momentOf(backup);
  }
}

async function choose(
  address: BackupAddress,
  settings: PgbackrestSettings,
  config: DrConfig,
  project: string,
): Promise<Chosen> {
  const { what, before, target: wanted } = address;
  const stanza = await readStanza(settings);
  const target: ReplayTarget | undefined =
    before === undefined ? wanted : { kind: "before", time: before };
  if (before !== undefined && wanted !== undefined) {
    const expected = "left out where a target is set";
    const value = before.toISOString();
    throw new DrError("OPTION_INVALID", {
      option: "--before",
      value,
      expected,
    });
  }
  const isNamed = what !== "" && what !== "latest";
  if (target !== undefined) {
    if (isNamed) {
      const expected =
        "left out: a target says by itself which backup it needs";
      const value = what;
      throw new DrError("OPTION_INVALID", { option: "FILE", value, expected });
    }
    const range = await readArchiveRange(settings, stanza);
    const live = await askLive(await configuredAccess(config));
    requireReachable(target, range, {
      now: systemClock.now(),
      ...(live === undefined ? {} : { lsn: live.lsn }),
    });
    const backup = chooseBackup(stanza, range, target);
    return { stanza, backup, target, record: undefined };
  }
  if (!isNamed && (address.purpose ?? "restore") === "restore") {
    const range = await readArchiveRange(settings, stanza);
    const end = { kind: "end" } as const;
    const backup = chooseBackup(stanza, range, end);
    return { stanza, backup, target: end, record: undefined };
  }
  const record = await findRecord(config, project, isNamed ? what : "latest");
  const label =
    record?.label ?? (isLabel(what) ? what : stanza.backup.at(-1)?.label);
  const backup = stanza.backup.find((one) => one.label === label);
  if (backup === undefined || (record && record.stanza !== settings.stanza)) {
    throw new DrError("PGBACKREST_BACKUP_MISSING", {
      stanza: settings.stanza,
      label: label ?? "at all",
      known: stanza.backup.map((one) => one.label).join(", ") || "none",
    });
  }
  return {
    stanza,
    backup,
    record,
    target:
      record === undefined
        ? { kind: "backup" }
        : { kind: "point", ...record.mark },
  };
}

/**
 * Has a server that runs archive its log up to now, with a commit after every
 * moment that was. Where no target is set that very place is one: a gap before
 * it can't be taken for the end.
 */
async function reach(
  target: ReplayTarget,
  settings: PgbackrestSettings,
  access: Parameters<typeof markLog>[0],
): Promise<ReplayTarget> {
  if (target.kind === "backup" || target.kind === "point") {
    return target;
  }
  if ((await askLive(access)) === undefined) {
    return target;
  }
  const point = `hardhat-dr restore ${systemClock.now().toISOString()}`;
  const lsn = await markLog(access, point);
  await runPgbackrest(settings, "check");
  return target.kind === "end" ? { kind: "point", point, lsn } : target;
}
