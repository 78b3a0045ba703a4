import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { removeAbandoned, temporaryBeside } from "./temporary-file.js";
import { writing } from "./writing.js";

/**
 * A new folder for what is temporary, for this process's user alone. Whoever
 * asks for it removes it; if it is killed before, the next one that asks does.
 *
 * @param what - Is in it: `snapshot`.
 * @param place - Where to; default: where the system keeps what is temporary,
 * which may be memory: nothing large goes there.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function makeTemporaryFolder(
  what: string,
  place = tmpdir(),
): Promise<string> {
  const folder = temporaryBeside(join(place, `hardhat-dr-${what}`));
  return await writing(folder, async () => {
    await mkdir(place, { recursive: true });
    await removeAbandoned(place);
    await mkdir(folder, { mode: 0o700 });
    return folder;
  });
}
