import { readFile } from "node:fs/promises";

/** In `/proc/<pid>/stat`, counted behind the program's name, which may hold anything. */
const START_TIME = 19;

/**
 * What sets a process apart from a later one with the same pid: the boot of
 * the machine, and clock ticks from then until the process started.
 *
 * @returns undefined where the system doesn't tell (only Linux does).
 * @see proc(5)
 */
export async function processBirth(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${String(pid)}/stat`, "utf8"),
    ]);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot.trim()}:${String(fields[START_TIME])}`;
  } catch {
    return undefined;
  }
}

/** Whether the process with this pid runs; with a birth, whether it is that very one. */
export async function isSameProcess(
  pid: number,
  birth?: string,
): Promise<boolean> {
  if (!isRunning(pid)) {
    return false;
  }
  const present = birth === undefined ? undefined : await processBirth(pid);
  return present === undefined || present === birth;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
