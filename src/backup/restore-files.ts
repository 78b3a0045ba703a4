import { mkdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { ArtifactKeys } from "../artifact/read-artifact.js";
import type { Clock } from "../core/clock.js";
import type { Meter } from "../core/meter.js";
import { removeTree } from "../core/remove-tree.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import { writing } from "../core/writing.js";
import type { PreparedRestore } from "./prepare-restore.js";
import { replaceAll, type Replaced } from "./swap.js";
import { unpackChain } from "./unpack-chain.js";

export interface RestoreOptions {
  readonly keys: ArtifactKeys;
  readonly clock: Clock;
  /** The file in which it is written down what moves, while it does. */
  readonly record: string;
  /** Until things move it leaves all as it was, by throwing its reason. */
  readonly signal: AbortSignal;
  /** Every artifact is read for it, then what came out of them. */
  readonly meter?: Meter;
}

/**
 * Restores what {@link prepareRestore} found: unpacks it beside, holds every
 * file against the index, then puts it in its places, all or none.
 *
 * @returns where it lies, and where that which was there before does.
 * @throws {DrError} RESTORE_NOT_PLACED, NOT_WRITABLE, and what `unpackChain`
 * throws; then all is as it was. RESTORE_HALF_PLACED.
 */
export async function restoreFiles(
  { chain, index, places, workshop }: PreparedRestore,
  { clock, record, ...options }: RestoreOptions,
): Promise<readonly Replaced[]> {
  const stage = temporaryBeside(join(workshop, "restore"));
  const made = await makeStage(stage);
  try {
    await unpackChain(chain, index, stage, options);
    const moves = places.map(({ root, to }) => ({
      from: join(stage, root),
      to,
    }));
    return await replaceAll(moves, { now: clock.now(), record });
  } finally {
    await removeTree(stage);
    await removeIfEmpty(workshop, made);
  }
}

/** @returns the uppermost folder that had to be made for it. */
async function makeStage(stage: string): Promise<string | undefined> {
  const workshop = dirname(stage);
  return await writing(workshop, async () => {
    const made = await mkdir(workshop, { recursive: true });
    await removeAbandoned(workshop);
    await mkdir(stage, { mode: 0o700 });
    return made;
  });
}

async function removeIfEmpty(
  folder: string,
  upTo: string | undefined,
): Promise<void> {
  if (upTo === undefined) {
    return;
  }
  try {
    await rmdir(folder);
  } catch {
    return; // there is something in it
  }
  if (folder !== upTo) {
    await removeIfEmpty(dirname(folder), upTo);
  }
}
