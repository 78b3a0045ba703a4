import { DrError } from "../core/errors.js";
import { nameOfDatabase, type Access } from "./access.js";
import { claimDatabase, withMaintenance } from "./maintenance.js";
import {
  carrySettings,
  describeSettings,
  giveSettings,
  type DatabaseSettings,
  type KeptSettings,
} from "./database-settings.js";
import { inMegabytes } from "./megabytes.js";
import { fillScratch, type FillOptions } from "./restore-fill.js";
import {
  readRecord,
  removeRecord,
  writeRecord,
  type RestoreRecord,
} from "./restore-record.js";
import {
  requireRestorable,
  type Readiness,
  type RequirementOptions,
} from "./restore-requirements.js";
import type { Dump } from "./restore-source.js";
import { dropAbandoned, findOid, unmark, type Scratch } from "./scratch.js";
import type { Session } from "./session.js";
import {
  listAside,
  nameAside,
  rehearseSettings,
  requireNew,
  requireSwapPossible,
  swapDatabases,
  type DatabaseAside,
} from "./swap.js";
import type { Examination } from "./verify-restored.js";

export interface RestoreOptions extends Omit<FillOptions, "like"> {
  /** The live database, and who restores. */
  readonly access: Access;
  /** Another name to leave it under; the live database isn't touched then. */
  readonly into?: string;
  /** The file in which it is written down how far it has come. */
  readonly record: string;
  /** What is left of a restore that was broken off is wanted, and nothing of it twice. */
  readonly isResumed?: boolean;
  /** How long sessions are waited for that have been told to end. */
  readonly patienceMs?: number;
}

export interface RestoredDatabase {
  readonly database: string;
  /** What was there before is called so now; absent: there was nothing, or it wasn't touched. */
  readonly aside?: string;
  /** Absent where an earlier run, which was broken off, had examined it. */
  readonly examination?: Examination;
  /** What a database that is made anew hasn't got of its owner, privileges and settings: sentences. */
  readonly missing?: readonly string[];
}

/**
 * Sees whether a dump can be restored, and changes nothing.
 *
 * @throws {DrError} those of `requireRestorable`, DATABASE_SWAP_BLOCKED, DATABASE_EXISTS.
 */
export async function prepareDatabaseRestore(
  dump: Dump,
  options: RequirementOptions & Pick<RestoreOptions, "access" | "into">,
): Promise<Readiness> {
  return await withMaintenance(
    options.access,
    async (session) => await prepare(session, dump, options),
  );
}

async function prepare(
  session: Session,
  dump: Dump,
  options: RequirementOptions & Pick<RestoreOptions, "access" | "into">,
): Promise<Readiness> {
  const { access, into } = options;
  const readiness = await requireRestorable(session, dump, {
    ...options,
    like: access.database,
  });
  if (into === undefined) {
    await requireSwapPossible(session, access.database);
  } else {
    await requireNew(session, into);
  }
  const notices = await tellTarget(session, dump, options);
  return { ...readiness, notices: [...readiness.notices, ...notices] };
}

async function tellTarget(
  session: Session,
  dump: Dump,
  options: Pick<RestoreOptions, "access" | "into" | "noOwner">,
): Promise<readonly string[]> {
  const { access, into } = options;
  const { database: live } = access;
  const { database: origin = live, settings } = dump;
  const isNew =
    into !== undefined || (await findOid(session, live)) === undefined;
  const name = into ?? live;
  return [
    ...(origin === live
      ? []
      : [`It is a backup of the database ${origin}, not of ${live}.`]),
    ...(isNew ? tellSettings(name, settings, options) : []),
    ...(into === undefined ? tellAside(await listAside(session, live)) : []),
  ];
}

/** They take room, and nobody else would think of them. */
function tellAside(all: readonly DatabaseAside[]): readonly string[] {
  if (all.length === 0) {
    return [];
  }
  const named = all.map(({ name, sizeBytes }) =>
    sizeBytes === null
      ? name
      : `${name} (${inMegabytes(Number(sizeBytes))} MB)`,
  );
  return [
    `Earlier restores put aside ${named.join(", ")}: drop what isn't needed any more.`,
  ];
}

/** Of a database that is made anew, which no other is there to take them from. */
function tellSettings(
  name: string,
  settings: KeptSettings | undefined,
  options: Pick<RestoreOptions, "access" | "noOwner">,
): readonly string[] {
  return settings === undefined
    ? [
        `${name} is made anew: what a database itself has is in no dump. Set again what it needs of ALTER DATABASE … SET, GRANT … ON DATABASE, connection limit and comment.`,
      ]
    : [
        `${name} gets what it had: ${describeSettings(settingsFor(settings, options))}.`,
        ...settings.omitted.map(
          (setting) =>
            `The setting ${setting} of the database isn't in the backup, for it may be a secret: set it again.`,
        ),
      ];
}

/**
 * Restores a dump into a new database, holds that against what was written
 * down when it was backed up, and only then gives it the live one's name; that
 * one is kept under another. One that is killed at any moment is finished by
 * the next: what was verified isn't done again.
 *
 * @throws {DrError} DATABASE_BUSY, DATABASE_RESTORED_WRONG, and those of
 * {@link prepareDatabaseRestore}, `loadDump` and `swapDatabases`: the live
 * database is as it was, and nothing else is left but what was to be kept, or
 * what is verified already and couldn't be swapped.
 */
