import { chown, mkdir, readdir, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";

import type { Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { removeTree } from "../../core/remove-tree.js";
import { writing } from "../../core/writing.js";
import { acquireLock } from "../../run/lock.js";
import type { Access } from "../access.js";
import type { RestoredDatabase } from "../restore.js";
import type { Examination } from "../verify-restored.js";
import {
  readClusterRecord,
  removeClusterRecord,
  writeClusterRecord,
  type ClusterRecord,
} from "./cluster-record.js";
import { readControlData } from "./control-data.js";
import {
  dataIn,
  endLeftover,
  fillFolder,
  type FillOptions,
  type FillStep,
  type Recovery,
} from "./fill.js";
import {
  findFolderAside,
  isThere,
  nameFolderAside,
  swapFolders,
  type Swap,
  type SwapStep,
} from "./folder-swap.js";
import { findServerPrograms, majorOf } from "./server-programs.js";
import {
  restoreFolder,
  trialFolder,
  type PgbackrestSettings,
} from "./settings.js";

export type ServerRestoreStep = FillStep | "proven" | SwapStep;

export interface ServerRestoreOptions extends Omit<FillOptions, "onStep"> {
  /** The same text for the same request. */
  readonly what: string;
  /** For who goes on with it when it was broken off. */
  readonly address: NonNullable<ClusterRecord["address"]>;
  /** Whether the same comes out of it at any time: what was proven for it isn't done again then. */
  readonly isRepeatable: boolean;
  /** Asked once nobody else can restore. */
  readonly recovery: () => Promise<Recovery>;
  readonly onStep?: (step: ServerRestoreStep) => void;
}

/**
 * Restores a server beside the live one, proves it while nobody can reach it,
 * and only then swaps their data folders; the old one is kept under another
 * name. One that is killed at any moment is finished by the next: what was
 * proven isn't restored again, and a swap that was begun is brought to its end.
 *
 * @throws {DrError} DATABASE_BUSY, those of `fillFolder`: the live server is as
 * it was, and nothing is left. Those of `swapFolders`.
 */
export async function restoreServer(
  options: ServerRestoreOptions,
): Promise<RestoredDatabase> {
  const { settings, what, access } = options;
  return await inWorkFolder(settings, options.clock, async (folder) => {
    const broken = await finishBrokenOff(folder, options);
    const isSame = broken?.what === what;
    if (isSame && broken.phase === "swapping") {
      return nameRestored(access, broken);
    }
    const proven: Proven =
      isSame && broken.phase === "proven" && options.isRepeatable
        ? { record: broken }
        : await fill(folder, options);
    const swap = await toSwap(proven.record, options);
    await swapRecorded(swap, folder, options);
    return {
      ...nameRestored(access, swap),
      ...(proven.examination === undefined
        ? {}
        : { examination: proven.examination }),
    };
  });
}

function nameRestored(
  { database }: Access,
  { aside }: ClusterRecord,
): RestoredDatabase {
  return { database, ...(aside === undefined ? {} : { aside }) };
}

/** The record and the lock of a work folder. */
function recordIn(folder: string): string {
  return join(folder, "restore.json");
}

/**
 * Works in the folder beside the live one. It is taken away once nothing in it
 * is wanted any more.
 *
 * @throws {DrError} DATABASE_BUSY.
 */
async function inWorkFolder<T>(
  settings: PgbackrestSettings,
  clock: Clock,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = restoreFolder(settings);
  return await whileLocked(folder, settings, clock, async () => {
    try {
      return await work(folder);
    } finally {
      if (!(await isThere(recordIn(folder)))) {
        await empty(folder);
      }
    }
  });
}

/** The lock stays: who waits for it must not find its folder half gone. */
async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== ".lock") {
      await removeTree(join(folder, name));
    }
  }
}

async function whileLocked<T>(
  folder: string,
  { identity, dataFolder }: PgbackrestSettings,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chown(folder, identity.uid, identity.gid);
  });
  const lock = await acquireLock(folder, clock).catch((error: unknown) => {
    if (isDrError(error, "RUN_LOCKED")) {
      const { user, host, pid } = error.values;
      throw new DrError(
        "DATABASE_BUSY",
        {
          database: basename(dataFolder),
          who: `${String(user)}@${String(host)}, process ${String(pid)}`,
        },
        { cause: error },
      );
    }
    throw error;
  });
  try {
    return await work();
  } finally {
    await lock.release();
    // Unless something in it is wanted, or somebody else has come.
    await rmdir(folder).catch(() => undefined);
  }
}

/** Ends what a killed run left: a server, a swap half-way. @returns how far it has come now. */
async function finishBrokenOff(
  folder: string,
  options: UndoOptions,
): Promise<ClusterRecord | undefined> {
  await endLeftover(folder);
  const record = await readClusterRecord(recordIn(folder));
  if (record?.expected === undefined || !isMoving(record)) {
    return record;
  }
  try {
    const { expected } = record;
    await swapRecorded({ ...record, expected }, folder, options);
  } catch (error) {
    // That was what was left to do.
    if (
      record.phase === "swapping" ||
      !isDrError(error, "PGBACKREST_SWAP_UNDONE")
    ) {
      throw error;
    }
  }
  return record;
}

