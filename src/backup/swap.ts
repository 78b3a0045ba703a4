import {
  chmod,
  cp,
  lchown,
  lstat,
  mkdir,
  readdir,
  rename,
  rmdir,
  stat,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import { resolveLink, syncFolder } from "../core/atomic-write.js";
import { DrError, hasCode, isDrError, messageOf } from "../core/errors.js";
import { removeTree } from "../core/remove-tree.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import {
  identityOf,
  recordSwap,
  tidySwaps,
  type SwapRecord,
} from "./swap-record.js";

/** What takes the place of what; absolute. */
export interface Replacement {
  /** A file or a folder, on any disk. */
  readonly from: string;
  readonly to: string;
}

/** Where something lies now, and where that which was there before does. */
export interface Replaced {
  readonly to: string;
  /** Absent: there was nothing. */
  readonly aside?: string;
}

export interface ReplaceOptions {
  /** For the names of what is put aside. */
  readonly now: Date;
  /** The file in which it is written down what moves, while it does. */
  readonly record: string;
  /** The one moment at which something moves. */
  readonly rename?: (from: string, to: string) => Promise<void>;
}

/** Whether something in a root is what {@link replaceAll} put aside there. */
export function isPutAside(path: string): boolean {
  return /^\.before-\d{8}_\d{6}(\/|$)/.test(path);
}

/**
 * Puts files and folders in the place of others, all or none; if it is killed
 * meanwhile, `findBrokenOff` tells. What was there
 * stays beside it, `uploads.before-20240115_140000`; where that is a disk or a
 * volume of its own, in it: `uploads/.before-20240115_140000`.
 *
 * @throws {DrError} RESTORE_NOT_PLACED, and all is as it was;
 * RESTORE_HALF_PLACED when putting it back failed too.
 */
export async function replaceAll(
  replacements: readonly Replacement[],
  { now, record, rename: move = moveTree }: ReplaceOptions,
): Promise<readonly Replaced[]> {
  const plans: Plan[] = [];
  try {
    for (const { from, to } of replacements) {
      const plan = await planFor(from, to, formatTimestamp(now));
      plans.push(plan);
      await prepare(plan);
    }
    await recordSwap(record, await describeSwap(plans, now));
    await moveAll(
      plans.flatMap(({ moves }) => moves),
      move,
    );
  } catch (error) {
    await Promise.all(plans.map(discard));
    if (!isDrError(error, "RESTORE_HALF_PLACED")) {
      await tidySwaps(record);
    }
    throw error;
  }
  for (const plan of plans) {
    await removeTree(plan.fresh);
    await syncFolder(dirname(plan.to));
  }
  await tidySwaps(
    record,
    plans.map(({ to }) => to),
  );
  return plans.map(({ to, aside }) =>
    aside === undefined ? { to } : { to, aside },
  );
}

type Move = readonly [from: string, to: string];

interface Plan extends Replacement, Replaced {
  /** Where the new one is brought first: on the right disk, under another name. */
  readonly fresh: string;
  /** Whether what is put aside needs a folder made for it. */
  readonly isAsideMade: boolean;
  readonly moves: readonly Move[];
}

async function planFor(
  from: string,
  named: string,
  stamp: string,
): Promise<Plan> {
  // A link to it stays one.
  const to = await resolveLink(named);
  try {
    return (await isMountPoint(to))
      ? await planInside(from, to, stamp)
      : await planBeside(from, to, stamp);
  } catch (error) {
    throw notPlaced(to, error);
  }
}

async function planBeside(
  from: string,
  to: string,
  stamp: string,
): Promise<Plan> {
  const fresh = temporaryBeside(to);
  const plan = { from, to, fresh, isAsideMade: false };
  const arrival: Move = [fresh, to];
  if (!(await isThere(to))) {
    return { ...plan, moves: [arrival] };
  }
  const aside = await requireFree(`${to}.before-${stamp}`);
  return { ...plan, aside, moves: [[to, aside], arrival] };
}

