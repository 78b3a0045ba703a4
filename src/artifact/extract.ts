import { createWriteStream } from "node:fs";
import { link, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { DrError, hasCode, isDrError } from "../core/errors.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import { writing } from "../core/writing.js";

/**
 * Writes what a backup holds into a new file that nobody else reads, whole or
 * not at all.
 *
 * @throws {DrError} FILE_EXISTS, NOT_WRITABLE, and what the stream fails with.
 */
export async function extractTo(stream: Readable, path: string): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryBeside(path);
  const options = { flags: "wx", mode: 0o600, flush: true };
  try {
    await writing(path, async () => {
      await mkdir(folder, { recursive: true });
      await removeAbandoned(folder);
      await pipeline(stream, createWriteStream(temporary, options));
      // Unlike a rename it fails when there is one.
      await link(temporary, path);
    });
  } catch (error) {
    if (isDrError(error, "NOT_WRITABLE") && hasCode(error.cause, "EEXIST")) {
      throw new DrError("FILE_EXISTS", { path }, { cause: error });
    }
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
