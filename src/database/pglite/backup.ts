import { Readable } from "node:stream";

import { writeArtifact } from "../../artifact/write-artifact.js";
import { openPlace } from "../../backup/place.js";
import type { Json } from "../../core/canonical-json.js";
import { DrError, hasCode, messageOf } from "../../core/errors.js";
import type {
  BackupChoices,
  BackupContext,
  BackupPlan,
  MadeBackup,
} from "../engine.js";
import { takeFingerprint } from "../fingerprint.js";
import { listTables } from "../fingerprint-tables.js";
import { readServerVersion } from "../server-version.js";
import { withSession } from "../session.js";
import { formatVersion } from "../tools.js";
import { withCopy } from "./copy.js";
import { requireDumpable } from "./dumpable.js";
import { sizeOfFolder } from "./folder.js";
import type { Location } from "./location.js";
import type { OpenDatabase } from "./open.js";
import { loadPgDump } from "./package.js";
import { whileClaimed } from "./scratch.js";

/** One way only. @throws {DrError} OPTION_INVALID. */
export function requirePlain({ format, type, jobs }: BackupChoices): void {
  if (type !== undefined) {
    const expected = "left out: a dump is always of all";
    throw new DrError("OPTION_INVALID", {
      option: "--type",
      value: type,
      expected,
    });
  }
  if (format !== undefined && format !== "plain") {
    const expected = "plain, the only one of the engine pglite";
    throw new DrError("OPTION_INVALID", {
      option: "--format",
      value: format,
      expected,
    });
  }
  if (jobs > 1) {
    const expected = "1: the engine pglite does one thing at a time";
    throw new DrError("OPTION_INVALID", {
      option: "--jobs",
      value: String(jobs),
      expected,
    });
  }
}

/** Sees whether it can be backed up, and makes nothing. @throws {DrError} like {@link backUpFolder}. */
export async function planFolderBackup(
  location: Location,
  { config, clock, tool }: BackupContext,
  choices: BackupChoices,
): Promise<BackupPlan> {
  requirePlain(choices);
  await loadPgDump();
  const { folder } = await openPlace(config, "database", clock, tool);
  return await whileClaimed(
    location,
    clock,
    async () =>
      await withCopy(
        location,
        location.live,
        async ({ access }, copy) =>
          await withSession(access, async (session) => {
            const server = formatVersion(await readServerVersion(session));
            const tables = await listTables(session);
            return {
              ...choices,
              format: "plain",
              database: location.live,
              server,
              tables: tables.length,
              sizeBytes: tables.reduce(
                (sum, one) => sum + Number(one.sizeBytes),
                0,
              ),
              tool: "@electric-sql/pglite-tools",
              folder,
              temporaryBytes: await sizeOfFolder(copy),
              notices: [],
            };
          }),
      ),
  );
}

/** A statement for many rows at once restores many times faster than one for each. */
const DUMP_OPTIONS = ["--rows-per-insert=500"];

/**
 * Backs up the database in a folder that nobody has open: a dump of a copy of
 * it as an artifact, and in its manifest what it holds.
 *
 * @throws {DrError} DATABASE_PACKAGE_MISSING, DATABASE_MISSING,
 * DATABASE_FOLDER_IN_USE, DATABASE_FOLDER_CHANGED, DATABASE_FOLDER_UNREADABLE,
 * DATABASE_ENGINE_UNABLE when it is too large or holds what PGlite's pg_dump
 * changes, RUN_LOCKED, like `openPlace` and `writeArtifact`, and the signal's
 * reason; then nothing is left.
 */
export async function backUpFolder(
  location: Location,
  context: BackupContext,
  choices: BackupChoices,
): Promise<MadeBackup> {
  requirePlain(choices);
  const { config, clock, tool, onProgress } = context;
  const pgDump = await loadPgDump();
  const place = await openPlace(config, "database", clock, tool);
  return await whileClaimed(location, clock, async () => {
    const at = clock.now().toISOString();
    return await withCopy(location, location.live, async (database) => {
      const { fingerprint, client } = await readCopy(
        database,
        context,
        choices,
      );
      const dump = await dumpWith(pgDump, database);
      context.signal?.throwIfAborted();
      const artifact = await writeArtifact(
        onProgress === undefined ? place : { ...place, onProgress },
        {
          kind: "database",
          stream: Readable.fromWeb(dump.stream()),
          describe: () => ({
            contents: {
              format: "plain",
              database: "postgres",
              client,
              fingerprint: fingerprint as unknown as Json,
            },
            recoveryPoint: { at },
          }),
        },
      );
      const { artifact: name, createdAt } = artifact.manifest;
      return { name, at: createdAt, artifact, fingerprint, notices: [] };
    });
  });
}

/** @throws {DrError} DATABASE_TOOL_FAILED, DATABASE_ENGINE_UNABLE. */
async function dumpWith(
  pgDump: Awaited<ReturnType<typeof loadPgDump>>,
  { pglite }: OpenDatabase,
): Promise<File> {
  try {
    // It puts the search path back at its end, and can't put back an empty one.
    await pglite.exec("RESET ALL");
    return await pgDump({ pg: pglite, args: DUMP_OPTIONS });
  } catch (error) {
    throw explainDump(error);
  }
}

/** Its pg_dump gives the dump as one text, and Node has none that is longer than 512 MB. */
export function explainDump(error: unknown): DrError {
  return hasCode(error, "ERR_STRING_TOO_LONG")
    ? new DrError(
        "DATABASE_ENGINE_UNABLE",
        {
          engine: "pglite",
          what: "back up a database whose dump is larger than 512 MB",
          way: 'Copy its folder while the app is stopped, and move it to a PostgreSQL server (`engine: "postgres"`), which has no such limit; nothing was changed',
        },
        { cause: error },
      )
    : new DrError(
        "DATABASE_TOOL_FAILED",
        {
          tool: "pg_dump of @electric-sql/pglite-tools",
          reason: messageOf(error),
        },
        { cause: error },
      );
}

/** In the copy nobody writes: what is read now is what is dumped then. */
async function readCopy(
  { access }: OpenDatabase,
  { config, signal }: BackupContext,
  { hashes }: BackupChoices,
) {
  return await withSession(access, async (session) => {
    await requireDumpable(session);
    return {
      client: formatVersion(await readServerVersion(session)),
      fingerprint: await takeFingerprint(session, {
        hashes,
        sampleAbove: config.database?.sampleAboveBytes ?? Infinity,
        ...(signal === undefined ? {} : { signal }),
      }),
    };
  });
}
