import { artifactKeys } from "../backup/place.js";
import { DrError } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import type { BackupAddress } from "./engine.js";
import { findDatabaseBackup, type WhereToFind } from "./find-backup.js";
import { findDump, type Dump } from "./restore-source.js";

/**
 * Finds a dump among this machine's artifacts, and proves that it lies there as
 * it was written.
 *
 * @throws {DrError} DATABASE_ENGINE_UNABLE: a dump is of one moment;
 * OPTION_INVALID; and those of `findDatabaseBackup` and `findDump`.
 */
export async function findAmongArtifacts(
  where: WhereToFind,
  { target, ...wanted }: BackupAddress,
  meter: Meter,
): Promise<Dump> {
  const { config } = where;
  if (target !== undefined) {
    throw new DrError("DATABASE_ENGINE_UNABLE", {
      engine: config.database?.engine ?? "postgres",
      what: "come back to a moment between two backups",
      way: "Name a backup, or take the newest before a time with `--before`",
    });
  }
  const { what, before } = wanted;
  if (before !== undefined && what !== "" && what !== "latest") {
    throw new DrError("OPTION_INVALID", {
      option: "--before",
      value: before.toISOString(),
      expected: `left out where a backup is named: ${what}`,
    });
  }
  const path = await findDatabaseBackup(where, wanted);
  const { acceptUnauthenticated } = wanted;
  const keys = artifactKeys(config);
  return await findDump(path, { keys, acceptUnauthenticated, meter });
}
