import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";

import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import {
  isAlive,
  removeAbandoned,
  temporaryBeside,
} from "../core/temporary-file.js";
import { writing } from "../core/writing.js";

/** Who is at work on a network right now. */
export interface LockOwner {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly since: string;
}

export interface Lock {
  /** The owner whose lock was left behind and taken over, if so. */
  readonly takenFrom?: LockOwner;
  release(): Promise<void>;
}

/**
 * One run at a time per network. A lock whose process has died on this host is
 * taken over; one from another host can't be judged from here and holds.
 *
 * @param folder - `deployments/<network>`.
 * @throws {DrError} RUN_LOCKED with the owner and the lock's age; NOT_WRITABLE.
 */
export async function acquireLock(folder: string, clock: Clock): Promise<Lock> {
  const path = join(folder, ".lock");
  return await writing(path, async () => await acquire(folder, path, clock));
}

async function acquire(
  folder: string,
  path: string,
  clock: Clock,
): Promise<Lock> {
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const mine: LockOwner = {
    user: userName(),
    host: hostname(),
    pid: process.pid,
    since: clock.now().toISOString(),
  };
  if (await tryCreate(path, mine)) {
    return heldLock(path);
  }
  const owner = await readOwner(path);
  if (owner === undefined || isAtWork(owner)) {
    throw lockedError(path, owner, clock);
  }
  if (!(await removeStale(path, owner)) || !(await tryCreate(path, mine))) {
    throw lockedError(path, await readOwner(path), clock);
  }
  return { ...heldLock(path), takenFrom: owner };
}

/** A container's user often has a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${String(process.getuid?.() ?? "")}`;
  }
}

function heldLock(path: string): Lock {
  return {
    release: async () => {
      await rm(path, { force: true });
    },
  };
}

/** A whole lock file appears at once or not at all: it is linked, not written, into place. */
async function tryCreate(path: string, owner: LockOwner): Promise<boolean> {
  const temporary = temporaryBeside(path);
  const file = await open(temporary, "wx", 0o644);
  try {
    await file.writeFile(`${JSON.stringify(owner)}\n`);
    await file.sync();
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      return false;
    }
    throw error;
  } finally {
    await file.close();
    await rm(temporary, { force: true });
  }
}

/** Moves a dead owner's lock away; gives it back when somebody else was faster. */
async function removeStale(path: string, stale: LockOwner): Promise<boolean> {
  const aside = temporaryBeside(path);
  try {
    await rename(path, aside);
  } catch (error) {
    return hasCode(error, "ENOENT");
  }
  const moved = await readOwner(aside);
  const isTheStaleOne = moved?.pid === stale.pid && moved.since === stale.since;
  if (!isTheStaleOne) {
    await link(aside, path).catch(() => undefined);
  }
  await rm(aside, { force: true });
  return isTheStaleOne;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as LockOwner;
  } catch {
    return undefined;
  }
}

function isAtWork({ host, pid }: LockOwner): boolean {
  return host !== hostname() || isAlive(pid);
}

function lockedError(
  path: string,
  owner: LockOwner | undefined,
  clock: Clock,
): DrError {
  const seconds =
    owner === undefined
      ? 0
      : Math.round((clock.now().getTime() - Date.parse(owner.since)) / 1000);
  return new DrError("RUN_LOCKED", {
    user: owner?.user ?? "somebody",
    host: owner?.host ?? "an unknown host",
    pid: owner?.pid ?? 0,
    seconds,
    path,
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
