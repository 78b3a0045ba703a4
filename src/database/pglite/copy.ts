import { DrError } from "../../core/errors.js";
import { copyDatabase, isDatabase } from "./folder.js";
import type { Location } from "./location.js";
import { withOpen, type OpenDatabase } from "./open.js";
import { withScratch } from "./scratch.js";

/**
 * Works with a copy of a database, which itself is left alone; the copy is
 * removed then.
 *
 * @param folder - The database's: the live one's, or another beside it.
 * @throws {DrError} DATABASE_MISSING, DATABASE_FOLDER_IN_USE,
 * DATABASE_FOLDER_CHANGED, and those of `withOpen`.
 */
export async function withCopy<T>(
  location: Location,
  folder: string,
  work: (database: OpenDatabase, copy: string) => Promise<T>,
): Promise<T> {
  await requireThere(folder);
  return await withScratch(location, async (copy) => {
    await copyDatabase(folder, copy);
    return await withOpen(
      copy,
      folder,
      async (database) => await work(database, copy),
    );
  });
}

/** @throws {DrError} DATABASE_MISSING: PGlite would make a new one. */
export async function requireThere(folder: string): Promise<void> {
  if (!(await isDatabase(folder))) {
    throw new DrError("DATABASE_MISSING", { database: folder });
  }
}
