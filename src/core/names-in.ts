import { readdir } from "node:fs/promises";

import { hasCode } from "./errors.js";

/** The names in a folder; none where it isn't there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return [];
    }
    throw error;
  }
}
