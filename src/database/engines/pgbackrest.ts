import type { DrConfig } from "../../config/types.js";
import { DrError, isDrError } from "../../core/errors.js";
import type {
  BackupAddress,
  BackupChoices,
  BrokenOff,
  Engine,
  FoundBackup,
  TrialWork,
} from "../engine.js";
import {
  BACKUP_TYPES,
  backUpServer,
  planServerBackup,
} from "../pgbackrest/back-up-server.js";
import { listServerBackups } from "../pgbackrest/list-kept.js";
import {
  openRecovery,
  type ServerBackup,
} from "../pgbackrest/open-recovery.js";
import { requireRepositorySound } from "../pgbackrest/verify-repository.js";
import type { ClusterRecord } from "../pgbackrest/cluster-record.js";
import {
  findBrokenOff,
  NOTHING_MORE,
  prepareServerUndo,
  restoreOnTrial,
  restoreServer,
  undoServerRestore,
} from "../pgbackrest/restore-server.js";
import { recordServerProof } from "../pgbackrest/server-proof.js";
import { openSettings } from "../pgbackrest/settings.js";
import { configuredAccess } from "../configured.js";
import { openPostgres } from "./postgres.js";

/** A server that pgBackRest backs up, with all its databases and its log. */
export function openPgbackrest(config: DrConfig, project: string): Engine {
  // Rows and migrations are a matter of the server, not of how it is backed up.
  const server = openPostgres(config, project);
  return {
    ...server,
    requireChoices,
    planBackup: async (context, choices) => {
      requireChoices(choices);
      return await planServerBackup(context, choices);
    },
    backUp: async (context, choices) => {
      requireChoices(choices);
      return await backUpServer(context, choices);
    },
    find: async (address, meter) => {
      // A store that is down is asked again and again, for minutes.
      meter.begin("reading pgBackRest's repository", undefined);
      return await find(address, config, project);
    },
    listKept: async () => await listServerBackups(config),
    prepareUndo: async () =>
      await prepareServerUndo(await openSettings(config)),
    findBrokenOff: async () => {
      const record = await findOwnBrokenOff(config);
      return record === undefined ? undefined : toBrokenOff(record);
    },
    undo: async (clock) =>
      await undoServerRestore({
        settings: await openSettings(config),
        access: await configuredAccess(config),
        clock,
      }),
  };
}

/** @throws {DrError} OPTION_INVALID. */
function requireChoices({ format, type }: BackupChoices): void {
  if (format !== undefined) {
    throw invalid("--format", format, "left out: pgBackRest copies files");
  }
  if (type !== undefined && !BACKUP_TYPES.some((one) => one === type)) {
    throw invalid("--type", type, BACKUP_TYPES.join(", "));
  }
}

function invalid(option: string, value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", { option, value, expected });
}

async function find(
  address: BackupAddress,
  config: DrConfig,
  project: string,
): Promise<FoundBackup> {
  const opened = await openRecovery(address, config, project);
  if (address.purpose === "verify") {
    await requireRepositorySound(opened.settings);
  }
  return toFound(opened, address, config);
}

function toFound(
  opened: ServerBackup,
  address: BackupAddress,
  config: DrConfig,
): FoundBackup {
  const { settings, record, backup, name } = opened;
  const onTrial = async (work: TrialWork) => ({
    ...work,
    settings,
    access: await configuredAccess(config),
  });
  return {
    name,
    format: "pgbackrest",
    isAuthentic: record?.isAuthentic ?? false,
    ...(opened.asOf === undefined ? {} : { createdAt: opened.asOf }),
    sizeBytes: backup.info.size,
    ...(opened.fingerprint === undefined
      ? {}
      : { fingerprint: opened.fingerprint }),
    prepareRestore: async (choices) => {
      requireRestoreChoices(choices);
      return await opened.prepareRestore();
    },
    restore: async (work) => {
      requireRestoreChoices(work);
      return await restoreServer({
        ...(await onTrial(work)),
        what: opened.request,
        address: toRecorded(address),
        isRepeatable: opened.isRepeatable,
        recovery: async () => await opened.reachNow(),
      });
    },
    verify: async (work) => {
      requireRestoreChoices(work);
      return await restoreOnTrial(
        await opened.prepareTrial({ isThorough: true }),
        { ...(await onTrial(work)), keep: work.keep },
        NOTHING_MORE,
      );
    },
    recordProof: async (at, how) =>
      await recordServerProof(opened, config, at, how),
    withRestored: async (work, use) => {
      requireRestoreChoices(work);
      const recovery = await opened.prepareTrial({ isThorough: false });
      const options = { ...(await onTrial(work)), keep: false };
      const { used } = await restoreOnTrial(recovery, options, use);
      return used;
    },
  };
}

function toRecorded({
  what,
  before,
  target,
}: BackupAddress): NonNullable<ClusterRecord["address"]> {
  return {
    what,
    ...(before === undefined ? {} : { before: before.toISOString() }),
    ...(target?.kind === "time" ? { time: target.time.toISOString() } : {}),
    ...(target?.kind === "lsn" ? { lsn: target.lsn } : {}),
  };
}

/** Another user's is none that this process could go on with; where there is no folder there is none. */
async function findOwnBrokenOff(
  config: DrConfig,
): Promise<ClusterRecord | undefined> {
  try {
    return await findBrokenOff(await openSettings(config));
  } catch (error) {
    if (
      isDrError(error, "PGBACKREST_FOREIGN") ||
      isDrError(error, "PGBACKREST_UNFIT")
    ) {
      return undefined;
    }
    throw error;
  }
}

function toBrokenOff({
  startedAt,
  address,
}: ClusterRecord): BrokenOff | undefined {
  if (address === undefined) {
    return { startedAt };
  }
  const { what, before, time, lsn } = address;
  return {
    startedAt,
    address: {
      what,
      acceptUnauthenticated: false,
      ...(before === undefined ? {} : { before: new Date(before) }),
      ...(time === undefined
        ? {}
        : { target: { kind: "time", time: new Date(time) } }),
      ...(lsn === undefined ? {} : { target: { kind: "lsn", lsn } }),
    },
  };
}

/** A server is restored as a whole, in its own place. @throws {DrError} OPTION_INVALID. */
function requireRestoreChoices({
  into,
  noOwner,
}: {
  readonly into?: string;
  readonly noOwner: boolean;
}): void {
  if (into !== undefined) {
    throw invalid(
      "--into",
      into,
      "left out: the engine pgbackrest restores the whole server",
    );
  }
  if (noOwner) {
    throw invalid(
      "--no-owner",
      "true",
      "left out: the engine pgbackrest restores the whole server, with its roles",
    );
  }
}
