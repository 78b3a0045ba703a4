import { access } from "node:fs/promises";
import { join, resolve } from "node:path";

import { listArtifacts } from "../artifact/list-artifacts.js";
import { originOf } from "../artifact/origin.js";
import { readManifest } from "../artifact/read-artifact.js";
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

export interface WhereToFind {
  readonly config: DrConfig;
  /** What relative paths are relative to. */
  readonly project: string;
  /** Another database's backup isn't taken as the latest; absent: every one counts. */
  readonly database?: () => Promise<string>;
}

/**
 * Finds a backup of the database. The latest is the newest that is complete
 * and doesn't say that it is of another database.
 *
 * @returns its path.
 * @throws {DrError} ARTIFACT_MISSING, DATABASE_BACKUP_OF_OTHER,
 * MANIFEST_INVALID, MANIFEST_TOO_NEW.
 */
export async function findDatabaseBackup(
  { config, project, database }: WhereToFind,
  { what, before, acceptUnauthenticated }: WantedBackup,
): Promise<string> {
  const folder = placeFolder(config, "database");
  if (what !== "" && what !== "latest") {
    const path = resolve(project, what);
    return (await isThere(path)) ? path : join(folder, what);
  }
  const own = await database?.();
  const others: { readonly name: string; readonly other: string }[] = [];
  const { entries } = await listArtifacts(folder, config.project);
  for (const { name, kind, status, createdAt } of entries.toReversed()) {
    const counts =
      kind === "database" &&
      (status === "complete" ||
        (status === "legacy" && acceptUnauthenticated)) &&
      (before === undefined || createdAt < before);
    if (!counts) {
      continue;
    }
    const path = join(folder, name);
    const asked = own !== undefined && status === "complete";
    const origin = asked ? await readOrigin(path) : undefined;
    if (origin === undefined || origin === own) {
      return path;
    }
    others.push({ name, other: origin });
  }
  throw explainNone(folder, { before, own, newest: others[0] });
}

function explainNone(
  folder: string,
  {
    before,
    own = "",
    newest,
  }: {
    readonly before: Date | undefined;
    readonly own: string | undefined;
    readonly newest:
      { readonly name: string; readonly other: string } | undefined;
  },
): DrError {
  const when = before && ` from before ${before.toISOString()}`;
  if (newest !== undefined) {
    return new DrError("DATABASE_BACKUP_OF_OTHER", {
      database: own,
      folder,
      when: when ?? "",
      ...newest,
    });
  }
  const reason = `there is none of the database${when ?? " yet"}`;
  return new DrError("ARTIFACT_MISSING", { path: folder, reason });
}

async function readOrigin(path: string): Promise<string | undefined> {
  return originOf((await readManifest(path)).contents);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
