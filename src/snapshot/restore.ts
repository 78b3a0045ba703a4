import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { extentOf } from "../artifact/measure.js";
import {
  writeAtomically,
  type AtomicWriteOptions,
} from "../core/atomic-write.js";
import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import { writing } from "../core/writing.js";
import { acquireLock } from "../run/lock.js";
import type { OpenedSnapshot } from "./open-snapshot.js";
import {
  planRestore,
  readIfThere,
  type RestoredFile,
  type RestorePlaces,
} from "./restore-plan.js";

type Rename = NonNullable<AtomicWriteOptions["rename"]>;

export interface RestorePorts {
  readonly clock: Clock;
  /** The one moment at which a file appears, or takes another one's place. */
  readonly rename?: Rename;
}

/** A file that is restored. */
export interface Restored extends RestoredFile {
  /** Where the one that was there is now. */
  readonly kept?: string;
}

/**
 * Puts a snapshot's files back, one whole file after the other, while no run
 * is under way. Interrupted anywhere it can be done again: what is back already
 * stays, and nothing that was there is lost.
 *
 * @param approved - As {@link planRestore} planned it.
 * @throws {DrError} RUN_LOCKED, RESTORE_STALE, NOT_WRITABLE, RESTORED_WRONG.
 */
export async function restoreSnapshot(
  opened: OpenedSnapshot,
  places: RestorePlaces,
  approved: readonly RestoredFile[],
  ports: RestorePorts,
): Promise<readonly Restored[]> {
  const lock = await acquireLock(places.folder, ports.clock);
  try {
    requireSame(approved, await planRestore(opened, places));
    const restored: Restored[] = [];
    for (const file of approved) {
      restored.push(await restoreFile(opened, file, ports));
    }
    await verify(opened, approved);
    return restored;
  } finally {
    await lock.release();
  }
}

function requireSame(
  approved: readonly RestoredFile[],
  now: readonly RestoredFile[],
): void {
  const stale = approved.find(
    ({ target, before }, index) =>
      now[index]?.target !== target || now[index].before !== before,
  );
  if (stale !== undefined) {
    throw new DrError("RESTORE_STALE", { path: stale.target });
  }
}

async function restoreFile(
  { folder }: OpenedSnapshot,
  file: RestoredFile,
  { clock, rename: move = rename }: RestorePorts,
): Promise<Restored> {
  const { path, target, action, before } = file;
  if (action === "same") {
    return file;
  }
  const bytes = await readFile(join(folder, path));
  return await writing(target, async () => {
    const kept =
      action === "replace"
        ? await keep(target, before, clock.now(), move)
        : undefined;
    await writeAtomically(target, bytes, {
      beforeRename: async () => {
        requireDigest(target, await readIfThere(target), before);
      },
      rename: move,
    });
    return kept === undefined ? file : { ...file, kept };
  });
}

/**
 * Copies a file beside itself, under a new name with the time.
 *
 * @returns the copy's path.
 */
async function keep(
  target: string,
  before: string | undefined,
  now: Date,
  move: Rename,
): Promise<string> {
  const bytes = await readFile(target);
  requireDigest(target, bytes, before);
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "");
  const name = `${target}.before-restore-${stamp.replace("T", "_")}`;
  for (let number = 1; ; number += 1) {
    const path = number === 1 ? name : `${name}-${String(number)}`;
    const present = await readIfThere(path);
    if (present === undefined || present.equals(bytes)) {
      await writeAtomically(path, bytes, { rename: move });
      return path;
    }
  }
}

/** @throws {DrError} RESTORE_STALE. */
function requireDigest(
  path: string,
  bytes: Buffer | undefined,
  expected: string | undefined,
): void {
  const found = bytes === undefined ? undefined : extentOf(bytes).sha256;
  if (found !== expected) {
    throw new DrError("RESTORE_STALE", { path });
  }
}

async function verify(
  { snapshot }: OpenedSnapshot,
  files: readonly RestoredFile[],
): Promise<void> {
  for (const { path, target, action } of files) {
    const bytes = action === "same" ? undefined : await readIfThere(target);
    const expected = snapshot.files[path]?.sha256;
    if (
      action !== "same" &&
      extentOf(bytes ?? Buffer.of()).sha256 !== expected
    ) {
      throw new DrError("RESTORED_WRONG", { path: target });
    }
  }
}
