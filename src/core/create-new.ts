import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

import { hasCode } from "./errors.js";
import { writing } from "./writing.js";

/**
 * Makes an empty file, of which only one of two who try at once is the maker.
 *
 * @returns false when it is there already.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function createNew(path: string): Promise<boolean> {
  return await writing(path, async () => {
    try {
      await mkdir(dirname(path), { recursive: true });
      await (await open(path, "wx")).close();
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) {
        return false;
      }
      throw error;
    }
  });
}
