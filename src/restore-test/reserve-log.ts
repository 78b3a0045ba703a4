import { join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import type { Clock } from "../core/clock.js";
import { createNew } from "../core/create-new.js";
import { LogFile } from "../core/log-file.js";

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
    if (await createNew(path)) {
      return { log: new LogFile(path, clock), startedAt };
    }
    await clock.sleep(1000 - clock.now().getMilliseconds());
  }
}