/** Once the old folder is back, what was restored is only good to start from. */
async function swapRecorded(
  swap: Swap,
  folder: string,
  options: UndoOptions,
): Promise<void> {
  const record = recordIn(folder);
  try {
    await swapFolders(swap, { ...options, record });
  } catch (error) {
    if (isDrError(error, "PGBACKREST_SWAP_UNDONE")) {
      await (swap.incoming === dataIn(folder)
        ? writeClusterRecord(record, { ...swap, phase: "filling" })
        : removeClusterRecord(record));
    }
    throw error;
  }
  await removeClusterRecord(record);
}

function isMoving({ phase }: ClusterRecord): boolean {
  return phase === "swapping" || phase === "returning";
}

/** What else is done with a restored server before it is stopped. */
export const NOTHING_MORE = async (): Promise<void> => {
  // It is examined, and that is all.
};

interface Proven {
  readonly record: ClusterRecord;
  /** Absent where an earlier run has examined it. */
  readonly examination?: Examination;
}

async function fill(
  folder: string,
  options: ServerRestoreOptions,
): Promise<Proven> {
  const { what, address, clock, onStep } = options;
  const record: ClusterRecord = {
    startedAt: clock.now().toISOString(),
    what,
    address,
    phase: "filling",
    incoming: dataIn(folder),
  };
  await writeClusterRecord(recordIn(folder), record);
  try {
    const recovery = await options.recovery();
    const { control, examination } = await fillFolder(
      folder,
      recovery,
      options,
      NOTHING_MORE,
    );
    const { systemIdentifier, timeline } = control;
    const proven: ClusterRecord = {
      ...record,
      phase: "proven",
      expected: { systemIdentifier, timeline },
    };
    await writeClusterRecord(recordIn(folder), proven);
    onStep?.("proven");
    return { record: proven, examination };
  } catch (error) {
    await removeClusterRecord(recordIn(folder));
    throw error;
  }
}

async function toSwap(
  record: ClusterRecord,
  { settings, clock }: ServerRestoreOptions,
): Promise<Swap> {
  const { dataFolder } = settings;
  const aside = (await isThere(dataFolder))
    ? { aside: await nameFolderAside(dataFolder, clock.now()) }
    : {};
  const expected = record.expected ?? { systemIdentifier: "", timeline: 0 };
  return { ...record, ...aside, phase: "swapping", expected };
}

/** What {@link undoServerRestore} would bring back. @throws {DrError} PGBACKREST_NOTHING_TO_UNDO. */
export async function prepareServerUndo({
  dataFolder,
}: PgbackrestSettings): Promise<string> {
  return await findFolderAside(dataFolder);
}

/** A restore or an undo that was broken off. @throws {DrError} PGBACKREST_RECORD_UNREADABLE. */
export async function findBrokenOff(
  settings: PgbackrestSettings,
): Promise<ClusterRecord | undefined> {
  return await readClusterRecord(recordIn(restoreFolder(settings)));
}

type UndoOptions = Pick<
  ServerRestoreOptions,
  "settings" | "access" | "clock" | "onStep"
>;

/**
 * Puts the folder that was put aside last in the live one's place, which is put
 * aside in its turn: undoing once more brings it back.
 *
 * @throws {DrError} PGBACKREST_NOTHING_TO_UNDO, DATABASE_BUSY, and those of
 * `swapFolders`.
 */
export async function undoServerRestore(
  options: UndoOptions,
): Promise<RestoredDatabase> {
  const { settings, access, clock } = options;
  const { dataFolder, identity } = settings;
  return await inWorkFolder(settings, clock, async (folder) => {
    const broken = await finishBrokenOff(folder, options);
    if (broken?.phase === "swapping" && broken.address === undefined) {
      return nameRestored(access, broken);
    }
    const incoming = await findFolderAside(dataFolder);
    const programs = await findServerPrograms(
      (await majorOf(incoming)) ?? "",
      settings,
    );
    const { systemIdentifier, timeline } = await readControlData(
      incoming,
      programs,
      identity,
    );
    const aside = (await isThere(dataFolder))
      ? { aside: await nameFolderAside(dataFolder, clock.now()) }
      : {};
    const swap: Swap = {
      startedAt: clock.now().toISOString(),
      what: `undo ${incoming}`,
      phase: "swapping",
      incoming,
      ...aside,
      expected: { systemIdentifier, timeline },
    };
    await swapRecorded(swap, folder, options);
    return nameRestored(access, swap);
  });
}

/**
 * Restores a server on trial, into a folder that is taken away again.
 *
 * @param use - Works with it before.
 * @throws {DrError} DATABASE_BUSY, and those of `fillFolder`.
 */
export async function restoreOnTrial<T>(
  recovery: Recovery,
  options: FillOptions & { readonly keep: boolean },
  use: (access: Access) => Promise<T>,
): Promise<{
  readonly examination: Examination;
  readonly kept?: string;
  readonly used: T;
}> {
  const { settings, clock, keep } = options;
  const folder = trialFolder(settings);
  return await whileLocked(folder, settings, clock, async () => {
    await endLeftover(folder);
    let isKept = false;
    try {
      const filled = await fillFolder(folder, recovery, options, use);
      isKept = keep;
      const { examination, dataFolder, used } = filled;
      return { examination, used, ...(keep ? { kept: dataFolder } : {}) };
    } finally {
      if (!isKept) {
        await empty(folder);
      }
    }
  });
}
