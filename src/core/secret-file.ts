import { open, type FileHandle } from "node:fs/promises";

import { DrError, messageOf } from "./errors.js";

const READABLE_BY_OTHERS = 0o077;

/**
 * The text of a file that only its owner may read, as `chmod 600` makes it.
 *
 * @param what - Whose key it is, for the errors: "the go-bag's key".
 * @throws {DrError} KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_FOREIGN.
 */
export async function readSecretFile(
  file: string,
  what: string,
): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    // One handle: what is checked is what is read.
    handle = await open(file, "r");
    const { mode, uid } = await handle.stat();
    if (process.platform !== "win32") {
      requirePrivate(file, what, mode, uid);
    }
    return await handle.readFile("utf8");
  } catch (error) {
    throw error instanceof DrError
      ? error
      : new DrError(
          "KEY_FILE_UNREADABLE",
          { what, file, reason: messageOf(error) },
          { cause: error },
        );
  } finally {
    await handle?.close();
  }
}

function requirePrivate(
  file: string,
  what: string,
  mode: number,
  owner: number,
): void {
  if ((mode & READABLE_BY_OTHERS) !== 0) {
    throw new DrError("KEY_FILE_EXPOSED", {
      what,
      file,
      mode: (mode & 0o777).toString(8),
    });
  }
  if (owner !== process.getuid?.()) {
    throw new DrError("KEY_FILE_FOREIGN", { what, file, owner });
  }
}
