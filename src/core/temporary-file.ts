import { createHash, randomBytes } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { removeTree } from "./remove-tree.js";

const NAME = /^\..+\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** A new name beside a file or folder that says whose it is: this process's, on this host. */
export function temporaryBeside(path: string): string {
  const random = randomBytes(6).toString("hex");
  const owner = `${hostTag()}-${String(process.pid)}`;
  return join(dirname(path), `.${basename(path)}.${owner}-${random}.tmp`);
}

/**
 * Deletes what processes of this user left behind that were killed while they
 * wrote. Another user's folder stays: its owner may put a link in it at any
 * moment, and we would delete what that leads to.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder);
  const abandoned = names.filter((name) => {
    const [, host, pid] = NAME.exec(name) ?? [];
    return host === hostTag() && !isAlive(Number(pid));
  });
  await Promise.all(
    abandoned.map(async (name) => {
      const path = join(folder, name);
      if (await isOurs(path)) {
        await removeTree(path);
      }
    }),
  );
}

async function isOurs(path: string): Promise<boolean> {
  if (process.geteuid === undefined) {
    return true; // Windows has no such numbers
  }
  const found = await lstat(path).catch(() => undefined);
  return found?.uid === process.geteuid();
}

/** Whether a process of this host lives, as ours or somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Folders may be shared between hosts, and pids say nothing of another one's. */
function hostTag(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}
