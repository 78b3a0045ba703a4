import { Readable } from "node:stream";

import { writeArtifact } from "../../artifact/write-artifact.js";
import { openPlace } from "../../backup/place.js";
import type { Json } from "../../core/canonical-json.js";
import { DrError, isDrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import { configuredAccess } from "../configured.js";
import type {
  BackupChoices,
  BackupContext,
  BackupPlan,
  MadeBackup,
} from "../engine.js";
import {
  readSequences,
  takeFingerprint,
  type Fingerprint,
  type SequenceFingerprint,
} from "../fingerprint.js";
import { readGlobals } from "../globals.js";
import { prepareBackup } from "../prepare-backup.js";
import { withSession, type Session } from "../session.js";
import { formatVersion } from "../tools.js";
import { withinLimit } from "../within-limit.js";
import { askLive, type LiveServer } from "./live.js";
import {
  processArguments,
  readPgbackrestVersion,
  readStanza,
  runPgbackrest,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import { openSettings, type PgbackrestSettings } from "./settings.js";

export const BACKUP_TYPES = ["full", "diff", "incr"] as const;

/** How many attempts there are to find a moment in which nothing is committed. */
const QUIET_ATTEMPTS = 5;
const HASHING_SESSIONS = 2;

/** Sees whether the server can be backed up, and makes nothing. @throws {DrError} like {@link backUpServer}. */
export async function planServerBackup(
  { config }: BackupContext,
  choices: BackupChoices,
): Promise<BackupPlan> {
  const access = await configuredAccess(config);
  const settings = await openSettings(config);
  const version = await readPgbackrestVersion(settings);
  const { stanza, notices } = await requireReady(settings, access);
  const prepared = await withSession(access, prepareBackup);
  return {
    ...choices,
    format: choices.type ?? "incr",
    database: nameOfDatabase(access),
    server: formatVersion(prepared.server),
    tables: prepared.tables,
    sizeBytes: prepared.sizeBytes,
    tool: `pgbackrest ${version}`,
    folder: `the stanza ${stanza.name} of pgBackRest's repository`,
    notices,
  };
}

/**
 * Has pgBackRest back up the server, reads back what came of it, and writes
 * down what the project's database held at a place in the log after it: a
 * restore up to that very place can be held against it.
 *
 * @throws {DrError} PGBACKREST_UNFIT, PGBACKREST_DAMAGED when pages had bad
 * checksums, DATABASE_UNREACHABLE, DATABASE_TOOL_FAILED, those of `openPlace`
 * and `writeArtifact`, and the signal's reason.
 */
export async function backUpServer(
  context: BackupContext,
  choices: BackupChoices,
): Promise<MadeBackup> {
  const { config, clock, tool, signal } = context;
  const access = await configuredAccess(config);
  const settings = await openSettings(config);
  const place = await openPlace(config, "database", clock, tool);
  const ready = await requireReady(settings, access);
  await withSession(access, prepareBackup);
  await runPgbackrest(settings, "check", [], pick(signal));
  const backup = await runBackup(settings, ready.stanza, choices, context);
  const marked = await markAndTake(access, settings, choices, context);
  const { live } = ready;
  const globals = await readGlobals(
    access,
    Number(live.major),
    signal ?? new AbortController().signal,
  );
  const written = await writeArtifact(place, {
    kind: "database",
    stream: Readable.from([Buffer.from(recordText(backup, globals.sql))]),
    describe: () => ({
      contents: describeContents(access, settings, backup, marked),
      recoveryPoint: {
        lsn: marked.mark.lsn,
        at: marked.mark.at,
        timeline: marked.mark.timeline,
      },
    }),
  });
  const { artifact: name, createdAt: at } = written.manifest;
  return {
    name,
    at,
    artifact: written,
    ...(marked.fingerprint === undefined
      ? {}
      : { fingerprint: marked.fingerprint }),
    notices: [
      `pgBackRest made the ${typeOf(backup)} backup ${backup.label}; what lies here is the record of it, with roles and grants.`,
      ...ready.notices,
      ...globals.notices,
      ...marked.notices,
    ],
  };
}

function typeOf({ type }: RepositoryBackup): string {
  return { full: "full", diff: "differential", incr: "incremental" }[type];
}

function pick(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

interface Ready {
  readonly live: LiveServer;
  readonly stanza: Stanza;
  readonly notices: readonly string[];
}

async function requireReady(
  settings: PgbackrestSettings,
  access: Access,
): Promise<Ready> {
  const live = await askLive(access);
  if (live === undefined) {
    throw new DrError("DATABASE_UNREACHABLE", {
      database: nameOfDatabase(access),
      reason: "it doesn't answer",
    });
  }
  const stanza = await readStanza(settings);
  const reasons = reasonsAgainst(settings, live, stanza);
  if (reasons.length > 0) {
    throw new DrError("PGBACKREST_UNFIT", {
      what: "The server",
      reasons: reasons.join("; "),
    });
  }
  return {
    live,
    stanza,
    notices: live.archiver.includes("pgbackrest")
      ? []
      : [
          "The server's archive_command doesn't name pgbackrest, or can't be seen; `pgbackrest check` proves that its log arrives all the same.",
        ],
  };
}

function reasonsAgainst(
  { stanza: name }: PgbackrestSettings,
  live: LiveServer,
  { db }: Stanza,
): readonly string[] {
  const known = db.at(-1);
  return [
    ...(live.archiveMode === "off"
      ? [
          "it doesn't archive its log: set archive_mode = on and archive_command = 'pgbackrest --stanza=… archive-push %p', and restart it",
        ]
      : []),
    ...(known !== undefined && known["system-id"] !== live.systemIdentifier
      ? [
          `the stanza ${name} is of another server: correct \`dr.database.pgbackrest.stanza\``,
        ]
      : []),
    ...(live.isStandby
      ? ["it is a standby: name the primary in `dr.database.url`"]
      : []),
    ...(live.mayMark
      ? []
      : [
          "the role may not name places in the log: GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO it",
        ]),
  ];
}

/** @returns what `info` knows of it; not what `backup` said. */
async function runBackup(
  settings: PgbackrestSettings,
  before: Stanza,
  { type, jobs }: BackupChoices,
  { onProgress, signal }: BackupContext,
): Promise<RepositoryBackup> {
  const args = [
    ...(type === undefined ? [] : [`--type=${type}`]),
    ...processArguments(settings, jobs),
  ];
  let done = 0;
  await runPgbackrest(settings, "backup", args, {
    ...pick(signal),
    onLine: (line) => {
      done += sizeIn(line);
      onProgress?.(done);
    },
  });
  const known = new Set(before.backup.map(({ label }) => label));
  const made = (await readStanza(settings)).backup.findLast(
    ({ label }) => !known.has(label),
  );
  if (made === undefined) {
    throw new DrError("PGBACKREST_DAMAGED", {
      what: "The backup",
      problems: "pgBackRest ended well, but `info` knows of none",
    });
  }
  if (made.error === true) {
    const [detail] = (await readStanza(settings, made.label)).backup;
    const files = detail?.["error-list"] ?? [];
    throw new DrError("PGBACKREST_DAMAGED", {
      what: `The backup ${made.label}`,
      problems: `pages of the live server have bad checksums${files.length > 0 ? `: ${files.join(", ")}` : ""}`,
    });
  }
  return made;
}

const UNITS = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** `backup file … (8.2MB, 45.12%) checksum …`: in bytes, about. */
function sizeIn(line: string): number {
  const [, number, unit] =
    /file .* \((\d+(?:\.\d+)?)(B|KB|MB|GB|TB), /.exec(line) ?? [];
  return number === undefined
    ? 0
    : Number(number) * UNITS[unit as keyof typeof UNITS];
}

interface Mark {
  /** The restore point's name. */
  readonly point: string;
  readonly lsn: string;
  readonly timeline: number;
  readonly at: string;
  /** As `pg_current_snapshot` says it. */
  readonly snapshot: string;
}

interface Marked {
  readonly mark: Mark;
  readonly fingerprint?: Fingerprint;
  readonly notices: readonly string[];
}

/**
 * Names a place in the log in the moment of a snapshot, waits until it is
 * archived, and takes the fingerprint of what the snapshot sees.
 */
async function markAndTake(
  access: Access,
  settings: PgbackrestSettings,
  { hashes }: BackupChoices,
  context: BackupContext,
): Promise<Marked> {
  const { database } = context.config;
  const { timeLimitMinutes = Infinity, sampleAboveBytes = Infinity } =
    database ?? {};
  return await withSession(access, async (session) => {
    const sequences = await readSequences(session);
    const { mark, name } = await markQuietly(session, context);
    await runPgbackrest(settings, "check", [], pick(context.signal));
    try {
      const fingerprint = await withinLimit(
        { minutes: timeLimitMinutes, ...pick(context.signal) },
        async ({ signal }) =>
          await takeWithin(session, {
            snapshot: name,
            sequences,
            hashes,
            sampleAbove: sampleAboveBytes,
            signal,
          }),
      );
      return { mark, fingerprint, notices: [] };
    } catch (error) {
      if (!isDrError(error, "DATABASE_TIME_LIMIT")) {
        throw error;
      }
      return {
        mark,
        notices: [
          `What the database holds wasn't counted: that would have taken longer than ${String(timeLimitMinutes)} minutes. \`dr:db:verify\` will prove less.`,
        ],
      };
    }
  });
}

/** The session that exported a snapshot holds it; others read. */
async function takeWithin(
  { access }: Session,
  options: {
    readonly snapshot: string;
    readonly sequences: readonly SequenceFingerprint[];
    readonly hashes: boolean;
    readonly sampleAbove: number;
    readonly signal: AbortSignal;
  },
): Promise<Fingerprint> {
  return await withSession(
    access,
    async (reader) =>
      await takeFingerprint(reader, { ...options, parallel: HASHING_SESSIONS }),
  );
}

/**
 * A snapshot and the place in the log are two moments. Where something began
 * or ended between them it is tried again; a restore finds out by itself
 * whether they fit.
 */
async function markQuietly(
  session: Session,
  { clock }: BackupContext,
): Promise<{ readonly mark: Mark; readonly name: string }> {
  const { access, query } = session;
  return await withSession(access, async (witness) => {
    for (let attempt = 1; ; attempt += 1) {
      const at = clock.now().toISOString();
      const point = `hardhat-dr ${at} ${String(attempt)}`;
      await query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const [row] = await query<{
        snapshot: string;
        name: string;
        lsn: string;
        timeline: number;
      }>(
        `SELECT pg_current_snapshot()::text AS snapshot, pg_export_snapshot() AS name,
                pg_create_restore_point($1)::text AS lsn,
                ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline`,
        [point],
      );
      const [after] = await witness.query<{ snapshot: string }>(
        "SELECT pg_current_snapshot()::text AS snapshot",
      );
      const { snapshot = "", name = "", lsn = "", timeline = 1 } = row ?? {};
      if (snapshot === after?.snapshot || attempt === QUIET_ATTEMPTS) {
        return { mark: { point, lsn, timeline, at, snapshot }, name };
      }
      await query("ROLLBACK");
    }
  });
}

/** SQL, as the name says: what psql brings back of what no database holds. */
function recordText({ label }: RepositoryBackup, globals = ""): string {
  return `-- The backup ${label} lies in pgBackRest's repository; dr:db:restore brings it back.\n${globals}`;
}

function describeContents(
  { database }: Access,
  { stanza }: PgbackrestSettings,
  backup: RepositoryBackup,
  { mark, fingerprint }: Marked,
): Json {
  const { label, type, prior, reference, archive, lsn, timestamp, info } =
    backup;
  return {
    format: "pgbackrest",
    database,
    backup: {
      stanza,
      label,
      type,
      prior: prior ?? null,
      reference: reference ?? [],
      archive,
      lsn,
      startedAt: new Date(timestamp.start * 1000).toISOString(),
      stoppedAt: new Date(timestamp.stop * 1000).toISOString(),
      sizeBytes: info.size,
      changedBytes: info.delta,
      storedBytes: info.repository.delta,
    },
    mark: mark as unknown as Json,
    ...(fingerprint === undefined
      ? {}
      : { fingerprint: fingerprint as unknown as Json }),
  };
}
