import { lstat, readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { formatTimestamp } from "../../artifact/name.js";
import { syncFolder } from "../../core/atomic-write.js";
import type { Clock } from "../../core/clock.js";
import { DrError, messageOf } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { writing } from "../../core/writing.js";
import { nameOfDatabase, type Access } from "../access.js";
import { writeClusterRecord, type ClusterRecord } from "./cluster-record.js";
import { askLive } from "./live.js";
import { startLive, stopLive } from "./live-commands.js";
import type { PgbackrestSettings } from "./settings.js";

/** What happens, in this order; each is told once it is through. */
export type SwapStep = "stopped" | "set aside" | "placed" | "started";

export interface SwapOptions {
  readonly settings: PgbackrestSettings;
  /** The file in which it is written down how far it has come. */
  readonly record: string;
  readonly access: Access;
  readonly clock: Clock;
  readonly onStep?: (step: SwapStep) => void;
}

/** A swap that is or was to be done. */
export type Swap = ClusterRecord & Required<Pick<ClusterRecord, "expected">>;

const POLL_MS = 200;

/**
 * Puts a data folder in the live one's place, by two renames while no server
 * runs, and starts the server on it. It may have been broken off anywhere: what
 * is where tells what is left to do.
 *
 * @throws {DrError} PGBACKREST_SWAP_UNDONE when what was put there doesn't
 * answer as it should: the old folder is the live one again. PGBACKREST_STUCK
 * when that doesn't either. PGBACKREST_STILL_RUNS, DATABASE_TOOL_FAILED: nothing
 * has been moved.
 */
export async function swapFolders(
  swap: Swap,
  options: SwapOptions,
): Promise<void> {
  const { record } = options;
  if (swap.phase === "returning") {
    throw await putBack(swap, "the last run was broken off", options);
  }
  await writeClusterRecord(record, { ...swap, phase: "swapping" });
  await moveIn(swap, options);
  try {
    await startLive(options.settings);
    options.onStep?.("started");
    await requireAnswer(swap.expected, options);
  } catch (error) {
    throw await putBack(swap, messageOf(error), options);
  }
}

async function moveIn(
  { incoming, aside }: Swap,
  { settings, access, onStep }: SwapOptions,
): Promise<void> {
  const { dataFolder } = settings;
  if (!(await isThere(incoming))) {
    return; // It was there before the run was broken off.
  }
  await stopLive(settings, access);
  onStep?.("stopped");
  if (aside !== undefined && !(await isThere(aside))) {
    await move(dataFolder, aside);
  }
  onStep?.("set aside");
  await move(incoming, dataFolder);
  onStep?.("placed");
}

/** What didn't answer goes where it came from, and the old folder is the live one. @returns what to throw. */
async function putBack(
  swap: Swap,
  reason: string,
  options: SwapOptions,
): Promise<DrError> {
  const { settings, record, access } = options;
  const { incoming, aside } = swap;
  const { dataFolder } = settings;
  try {
    await writeClusterRecord(record, { ...swap, phase: "returning" });
    await stopLive(settings, access);
    if (!(await isThere(incoming))) {
      await move(dataFolder, incoming);
    }
    if (aside === undefined) {
      return new DrError("PGBACKREST_STUCK", {
        folder: dataFolder,
        reason,
        where: `there was no folder before; what was restored is ${incoming}`,
      });
    }
    if (await isThere(aside)) {
      await move(aside, dataFolder);
    }
    await startLive(settings);
    await requireAnswer(undefined, options);
  } catch (error) {
    return new DrError(
      "PGBACKREST_STUCK",
      {
        folder: dataFolder,
        reason: `${reason}; and then: ${messageOf(error)}`,
        where: `the old folder is ${(await isThere(aside ?? "")) ? String(aside) : dataFolder}, what was restored is ${incoming}`,
      },
      { cause: error },
    );
  }
  return new DrError("PGBACKREST_SWAP_UNDONE", { reason, folder: incoming });
}

/** @throws {DrError} PGBACKREST_SERVER_FAILED when nobody answers in time, or somebody else does. */
async function requireAnswer(
  expected: ClusterRecord["expected"],
  { access, clock, settings }: SwapOptions,
): Promise<void> {
  const until = clock.now().getTime() + settings.timeoutSeconds * 1000;
  for (;;) {
    const live = await askLive(access);
    if (live !== undefined) {
      const { systemIdentifier, timeline, isStandby } = live;
      if (
        expected !== undefined &&
        (systemIdentifier !== expected.systemIdentifier ||
          timeline !== expected.timeline ||
          isStandby)
      ) {
        throw new DrError("PGBACKREST_SERVER_FAILED", {
          reason: `at ${nameOfDatabase(access)} answers the system ${systemIdentifier} on timeline ${String(timeline)}, not ${expected.systemIdentifier} on ${String(expected.timeline)}`,
        });
      }
      return;
    }
    if (clock.now().getTime() > until) {
      throw new DrError("PGBACKREST_SERVER_FAILED", {
        reason: `${nameOfDatabase(access)} doesn't answer within ${String(settings.timeoutSeconds)} s`,
      });
    }
    await clock.sleep(POLL_MS);
  }
}

async function move(from: string, to: string): Promise<void> {
  await writing(to, async () => {
    await rename(from, to);
    await syncFolder(dirname(to));
    await syncFolder(dirname(from));
  });
}

export async function isThere(path: string): Promise<boolean> {
  return (await ifThere(lstat(path))) !== undefined;
}

const ASIDE = /_before_\d{8}_\d{6}$/;

/** `main_before_20240115_140000`, or the first second after it that is free. */
export async function nameFolderAside(
  dataFolder: string,
  at: Date,
): Promise<string> {
  for (let time = at.getTime(); ; time += 1000) {
    const name = `${dataFolder}_before_${formatTimestamp(new Date(time))}`;
    if (!(await isThere(name))) {
      return name;
    }
  }
}

/** The newest that was put aside. @throws {DrError} PGBACKREST_NOTHING_TO_UNDO. */
export async function findFolderAside(dataFolder: string): Promise<string> {
  const parent = dirname(dataFolder);
  const newest = (await readdir(parent))
    .filter(
      (name) =>
        name.startsWith(`${basename(dataFolder)}_before_`) && ASIDE.test(name),
    )
    .toSorted()
    .at(-1);
  if (newest === undefined) {
    throw new DrError("PGBACKREST_NOTHING_TO_UNDO", { folder: dataFolder });
  }
  return join(parent, newest);
}
