import { chmod, rm } from "node:fs/promises";

import { walkFolder } from "../artifact/walk.js";
import { hasCode } from "../core/errors.js";

/** Removes a folder of our own with all that is in it, folders that nobody may write to as well. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) {
      return; // no folder, no tree
    }
    if (!hasCode(error, "EACCES", "EPERM")) {
      throw error;
    }
    for await (const { at, stats } of walkFolder(folder)) {
      if (stats?.isDirectory()) {
        await chmod(at, 0o700);
      }
    }
    await rm(folder, { recursive: true, force: true });
  }
}
