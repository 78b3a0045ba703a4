import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import type { Clock } from "../core/clock.js";
import { DrError, hasCode } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import { userName } from "../core/who-runs.js";
import { writing } from "../core/writing.js";
import { isSameProcess, processBirth } from "./process-birth.js";

/** Who is at work on a network right now. */
export interface LockOwner {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** Where the system tells: what sets this process apart from a later one with its pid. */
  readonly birth?: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** No two locks have the same. */
  readonly id: string;
}

export interface Lock {
  /** The owner whose lock was left behind and taken over, if so. */
  readonly takenFrom?: LockOwner;
  release(): Promise<void>;
}

/** Each time somebody else was faster; the fastest is alive and holds it. */
const ATTEMPTS = 20;

/**
 * One run at a time per network. A lock whose process has died on this host is
 * taken over; one from another host can't be judged from here and holds.
 *
 * @param folder - `deployments/<network>`.
 * @throws {DrError} RUN_LOCKED with the owner and the lock's age;
 * LOCK_UNREADABLE, NOT_WRITABLE.
 */
export async function acquireLock(folder: string, clock: Clock): Promise<Lock> {
  const path = join(folder, ".lock");
  return await writing(path, async () => {
    await mkdir(folder, { recursive: true });
    await removeAbandoned(folder);
    return await acquire(path, clock.now());
  });
}

async function acquire(path: string, now: Date): Promise<Lock> {
  const mine = await describeMyself(now);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const lock =
      (await takeFree(path, mine)) ?? (await takeOver(path, mine, now));
    if (lock !== undefined) {
      return lock;
    }
  }
  throw new DrError("NOT_WRITABLE", {
    path,
    reason: "it changes all the time",
  });
}

async function describeMyself(now: Date): Promise<string> {
  const birth = await processBirth(process.pid);
  const owner: LockOwner = {
    user: userName(),
    host: hostname(),
    pid: process.pid,
    ...(birth === undefined ? {} : { birth }),
    since: now.toISOString(),
    id: randomUUID(),
  };
  return `${JSON.stringify(owner)}\n`;
}

async function takeFree(path: string, mine: string): Promise<Lock | undefined> {
  return (await linkInto(path, mine)) ? heldLock(path, mine) : undefined;
}

/**
 * A dead owner's lock is claimed with a file named after its contents, and so
 * by one alone. A claimant may die as well: then the claim itself is claimed.
 * Whoever has the last claim, and sees the lock unchanged since, replaces it.
 *
 * @returns undefined when somebody else was faster.
 */
async function takeOver(
  path: string,
  mine: string,
  now: Date,
): Promise<Lock | undefined> {
  const lock = await readIfThere(path);
  const claims: string[] = [];
  for (let text = lock; text !== undefined;) {
    const owner = parseOwner(text, path);
    if (await isAlive(owner)) {
      throw lockedError(path, owner, now);
    }
    const claim = claimOn(path, text);
    claims.push(claim);
    if (await linkInto(claim, mine)) {
      const isUnchanged = (await readIfThere(path)) === lock;
      if (isUnchanged) {
        await rename(await writeTemporary(path, mine), path);
      }
      await removeAll(isUnchanged ? claims : [claim]);
      return isUnchanged
        ? { ...heldLock(path, mine), takenFrom: owner }
        : undefined;
    }
    text = await readIfThere(claim);
  }
  return undefined;
}

function claimOn(path: string, text: string): string {
  return `${path}.${createHash("sha256").update(text).digest("hex")}`;
}

function heldLock(path: string, mine: string): Lock {
  return {
    release: async () => {
      // Somebody may have deleted it, and somebody else have taken it, meanwhile.
      if ((await readIfThere(path)) === mine) {
        await rm(path, { force: true });
      }
    },
  };
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { force: true });
  }
}

/** A whole file appears at once or not at all: it is linked, not written, into place. */
async function linkInto(path: string, text: string): Promise<boolean> {
  const temporary = await writeTemporary(path, text);
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      return false;
    }
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeTemporary(path: string, text: string): Promise<string> {
  const temporary = temporaryBeside(path);
  const file = await open(temporary, "wx", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** @throws {DrError} LOCK_UNREADABLE. */
function parseOwner(text: string, path: string): LockOwner {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner> | null;
    if (
      typeof owner?.host === "string" &&
      Number.isSafeInteger(owner.pid) &&
      Number(owner.pid) > 0 &&
      !Number.isNaN(Date.parse(String(owner.since)))
    ) {
      return owner as LockOwner;
    }
  } catch {
    // It is no better than one of another shape.
  }
  throw new DrError("LOCK_UNREADABLE", { path });
}

async function isAlive({ host, pid, birth }: LockOwner): Promise<boolean> {
  return host !== hostname() || (await isSameProcess(pid, birth));
}

function lockedError(path: string, owner: LockOwner, now: Date): DrError {
  const { user, host, pid, since } = owner;
  const seconds = Math.round((now.getTime() - Date.parse(since)) / 1000);
  return new DrError("RUN_LOCKED", { user, host, pid, seconds, path });
}
