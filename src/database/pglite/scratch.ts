import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "../../core/clock.js";
import { removeTree } from "../../core/remove-tree.js";
import { removeAbandoned, temporaryBeside } from "../../core/temporary-file.js";
import { writing } from "../../core/writing.js";
import { acquireLock } from "../../run/lock.js";
import type { Location } from "./location.js";
import { settleSwap } from "./swap.js";

/**
 * One at a time works on a database; whoever does begins by ending what others
 * left that were killed.
 *
 * @throws {DrError} RUN_LOCKED, NOT_WRITABLE.
 */
export async function whileClaimed<T>(
  location: Location,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  await makeWorkshop(location);
  const lock = await acquireLock(location.workshop, clock);
  try {
    await settleSwap(location);
    return await work();
  } finally {
    await lock.release();
  }
}

/**
 * Works with a folder that isn't there yet, and removes what is in it then. One
 * that a killed process left is removed by the next.
 *
 * @throws {DrError} NOT_WRITABLE, and what the work throws.
 */
export async function withScratch<T>(
  location: Location,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const { workshop } = location;
  const folder = temporaryBeside(join(workshop, "database"));
  await makeWorkshop(location);
  await writing(workshop, async () => {
    await removeAbandoned(workshop);
  });
  try {
    return await work(folder);
  } finally {
    await removeTree(folder);
  }
}

/** Nobody else reads what is in it, whatever its own mode. */
async function makeWorkshop({ workshop }: Location): Promise<void> {
  await writing(workshop, async () => {
    await mkdir(workshop, { recursive: true, mode: 0o700 });
  });
}
