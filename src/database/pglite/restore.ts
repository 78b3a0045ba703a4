import { chmod, rename, stat } from "node:fs/promises";

import { syncFolder } from "../../core/atomic-write.js";
import type { Clock } from "../../core/clock.js";
import { ifThere } from "../../core/if-there.js";
import { UNWATCHED } from "../../core/meter.js";
import { writing } from "../../core/writing.js";
import type { Access } from "../access.js";
import type { RestoreWork, TrialWork } from "../engine.js";
import type { Fingerprint } from "../fingerprint.js";
import { LAYOUT_SQL, type Layout } from "../layout.js";
import {
  readRecord,
  removeRecord,
  writeRecord,
  type RestoreRecord,
} from "../restore-record.js";
import type { Dump } from "../restore-source.js";
import type { RestoredDatabase } from "../restore.js";
import { withSession, type Session } from "../session.js";
import {
  examineRestored,
  requireGood,
  type Examination,
} from "../verify-restored.js";
import type { TrialWatch, VerifiedBackup } from "../verify.js";
import { identify, isDatabase, requireQuiet, syncDatabase } from "./folder.js";
import { loadPlainDump } from "./load-dump.js";
import type { Location } from "./location.js";
import { withOpen, type OpenDatabase } from "./open.js";
import { requireLoadable, requirePlaceable } from "./requirements.js";
import { whileClaimed, withScratch } from "./scratch.js";
import { findAside, nameFree, swapFolders, type SwapStep } from "./swap.js";

export interface FolderRestore extends RestoreWork {
  readonly criticalTables: readonly string[];
  /** The file in which it is written down how far it has come. */
  readonly record: string;
  readonly onStep?: (step: "loaded" | "verified" | SwapStep) => void;
}

/**
 * Restores a dump into a new folder, holds that against what was written down
 * when it was backed up, and only then gives it the live one's name; that one
 * is kept under another. What a killed one leaves is finished or taken back by
 * the next.
 *
 * @throws {DrError} RUN_LOCKED, DATABASE_RESTORED_WRONG, and those of
 * `requireLoadable`, `requirePlaceable`, `loadPlainDump` and `swapFolders`: the
 * live database is as it was, and nothing else is left but what was to be kept.
 */
export async function restoreFolder(
  location: Location,
  dump: Dump,
  work: FolderRestore,
): Promise<RestoredDatabase> {
  const { clock, record: file } = work;
  return await whileClaimed(location, clock, async () => {
    const placed = await findPlaced(location, dump, work);
    if (placed !== undefined) {
      await removeRecord(file);
      // Who asks for it once more, and not for the rest of it, wants it as it was then.
      if (work.isResumed === true) {
        return placed;
      }
    }
    await requireLoadable(location, dump);
    await requirePlaceable(location, work);
    return await withScratch(location, async (folder) => {
      try {
        return await restoreVia(folder, location, dump, work);
      } finally {
        await removeRecord(file);
      }
    });
  });
}

/** A restore of the same that was killed when its database had its name already. */
async function findPlaced(
  { live }: Location,
  { sha256 }: Dump,
  { record: file, into }: FolderRestore,
): Promise<RestoredDatabase | undefined> {
  const record = await readRecord(file);
  if (
    record?.sha256 !== sha256 ||
    record.database !== live ||
    record.into !== into ||
    !record.isVerified
  ) {
    return undefined;
  }
  const { scratch, aside } = record;
  return (await identify(scratch.name)) === scratch.oid
    ? { database: scratch.name, ...(aside === undefined ? {} : { aside }) }
    : undefined;
}

async function restoreVia(
  folder: string,
  location: Location,
  dump: Dump,
  work: FolderRestore,
): Promise<RestoredDatabase> {
  const { clock, record: file, into, signal, onStep } = work;
  const toRecord = {
    startedAt: clock.now().toISOString(),
    path: dump.path,
    sha256: dump.sha256,
    database: location.live,
    ...(into === undefined ? {} : { into }),
    options: {
      jobs: work.jobs,
      noOwner: work.noOwner,
      acceptUnauthenticated: work.acceptUnauthenticated,
    },
    scratch: { name: folder, oid: "" },
    isVerified: false,
  } satisfies RestoreRecord;
  await writeRecord(file, toRecord);
  const examination = await fillFolder(folder, location, dump, work);
  signal.throwIfAborted();
  await writing(folder, async () => {
    await chmod(folder, await modeOf(location.live));
    await syncDatabase(folder);
  });
  onStep?.("verified");
  const name = await requirePlaceable(location, work);
  const isReplaced = into === undefined && (await isDatabase(name));
  const aside = isReplaced
    ? { aside: await nameFree(location, "before", clock.now()) }
    : {};
  const oid = (await identify(folder)) ?? "";
  const scratch = { name, oid };
  await writeRecord(file, { ...toRecord, ...aside, scratch, isVerified: true });
  const target = { ...location, live: name };
  await swapFolders(target, { incoming: folder, ...aside }, onStep);
  return { database: name, ...aside, examination };
}

/** Whoever could look into the database can look into the new one, and nobody else. */
async function modeOf(live: string): Promise<number> {
  return ((await ifThere(stat(live)))?.mode ?? 0o700) & 0o777;
}

interface Filling
  extends TrialWork, Pick<TrialWatch, "onCreated" | "onExamined"> {
  readonly criticalTables: readonly string[];
  /** Leave what came out, when it isn't what was backed up, under a name of its own. */
  readonly keep: boolean;
  readonly onStep?: FolderRestore["onStep"];
}

