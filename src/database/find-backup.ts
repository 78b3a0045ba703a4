import { access } from "node:fs/promises";
import { join, resolve } from "node:path";

import { listArtifacts } from "../artifact/list-artifacts.js";
import { placeFolder } from "../backup/folder.js";
import type { DrConfig } from "../config/types.js";
import { DrError } from "../core/errors.js";

export interface WantedBackup {
  /** A file, a backup's name, or `latest`. */
  readonly what: string;
  /** The newest that was made before. */
  readonly before?: Date;
  /** Old scripts' count too. */
  readonly acceptUnauthenticated: boolean;
}

/**
 * Finds a backup of the database. The latest is the newest that is complete.
 *
 * @param root - What relative paths are relative to.
 * @returns its path.
 * @throws {DrError} ARTIFACT_MISSING.
 */
export async function findDatabaseBackup(
  config: DrConfig,
  root: string,
  { what, before, acceptUnauthenticated }: WantedBackup,
): Promise<string> {
  const folder = placeFolder(config, "database");
  if (what !== "" && what !== "latest") {
    const path = resolve(root, what);
    return (await isThere(path)) ? path : join(folder, what);
  }
  const { entries } = await listArtifacts(folder, config.project);
  const newest = entries.findLast(
    ({ kind, status, createdAt }) =>
      kind === "database" &&
      (status === "complete" ||
        (status === "legacy" && acceptUnauthenticated)) &&
      (before === undefined || createdAt < before),
  );
  if (newest === undefined) {
    const reason =
      before === undefined
        ? "there is none of the database yet"
        : `there is none of the database from before ${before.toISOString()}`;
    throw new DrError("ARTIFACT_MISSING", { path: folder, reason });
  }
  return join(folder, newest.name);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
