import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { removeAbandoned, temporaryBeside } from "./temporary-file.js";
import { writing } from "./writing.js";

/**
 * A new folder where the system keeps what is temporary, for this process's
 * user alone. Whoever asks for it removes it; if it is killed before, the next
 * one that asks does.
 *
 * @param what - Is in it: `snapshot`.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function makeTemporaryFolder(what: string): Promise<string> {
  const folder = temporaryBeside(join(tmpdir(), `hardhat-dr-${what}`));
  return await writing(folder, async () => {
    await removeAbandoned(tmpdir());
    await mkdir(folder, { mode: 0o700 });
    return folder;
  });
}
