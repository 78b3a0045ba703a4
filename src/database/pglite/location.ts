import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import type { DrConfig } from "../../config/types.js";
import { DrError } from "../../core/errors.js";

/** Where a database lies. All that this tool makes of it is on the same disk, so that it can be renamed. */
export interface Location {
  /** Its data folder, absolute. */
  readonly live: string;
  /** Where what isn't ready yet lies; ours alone. */
  readonly workshop: string;
}

/**
 * @param project - What a path is relative to.
 * @throws {DrError} DATABASE_NOT_CONFIGURED, DATABASE_FOLDER_INVALID.
 */
export async function locate(
  { database }: Pick<DrConfig, "database">,
  project: string,
): Promise<Location> {
  if (database === undefined) {
    throw new DrError("DATABASE_NOT_CONFIGURED", {});
  }
  const live = toPath(await database.url.get(), project);
  return {
    live,
    workshop: join(dirname(live), `.${basename(live)}.hardhat-dr`),
  };
}

/** `file:///srv/takumi/db`, `file:./db`, `./db` */
function toPath(url: string, project: string): string {
  if (url.startsWith("file://")) {
    try {
      return resolve(fileURLToPath(url));
    } catch (error) {
      throw invalid("it is no file: URL of this machine", error);
    }
  }
  const path = url.replace(/^file:/, "");
  if (path === "" || /^[a-z][a-z0-9+.-]+:/i.test(path)) {
    // What is wrong is said without showing it: it may hold a password.
    throw invalid(
      path === "" ? "it is empty" : "it is a URL of something else",
    );
  }
  return resolve(project, path);
}

function invalid(reason: string, cause?: unknown): DrError {
  return new DrError("DATABASE_FOLDER_INVALID", { reason }, { cause });
}

/** A database of another name, beside the live one. */
export function beside({ live }: Location, name: string): string {
  return resolve(dirname(live), name);
}