/** Makes a database of a dump in a new folder, and examines it. @throws {DrError} DATABASE_RESTORED_WRONG. */
async function fillFolder(
  folder: string,
  location: Location,
  dump: Dump,
  work: Filling,
): Promise<Examination> {
  const extensions = dump.fingerprint?.extensions ?? [];
  const examination = await withOpen(
    folder,
    folder,
    async (database) => {
      const examined = await fill(database, dump, work);
      work.onStep?.("loaded");
      return examined;
    },
    extensions.map(({ name }) => name),
  );
  work.onExamined?.(examination);
  const kept =
    examination.problems.length > 0 && work.keep
      ? await keepScratch(folder, location, work.clock)
      : undefined;
  requireGood(dump.name, examination, kept);
  return examination;
}

async function fill(
  database: OpenDatabase,
  dump: Dump,
  work: Filling,
): Promise<Examination> {
  const { signal, meter = UNWATCHED, noOwner, criticalTables } = work;
  const { access } = database;
  const { fingerprint } = dump;
  const roles = await withSession(
    access,
    async (session) => await createRoles(session, fingerprint),
  );
  // With the settings of a session of its own: ours may mean another thing to a dump.
  await database.pglite.exec("RESET ALL");
  const { isComplete } = await loadPlainDump(dump, database, {
    noOwner,
    signal,
    meter,
  });
  meter.begin("examining it", undefined);
  return await withSession(access, async (session) => {
    for (const role of roles) {
      await session.query(`ALTER ROLE ${role} NOSUPERUSER`);
    }
    await session.query("ANALYZE");
    signal.throwIfAborted();
    const layout = await readLayout(session);
    return await examineRestored(session, {
      criticalTables,
      isComplete,
      noOwner,
      signal,
      // In which order texts are sorted can't be chosen here; that was told before.
      ...(fingerprint === undefined
        ? {}
        : { fingerprint: { ...fingerprint, ...layout } }),
    });
  });
}

/**
 * Who owns something, or may use it: a new folder knows nobody but the first.
 * They may not log in. Some things only a superuser may own when it is given to
 * him; that right is for taking away again.
 *
 * @returns their names, quoted.
 */
async function createRoles(
  { query, client }: Session,
  fingerprint: Fingerprint | undefined,
): Promise<readonly string[]> {
  const missing = await query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
      WHERE name NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1`,
    [fingerprint?.roles ?? []],
  );
  const roles = missing.map(({ name }) => client.escapeIdentifier(name));
  for (const role of roles) {
    await query(`CREATE ROLE ${role} SUPERUSER`);
  }
  return roles;
}

async function readLayout({ query }: Session): Promise<Layout | undefined> {
  const [row] = await query<{ layout: Layout }>(
    `SELECT ${LAYOUT_SQL} AS layout FROM pg_database d WHERE d.datname = current_database()`,
  );
  return row?.layout;
}

async function keepScratch(
  folder: string,
  location: Location,
  clock: Clock,
): Promise<string> {
  const kept = await nameFree(location, "restore", clock.now());
  await writing(kept, async () => {
    await rename(folder, kept);
    await syncFolder(location.workshop);
  });
  return kept;
}

/**
 * Restores a dump on trial, holds it against what was written down when it was
 * made, and removes it again.
 *
 * @throws {DrError} DATABASE_RESTORED_WRONG, and those of `requireLoadable` and `loadPlainDump`.
 */
export async function verifyInFolder(
  location: Location,
  dump: Dump,
  work: Omit<Filling, "onStep">,
): Promise<VerifiedBackup> {
  await requireLoadable(location, dump);
  return await withScratch(location, async (folder) => {
    work.onCreated?.({
      name: folder,
      isThere: async () => (await ifThere(stat(folder))) !== undefined,
    });
    const examination = await fillFolder(folder, location, dump, work);
    return work.keep
      ? { examination, kept: await keepScratch(folder, location, work.clock) }
      : { examination };
  });
}

/** Restores a dump on trial, and works with it; then it is removed. @throws like {@link verifyInFolder}. */
export async function withRestoredFolder<T>(
  location: Location,
  dump: Dump,
  work: TrialWork,
  use: (restored: Access) => Promise<T>,
): Promise<T> {
  await requireLoadable(location, dump);
  const filling = { ...work, criticalTables: [], keep: false };
  return await withScratch(location, async (folder) => {
    await fillFolder(folder, location, dump, filling);
    return await withOpen(
      folder,
      dump.name,
      async ({ access }) => await use(access),
    );
  });
}

/** What {@link undoFolder} would bring back. @throws {DrError} DATABASE_NOTHING_TO_UNDO, DATABASE_FOLDER_IN_USE. */
export async function prepareFolderUndo(location: Location): Promise<string> {
  await requirePlaceable(location, {});
  return await findAside(location);
}

/**
 * Puts the database that was put aside last in the place of the live one,
 * which is put aside in its turn.
 *
 * @throws {DrError} DATABASE_NOTHING_TO_UNDO, DATABASE_FOLDER_IN_USE, RUN_LOCKED, NOT_WRITABLE.
 */
export async function undoFolder(
  location: Location,
  clock: Clock,
  onStep?: (step: SwapStep) => void,
): Promise<RestoredDatabase> {
  return await whileClaimed(location, clock, async () => {
    const { live } = location;
    const incoming = await prepareFolderUndo(location);
    await requireQuiet(incoming);
    const aside = (await isDatabase(live))
      ? { aside: await nameFree(location, "before", clock.now()) }
      : {};
    await swapFolders(location, { incoming, ...aside }, onStep);
    return { database: live, ...aside };
  });
}
