import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { FileBackupContext } from "../../src/backup/files.js";
import { systemClock } from "../../src/core/clock.js";
import { acquireLock } from "../../src/run/lock.js";
import { TOOL_VERSION } from "../../src/session/tool-version.js";

/** What backups of this project are made and restored with. */
export function backupContext({
  config,
}: HardhatRuntimeEnvironment): FileBackupContext {
  return {
    config: config.dr,
    project: config.paths.root,
    clock: systemClock,
    tool: `hardhat-dr ${TOOL_VERSION}`,
  };
}

/** One backup or restore at a time. @throws {DrError} RUN_LOCKED. */
export async function whileLocked<T>(
  { config, clock }: FileBackupContext,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await acquireLock(config.paths.backups, clock);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
