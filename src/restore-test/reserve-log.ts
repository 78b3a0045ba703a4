import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import type { Clock } from "../core/clock.js";
import { hasCode } from "../core/errors.js";
import { LogFile } from "../core/log-file.js";
import { writing } from "../core/writing.js";

/**
 * The log of a test, and with it the second that the test is named after: of
 * two that begin in the same one, the later takes the next.
 *
 * @throws {DrError} NOT_WRITABLE.
 */
export async function reserveLog(
  folder: string,
  clock: Clock,
): Promise<{ readonly log: LogFile; readonly startedAt: Date }> {
  for (;;) {
    const startedAt = clock.now();
    const path = join(
      folder,
      `offsite_restore_test_${formatTimestamp(startedAt)}.log`,
    );
    if (await writing(path, async () => await tryCreate(folder, path))) {
      return { log: new LogFile(path, clock), startedAt };
    }
    await clock.sleep(1000 - clock.now().getMilliseconds());
  }
}

/** @returns false when it is there already. */
async function tryCreate(folder: string, path: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
    await (await open(path, "wx")).close();
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      return false;
    }
    throw error;
  }
}
