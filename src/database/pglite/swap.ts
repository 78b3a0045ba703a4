import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import * as z from "zod";

import { formatTimestamp } from "../../artifact/name.js";
import { syncFolder, writeAtomically } from "../../core/atomic-write.js";
import { canonicalJson } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import { removeTree } from "../../core/remove-tree.js";
import { writing } from "../../core/writing.js";
import { readNote } from "../restore-record.js";
import { isDatabase } from "./folder.js";
import { beside, type Location } from "./location.js";

/** Each is told once it is through. */
export type SwapStep = "announced" | "ready" | "aside" | "placed";

export interface FolderSwap {
  /** The database that gets the live one's name, on the disk to its last byte. */
  readonly incoming: string;
  /** What the present one is called from then on; absent: there is none. */
  readonly aside?: string;
}

const schema = z.strictObject({
  incoming: z.string(),
  aside: z.string().optional(),
});

/**
 * Puts a database in the place of another. Folders can't be swapped in one
 * step: between two renames, right after one another, nothing answers to the
 * live name. A process that is killed there leaves it to {@link settleSwap},
 * with which everything here begins.
 *
 * @throws {DrError} NOT_WRITABLE: all is as it was.
 */
export async function swapFolders(
  location: Location,
  { incoming: from, aside }: FolderSwap,
  onStep: (step: SwapStep) => void = () => undefined,
): Promise<void> {
  const { live, workshop } = location;
  const note = noteOf(location);
  // What is unfinished in the workshop is cleared away when its process is gone; this no longer.
  const incoming = dirname(from) === workshop ? join(workshop, "ready") : from;
  await writing(live, async () => {
    await writeAtomically(
      note,
      `${canonicalJson({ incoming, ...(aside === undefined ? {} : { aside }) })}\n`,
    );
    onStep("announced");
    if (incoming !== from) {
      await rename(from, incoming);
      await syncFolder(workshop);
    }
    onStep("ready");
    renameBoth({ live, incoming, aside }, onStep);
    await syncFolder(dirname(live));
    await syncFolder(dirname(incoming));
    onStep("placed");
    await rm(note, { force: true });
  });
}

/** Without a turn of the event loop between the two. */
function renameBoth(
  {
    live,
    incoming,
    aside,
  }: {
    readonly live: string;
    readonly incoming: string;
    readonly aside: string | undefined;
  },
  onStep: (step: SwapStep) => void,
): void {
  if (aside === undefined) {
    renameSync(incoming, live);
    return;
  }
  renameSync(live, aside);
  onStep("aside");
  try {
    renameSync(incoming, live);
  } catch (error) {
    renameSync(aside, live);
    throw error;
  }
}

/**
 * Ends a swap that was broken off: finishes it when the live name is free
 * already, and else takes it back.
 *
 * @throws {DrError} NOT_WRITABLE, RESTORE_RECORD_UNREADABLE.
 */
export async function settleSwap(location: Location): Promise<void> {
  const { live, workshop } = location;
  const note = noteOf(location);
  const swap = await readNote(note, (value) => schema.parse(value));
  if (swap === undefined) {
    return;
  }
  const { incoming, aside } = swap;
  await writing(live, async () => {
    if (!(await isDatabase(live))) {
      const found = (await isDatabase(incoming)) ? incoming : aside;
      if (found !== undefined && (await isDatabase(found))) {
        await rename(found, live);
        await syncFolder(dirname(live));
      }
    }
    if (dirname(incoming) === workshop) {
      await removeTree(incoming);
    }
    await rm(note, { force: true });
  });
}

function noteOf({ workshop }: Location): string {
  return join(workshop, "swap.json");
}

/** `/srv/takumi/db_before_20240115_140000`, or the first second after it that is free. */
export async function nameFree(
  location: Location,
  what: "before" | "restore",
  at: Date,
): Promise<string> {
  const { live } = location;
  const taken = new Set(await namesBeside(location));
  for (let time = at.getTime(); ; time += 1000) {
    const name = `${basename(live)}_${what}_${formatTimestamp(new Date(time))}`;
    if (!taken.has(name)) {
      return beside(location, name);
    }
  }
}

/**
 * The newest that {@link swapFolders} has put aside.
 *
 * @throws {DrError} DATABASE_NOTHING_TO_UNDO.
 */
export async function findAside(location: Location): Promise<string> {
  const { live } = location;
  const beginning = `${basename(live)}_before_`;
  const names = (await namesBeside(location)).filter(
    (name) =>
      name.startsWith(beginning) &&
      /^\d{8}_\d{6}$/.test(name.slice(beginning.length)),
  );
  for (const name of names.toSorted().toReversed()) {
    if (await isDatabase(beside(location, name))) {
      return beside(location, name);
    }
  }
  throw new DrError("DATABASE_NOTHING_TO_UNDO", { database: live });
}

async function namesBeside({ live }: Location): Promise<readonly string[]> {
  return await writing(dirname(live), async () => {
    await mkdir(dirname(live), { recursive: true });
    return await readdir(dirname(live));
  });
}