/** What a disk is mounted on can't be renamed. */
async function planInside(
  from: string,
  to: string,
  stamp: string,
): Promise<Plan> {
  const aside = await requireFree(join(to, `.before-${stamp}`));
  const fresh = temporaryBeside(join(to, basename(to)));
  await removeAbandoned(to); // before it is taken for something to put aside
  const old = (await readdir(to)).filter((name) => !isPutAside(name));
  const moves = [
    ...old.map((name): Move => [join(to, name), join(aside, name)]),
    ...(await readdir(from)).map((name): Move => [
      join(fresh, name),
      join(to, name),
    ]),
  ];
  return { from, to, fresh, aside, isAsideMade: true, moves };
}

async function isMountPoint(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return (
    found?.isDirectory() === true &&
    found.dev !== (await stat(dirname(path))).dev
  );
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function requireFree(path: string): Promise<string> {
  if (await isThere(path)) {
    const reason = "it is there already";
    throw new DrError("RESTORE_NOT_PLACED", { path, reason });
  }
  return path;
}

async function describeSwap(
  plans: readonly Plan[],
  now: Date,
): Promise<SwapRecord> {
  const describe = async ([from, to]: Move) => {
    try {
      return { from, to, identity: await identityOf(from) };
    } catch (error) {
      throw notPlaced(to, error);
    }
  };
  const places = plans.map(async ({ to, aside, moves }) => ({
    to,
    ...(aside === undefined ? {} : { aside }),
    moves: await Promise.all(moves.map(describe)),
  }));
  return { startedAt: now.toISOString(), places: await Promise.all(places) };
}

async function prepare({
  from,
  to,
  fresh,
  aside,
  isAsideMade,
}: Plan): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await removeAbandoned(dirname(fresh));
    await bring(from, fresh);
    if (isAsideMade && aside !== undefined) {
      await mkdir(aside, { mode: 0o700 });
    }
  } catch (error) {
    throw notPlaced(to, error);
  }
}

/** Moves it, or copies it to another disk. */
async function bring(from: string, to: string): Promise<void> {
  try {
    await moveTree(from, to);
  } catch (error) {
    if (!hasCode(error, "EXDEV")) {
      throw error;
    }
    await cp(from, to, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
    await copyOwners(from, to);
  }
}

/** Which a copy hasn't; nobody but root can give it away. */
async function copyOwners(from: string, to: string): Promise<void> {
  if (process.geteuid?.() !== 0) {
    return;
  }
  const stats = await lstat(from);
  await lchown(to, stats.uid, stats.gid);
  for (const name of stats.isDirectory() ? await readdir(from) : []) {
    await copyOwners(join(from, name), join(to, name));
  }
}

/** A folder that can't be written to doesn't go to another one. */
async function moveTree(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const { mode } = await lstat(from);
    if (!hasCode(error, "EACCES") || (mode & 0o200) !== 0) {
      throw error;
    }
    await chmod(from, mode | 0o200);
    await rename(from, to);
    await chmod(to, mode);
  }
}

async function discard({ fresh, aside, isAsideMade }: Plan): Promise<void> {
  await removeTree(fresh);
  if (isAsideMade && aside !== undefined) {
    // Unless something is left in it.
    await rmdir(aside).catch(() => undefined);
  }
}

type Mover = NonNullable<ReplaceOptions["rename"]>;

async function moveAll(moves: readonly Move[], move: Mover): Promise<void> {
  const done: Move[] = [];
  for (const [from, to] of moves) {
    try {
      await move(from, to);
      done.push([from, to]);
    } catch (error) {
      await undoAll(done, move);
      throw notPlaced(to, error);
    }
  }
}

/** As far as it goes. @throws {DrError} RESTORE_HALF_PLACED. */
async function undoAll(done: readonly Move[], move: Mover): Promise<void> {
  const failures: DrError[] = [];
  for (const [from, to] of done.toReversed()) {
    try {
      await move(to, from);
    } catch (error) {
      const values = { from: to, to: from, reason: messageOf(error) };
      failures.push(
        new DrError("RESTORE_HALF_PLACED", values, { cause: error }),
      );
    }
  }
  if (failures[0] !== undefined) {
    throw failures[0];
  }
}

function notPlaced(path: string, error: unknown): DrError {
  return error instanceof DrError
    ? error
    : new DrError(
        "RESTORE_NOT_PLACED",
        { path, reason: messageOf(error) },
        { cause: error },
      );
}
