import { spawnSync } from "node:child_process";

import { temporaryBeside } from "../../src/core/temporary-file.js";

/** The name of what a process wrote beside a file or folder that was killed meanwhile. */
export function abandonedBeside(path: string): string {
  const dead = spawnSync(process.execPath, ["--version"]).pid;
  return temporaryBeside(path).replace(
    `-${String(process.pid)}-`,
    `-${String(dead)}-`,
  );
}
