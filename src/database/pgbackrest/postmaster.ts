import { readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { hasCode } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { isAlive } from "../../core/temporary-file.js";

const LOOK_MS = 50;

/**
 * The process of the server that works on a data folder; undefined where there
 * is none. A number in its file proves nothing after a crash: a process of
 * another kind may have it now. A server stands in its data folder.
 */
export async function postmasterOf(
  dataFolder: string,
): Promise<number | undefined> {
  const text = await ifThere(
    readFile(join(dataFolder, "postmaster.pid"), "utf8"),
  );
  const pid = Number(text?.split("\n")[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) {
    return undefined;
  }
  return (await standsIn(pid, dataFolder)) ? pid : undefined;
}

/** True as well where the system doesn't tell. */
async function standsIn(pid: number, folder: string): Promise<boolean> {
  try {
    return (
      (await readlink(`/proc/${String(pid)}/cwd`)) === (await realpath(folder))
    );
  } catch (error) {
    return !hasCode(error, "ENOENT") || process.platform !== "linux";
  }
}

/** @returns whether it was gone within that time. */
export async function waitUntilGone(
  dataFolder: string,
  patienceMs: number,
): Promise<boolean> {
  const until = performance.now() + patienceMs;
  while ((await postmasterOf(dataFolder)) !== undefined) {
    if (performance.now() > until) {
      return false;
    }
    await sleep(LOOK_MS);
  }
  return true;
}

const FAST_MS = 60_000;

/** Ends a server that is ours alone, and what it leaves. */
export async function endPostmaster(dataFolder: string): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    const pid = await postmasterOf(dataFolder);
    if (pid === undefined) {
      return;
    }
    process.kill(pid, signal);
    if (await waitUntilGone(dataFolder, FAST_MS)) {
      return;
    }
  }
}
