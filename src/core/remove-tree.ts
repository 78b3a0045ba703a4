import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { hasCode } from "./errors.js";

/** Removes a file or folder of our own with all that is in it, folders that nobody may write to as well. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) {
      return; // what should be a folder on the way to it is none
    }
    if (!hasCode(error, "EACCES", "EPERM")) {
      throw error;
    }
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** All folders in it; what links lead to isn't in it. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      await makeWritable(join(folder, entry.name));
    }
  }
}
