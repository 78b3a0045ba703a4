import { lstat, rm } from "node:fs/promises";
import { dirname } from "node:path";

import * as z from "zod";

import { syncFolder, writeAtomically } from "../core/atomic-write.js";
import { DrError, messageOf } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { writing } from "../core/writing.js";

const path = z.string();
const schema = z.array(
  z.strictObject({
    startedAt: z.iso.datetime(),
    places: z.array(
      z.strictObject({
        to: path,
        /** Absent: there was nothing. */
        aside: path.optional(),
        /** In their order. */
        moves: z.array(
          z.strictObject({ from: path, to: path, identity: z.string() }),
        ),
      }),
    ),
  }),
);

/** What is moved in a swap: enough to tell afterwards how far it came. */
export type SwapRecord = z.infer<typeof schema>[number];
type PlaceRecord = SwapRecord["places"][number];

/**
 * What tells a file or a folder from others, under any name: its inode and, as
 * inodes are used again, when it was made. Some disks don't know that.
 *
 * @throws when nothing is there.
 */
export async function identityOf(at: string): Promise<string> {
  const { ino, birthtimeNs } = await lstat(at, { bigint: true });
  return `${String(ino)}-${String(birthtimeNs)}`;
}

/**
 * Writes down, to the disk, what will move, before it does. Swaps that were
 * broken off before stay in it.
 *
 * @throws {DrError} NOT_WRITABLE.
 */
export async function recordSwap(
  file: string,
  swap: SwapRecord,
): Promise<void> {
  await writeSwaps(file, [...(await readableSwaps(file)), swap]);
}

/**
 * Takes out of the record what ended, one way or the other, and with it what a
 * later swap has put in order. What can't be taken out now is another time.
 *
 * @param settled - Places that hold what they should.
 */
export async function tidySwaps(
  file: string,
  settled: readonly string[] = [],
): Promise<void> {
  try {
    const left: SwapRecord[] = [];
    for (const swap of await readableSwaps(file)) {
      const isSettled = swap.places.every(({ to }) => settled.includes(to));
      if (!isSettled && (await isBrokenOff(swap))) {
        left.push(swap);
      }
    }
    await writeSwaps(file, left);
  } catch (error) {
    if (!(error instanceof DrError)) {
      throw error;
    }
  }
}

/**
 * Whether a restore was killed while things moved, so that neither all is as it
 * was nor all restored.
 *
 * @returns RESTORE_UNFINISHED, which says what lies where.
 */
export async function findBrokenOff(
  file: string,
): Promise<DrError | undefined> {
  try {
    for (const swap of await readSwaps(file)) {
      if (await isBrokenOff(swap)) {
        const lines = await Promise.all(swap.places.map(describePlace));
        return unfinished(file, swap.startedAt, lines.join("; "));
      }
    }
    return undefined;
  } catch (error) {
    const reason = `what moved can't be read: ${messageOf(error)}`;
    return unfinished(file, "some time", reason);
  }
}

function unfinished(file: string, at: string, what: string): DrError {
  return new DrError("RESTORE_UNFINISHED", { at, what, file });
}

/** What can't be read was told of, and is of no use to anybody. */
async function readableSwaps(file: string): Promise<readonly SwapRecord[]> {
  return await readSwaps(file).catch(() => []);
}

async function readSwaps(file: string): Promise<readonly SwapRecord[]> {
  const text = await readIfThere(file);
  return text === undefined ? [] : schema.parse(JSON.parse(text));
}

async function writeSwaps(
  file: string,
  swaps: readonly SwapRecord[],
): Promise<void> {
  await writing(file, async () => {
    if (swaps.length > 0) {
      await writeAtomically(file, `${JSON.stringify(swaps, undefined, 2)}\n`);
      return;
    }
    await rm(file, { force: true });
    await syncFolder(dirname(file));
  });
}

/** Somebody may have put things in order since, or deleted some. */
async function isBrokenOff({ places }: SwapRecord): Promise<boolean> {
  const states = new Set(await Promise.all(places.map(stateOf)));
  return states.size > 1 || states.has("half");
}

async function stateOf({
  aside,
  moves,
}: PlaceRecord): Promise<"untouched" | "placed" | "half"> {
  const looked = await Promise.all(
    moves.map(async ({ from, to, identity }) => ({
      isMoved: (await tryIdentity(to)) === identity,
      // What should have come may be taken away since; what should have gone, not.
      isAsBefore:
        ![to, dirname(to)].includes(aside ?? "") ||
        (await tryIdentity(from)) === identity,
    })),
  );
  if (looked.every(({ isMoved }) => isMoved)) {
    return "placed";
  }
  const isUntouched = looked.every(
    ({ isMoved, isAsBefore }) => !isMoved && isAsBefore,
  );
  return isUntouched ? "untouched" : "half";
}

async function describePlace(place: PlaceRecord): Promise<string> {
  const { to, aside } = place;
  const state = await stateOf(place);
  if (state === "untouched") {
    return `${to} is as it was`;
  }
  const what = aside === undefined ? "" : `; what was there is ${aside}`;
  if (state === "placed") {
    return `${to} is restored${what}`;
  }
  return (await tryIdentity(to)) === undefined
    ? `${to} is missing${what}`
    : `${to} is half restored; what is missing there is ${aside ?? "in the backup"}`;
}

async function tryIdentity(at: string): Promise<string | undefined> {
  return await identityOf(at).catch(() => undefined);
}
