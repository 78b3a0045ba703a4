import type { DrConfig } from "../config/types.js";
import { DrError } from "../core/errors.js";
import { parseDatabaseUrl, type Access } from "./access.js";

/**
 * The database that this project lives on.
 *
 * @throws {DrError} DATABASE_NOT_CONFIGURED, DATABASE_URL_INVALID.
 */
export async function configuredAccess({
  database,
}: Pick<DrConfig, "database">): Promise<Access> {
  if (database === undefined) {
    throw new DrError("DATABASE_NOT_CONFIGURED", {});
  }
  return parseDatabaseUrl(await database.url.get());
}