export async function restoreDatabase(
  dump: Dump,
  options: RestoreOptions,
): Promise<RestoredDatabase> {
  const { access, record: file } = options;
  return await withMaintenance(access, async (session) => {
    await claimDatabase(session, access.database);
    const broken = await findBrokenOff(session, dump, options);
    if (broken?.status === "placed") {
      await removeRecord(file);
      await dropAbandoned(session);
      // Who asks for it once more, and not for the rest of it, wants it as it was then: much may have happened since.
      return options.isResumed === true
        ? toRestored(broken.record, options)
        : await begin(session, dump, options);
    }
    await dropAbandoned(session, broken?.record.scratch.name);
    return broken === undefined
      ? await begin(session, dump, options)
      : await place(session, dump, broken.record, options);
  });
}

type BrokenOff =
  /** It has its name already; only nobody was told. */
  | { readonly status: "placed"; readonly record: RestoreRecord }
  /** It is good, and has its name still to get. */
  | { readonly status: "verified"; readonly record: RestoreRecord };

/** What an earlier restore of the same left that can be gone on with: the server is asked, not the record. */
async function findBrokenOff(
  session: Session,
  dump: Dump,
  { access, record: file, into }: RestoreOptions,
): Promise<BrokenOff | undefined> {
  const record = await readRecord(file);
  if (
    record?.sha256 !== dump.sha256 ||
    record.database !== nameOfDatabase(access) ||
    record.into !== into ||
    !record.isVerified
  ) {
    return undefined;
  }
  const { scratch } = record;
  if ((await findOid(session, into ?? access.database)) === scratch.oid) {
    return { status: "placed", record };
  }
  return (await findOid(session, scratch.name)) === scratch.oid
    ? { status: "verified", record }
    : undefined;
}

async function begin(
  session: Session,
  dump: Dump,
  options: RestoreOptions,
): Promise<RestoredDatabase> {
  const { access, record: file, into, jobs, noOwner } = options;
  const { acceptUnauthenticated, clock } = options;
  const { tool } = await prepare(session, dump, options);
  const startedAt = clock.now().toISOString();
  const toRecord = (scratch: Scratch, isVerified: boolean): RestoreRecord => ({
    startedAt,
    path: dump.path,
    sha256: dump.sha256,
    database: nameOfDatabase(access),
    ...(into === undefined ? {} : { into }),
    options: { jobs, noOwner, acceptUnauthenticated },
    scratch,
    isVerified,
  });
  let verified: RestoreRecord | undefined;
  try {
    const { scratch, examination } = await fillScratch(
      session,
      { ...dump, tool },
      { ...options, like: access.database },
      async (made) => {
        await writeRecord(file, toRecord(made, false));
        await requireSettings(session, made, options);
      },
    );
    verified = toRecord(scratch, true);
    await writeRecord(file, verified);
    options.onStep?.("verified");
    return { ...(await place(session, dump, verified, options)), examination };
  } catch (error) {
    if (verified === undefined) {
      await removeRecord(file);
    }
    throw error;
  }
}

async function requireSettings(
  session: Session,
  scratch: Scratch,
  { access, into }: RestoreOptions,
): Promise<void> {
  const isThere = (await findOid(session, access.database)) !== undefined;
  if (into === undefined && isThere) {
    await rehearseSettings(session, {
      live: access.database,
      incoming: scratch.name,
    });
  }
}

/** Gives a verified database its name, which ends it. */
async function place(
  session: Session,
  dump: Dump,
  verified: RestoreRecord,
  options: RestoreOptions,
): Promise<RestoredDatabase> {
  const { access, into, clock, signal, record: file, patienceMs } = options;
  const live = into ?? access.database;
  const incoming = verified.scratch.name;
  if (into !== undefined) {
    await requireNew(session, into);
  }
  if (signal.aborted) {
    throw new DrError("RESTORE_WAITS", { scratch: incoming, database: live });
  }
  const isThere = (await findOid(session, live)) !== undefined;
  const aside = isThere
    ? { aside: await nameAside(session, live, clock.now()) }
    : {};
  const record = { ...verified, ...aside };
  if (!isThere) {
    await unmark(session, incoming);
  }
  await writeRecord(file, record);
  let missing: readonly string[] = [];
  const prepare = async (within: Session) => {
    if (isThere) {
      await carrySettings(within, live, incoming);
    } else if (dump.settings !== undefined) {
      missing = await giveSettings(
        within,
        incoming,
        settingsFor(dump.settings, options),
      );
    }
  };
  await swapDatabases(
    session,
    { live, incoming, ...aside, prepare },
    patienceMs === undefined ? {} : { patienceMs },
  );
  options.onStep?.("placed");
  await removeRecord(file);
  return { ...toRestored(record, options), missing };
}

/** Without owners and privileges where they aren't wanted. */
function settingsFor(
  settings: DatabaseSettings,
  { noOwner, access }: Pick<RestoreOptions, "noOwner" | "access">,
): DatabaseSettings {
  return noOwner
    ? { ...settings, owner: access.user, privileges: null }
    : settings;
}

function toRestored(
  { aside }: RestoreRecord,
  { access, into }: RestoreOptions,
): RestoredDatabase {
  return {
    database: into ?? access.database,
    ...(aside === undefined ? {} : { aside }),
  };
}
