import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { listFolder, packArchive } from "../artifact/archive.js";
import {
  writeArtifact,
  type ArtifactPlace,
  type WrittenArtifact,
} from "../artifact/write-artifact.js";
import { openPlace } from "../backup/place.js";
import type { Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";
import { freeBytes } from "../core/free-bytes.js";
import { removeTree } from "../core/remove-tree.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import { writing } from "../core/writing.js";
import { nameOfDatabase, type Access } from "./access.js";
import { cancellable } from "./cancellable.js";
import { startChild } from "./child.js";
import { configuredAccess } from "./configured.js";
import type { BackupContext } from "./engine.js";
import {
  readSequences,
  takeFingerprint,
  type Fingerprint,
  type SequenceFingerprint,
} from "./fingerprint.js";
import {
  readDatabaseSettings,
  withoutSecrets,
  type KeptSettings,
} from "./database-settings.js";
import { readGlobals, type Globals } from "./globals.js";
import { inMegabytes } from "./megabytes.js";
import { prepareBackup, type PreparedBackup } from "./prepare-backup.js";
import { withSession, type Session } from "./session.js";
import { begin, exportSnapshot } from "./snapshot.js";
import { formatVersion } from "./tools.js";
import { withinLimit } from "./within-limit.js";

export const DUMP_FORMATS = ["custom", "plain", "directory"] as const;

/** What pg_restore, psql, or pg_restore with several jobs reads. */
export type DumpFormat = (typeof DUMP_FORMATS)[number];

export interface DatabaseBackupContext extends BackupContext {
  /** Folders where PostgreSQL's programs are; absent: where `findTool` looks. */
  readonly programs?: readonly string[];
}

export interface DatabaseBackupOptions {
  readonly format: DumpFormat;
  /** Of `directory`: how many tables are read at a time. */
  readonly jobs: number;
  /** Whether rows are hashed, and not only counted. */
  readonly hashes: boolean;
}

export interface DatabaseBackup {
  readonly written: WrittenArtifact;
  readonly fingerprint: Fingerprint;
  /** What people should know of it: sentences. */
  readonly notices: readonly string[];
}

/** What a backup would be made of. */
export interface DatabasePlan extends DatabaseBackupOptions {
  /** `takumi at db.example.org:5432` */
  readonly database: string;
  /** `15.18` */
  readonly server: string;
  readonly tables: number;
  /** On the server's disk, without indexes. */
  readonly sizeBytes: number;
  /** Its path and its version. */
  readonly pgDump: string;
  readonly folder: string;
  /** Needed beside the artifact while it is made. */
  readonly temporaryBytes?: number;
  readonly notices: readonly string[];
}

/**
 * Sees whether the configured database can be backed up, and makes nothing.
 *
 * @throws {DrError} like {@link backUpDatabase}.
 */
export async function planDatabaseBackup(
  context: DatabaseBackupContext,
  options: DatabaseBackupOptions,
): Promise<DatabasePlan> {
  const access = await configuredAccess(context.config);
  const { folder } = await placeOf(context);
  const { server, pgDump, ...prepared } = await withSession(
    access,
    async (session) => await prepareBackup(session, context.programs),
  );
  return {
    ...options,
    ...prepared,
    database: nameOfDatabase(access),
    server: formatVersion(server),
    pgDump: `${pgDump.path} ${formatVersion(pgDump.version)}`,
    folder,
    ...(options.format === "directory"
      ? { temporaryBytes: prepared.sizeBytes }
      : {}),
  };
}

async function placeOf({
  config,
  clock,
  tool,
  onProgress,
}: DatabaseBackupContext): Promise<ArtifactPlace> {
  const place = await openPlace(config, "database", clock, tool);
  return onProgress === undefined ? place : { ...place, onProgress };
}

/** Tables are read by so many sessions at a time to be hashed; the server's own workers help with large ones. */
const HASHING_SESSIONS = 2;

/**
 * Backs up the configured database as it is at one moment: a dump as an
 * artifact, and in its manifest what it holds, read in the same snapshot.
 *
 * @throws {DrError} DATABASE_NOT_CONFIGURED, DATABASE_TIME_LIMIT,
 * DATABASE_SPACE_MISSING, DATABASE_TOOL_FAILED, like `prepareBackup`,
 * `withSession`, `openPlace` and `writeArtifact`, and the signal's reason; then
 * nothing is left.
 */
export async function backUpDatabase(
  context: DatabaseBackupContext,
  options: DatabaseBackupOptions,
): Promise<DatabaseBackup> {
  const { database } = context.config;
  const access = await configuredAccess(context.config);
  const place = await placeOf(context);
  const { timeLimitMinutes = Infinity, sampleAboveBytes = Infinity } =
    database ?? {};
  return await withSession(
    access,
    async (session) =>
      await withinLimit(
        { minutes: timeLimitMinutes, ...context },
        async (controller) => {
          const opened = await openSnapshot(session, controller, context);
          const plan = { ...options, ...opened, controller, sampleAboveBytes };
          return await backUp(access, place, plan);
        },
      ),
  );
}

/** What a dump and all that is read beside it begin with. */
interface Opened {
  readonly prepared: PreparedBackup;
  readonly recoveryPoint: Json;
  readonly sequences: readonly SequenceFingerprint[];
  readonly settings: KeptSettings;
  readonly snapshot: string;
}

async function openSnapshot(
  session: Session,
  { signal }: AbortController,
  { programs }: DatabaseBackupContext,
): Promise<Opened> {
  return await cancellable([session], signal, async () => {
    const prepared = await prepareBackup(session, programs);
    // Before the snapshot: what had happened by then is in it.
    const recoveryPoint = await readRecoveryPoint(session);
    const sequences = await readSequences(session);
    const { database } = session.access;
    const settings = withoutSecrets(
      await readDatabaseSettings(session, database),
    );
    await begin(session);
    const snapshot = await exportSnapshot(session);
    return { prepared, recoveryPoint, sequences, settings, snapshot };
  });
}

interface Plan extends DatabaseBackupOptions, Opened {
  /** Whichever of those at work fails first calls the others off. */
  readonly controller: AbortController;
  readonly sampleAboveBytes: number;
}

async function backUp(
  access: Access,
  place: ArtifactPlace,
  plan: Plan,
): Promise<DatabaseBackup> {
  const { prepared, controller, snapshot, sequences, settings } = plan;
  const { hashes, sampleAboveBytes, recoveryPoint } = plan;
  const { signal } = controller;
  const reading = Promise.all([
    withSession(
      access,
      async (reader) =>
        await takeFingerprint(reader, {
          snapshot,
          sequences,
          hashes,
          parallel: HASHING_SESSIONS,
          isLive: true,
          sampleAbove: sampleAboveBytes,
          signal,
        }),
    ),
    readGlobals(access, prepared.server.major, signal),
  ]);
  let known: readonly [Fingerprint, Globals] | undefined;
  const producedWith = async (dumping: Promise<void>) => {
    [, known] = await Promise.all([dumping, reading]);
  };
  reading.catch((error: unknown) => {
    controller.abort(error);
  });
  try {
    const written = await writeDump(place, {
      ...plan,
      access,
      producedWith,
      describe: () => ({
        contents: describeContents(access, plan, known),
        recoveryPoint,
      }),
    });
    const [fingerprint, globals] = await reading;
    const notices = [
      ...prepared.notices,
      ...globals.notices,
      ...uncountedIn(fingerprint),
      ...settings.omitted.map(
        (name) =>
          `Without the setting ${name} of the database: it may be a secret, and a manifest isn't encrypted.`,
      ),
    ];
    return { written, fingerprint, notices };
  } catch (error) {
    controller.abort(error);
    await reading.catch(() => undefined);
    throw error;
  }
}

function uncountedIn({ tables }: Fingerprint): readonly string[] {
  return tables
    .filter(({ uncounted, computed }) => uncounted && !computed)
    .map(
      ({ name }) =>
        `The rows of ${name} are in the backup, but weren't counted: it was emptied, changed or kept by others meanwhile. A restore can't compare them.`,
    );
}

interface Dump extends Plan {
  readonly access: Access;
  /** When the dump and all that is read beside it are through. */
  readonly producedWith: (dumping: Promise<void>) => Promise<void>;
  readonly describe: () => {
    readonly contents: Json;
    readonly recoveryPoint: Json;
  };
}

async function writeDump(
  place: ArtifactPlace,
  dump: Dump,
): Promise<WrittenArtifact> {
  const { controller, describe, format, producedWith } = dump;
  const { signal } = controller;
  const write = async (stream: Readable, produced: Promise<void>) => {
    signal.addEventListener("abort", () => {
      stream.destroy(signal.reason as Error);
    });
    const kind = "database";
    return await writeArtifact(place, { kind, stream, produced, describe });
  };
  if (format !== "directory") {
    const args = format === "custom" ? ["-Fc", "-Z0"] : ["-Fp"];
    const { stdout, ended } = startDump(dump, args);
    return await write(stdout, producedWith(ended));
  }
  return await inTemporaryFolder(place, dump, async (folder) => {
    const { jobs } = dump;
    const args = ["-Fd", "-Z0", "-j", String(jobs), "-f", folder];
    const { stdout, ended } = startDump(dump, args);
    stdout.resume();
    const produced = producedWith(ended);
    await produced;
    return await write(packArchive(listFolder(folder)), produced);
  });
}

function startDump(
  { prepared, controller, access, snapshot }: Dump,
  args: readonly string[],
) {
  const { path } = prepared.pgDump;
  const { signal } = controller;
  const all = [...args, "--no-password", `--snapshot=${snapshot}`];
  const child = startChild(path, all, { access, signal });
  child.stdin.end();
  child.ended.catch((error: unknown) => {
    controller.abort(error);
  });
  return child;
}

/**
 * Several jobs write several files: they lie in a folder for us alone until
 * they are packed, uncompressed, and take about what the tables take on the
 * server. One that a killed backup left is removed by the next.
 */
async function inTemporaryFolder<T>(
  { folder: parent }: ArtifactPlace,
  { prepared }: Dump,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryBeside(join(parent, "dump"));
  await writing(folder, async () => {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await removeAbandoned(parent);
    await requireSpace(parent, prepared.sizeBytes);
    await mkdir(folder, { mode: 0o700 });
  });
  try {
    return await work(folder);
  } finally {
    await removeTree(folder);
  }
}

async function requireSpace(folder: string, needed: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free < needed) {
    throw new DrError("DATABASE_SPACE_MISSING", {
      folder,
      megabytes: inMegabytes(needed),
      free: inMegabytes(free),
    });
  }
}

function describeContents(
  { database }: Access,
  { format, prepared, settings }: Plan,
  known: readonly [Fingerprint, Globals] | undefined,
): Json {
  const [fingerprint, globals] = known ?? [];
  return {
    format,
    database,
    client: formatVersion(prepared.pgDump.version),
    ...(fingerprint === undefined
      ? {}
      : { fingerprint: fingerprint as unknown as Json }),
    ...(globals?.sql === undefined ? {} : { globals: globals.sql }),
    settings: settings as unknown as Json,
  };
}

/** A standby writes no log of its own: what counts is how far it has replayed the other's. */
async function readRecoveryPoint({ query }: Session): Promise<Json> {
  const [row] = await query<{ point: Json }>(`
    SELECT jsonb_build_object(
      'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
      'timeline', CASE WHEN pg_is_in_recovery() THEN (pg_control_checkpoint()).timeline_id::int
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
      'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS point`);
  return row?.point ?? null;
}
