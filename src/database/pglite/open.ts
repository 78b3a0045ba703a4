import type { PGlite as Database } from "@electric-sql/pglite";

import { DrError, messageOf } from "../../core/errors.js";
import type { Access } from "../access.js";
import { clientOf } from "./client.js";
import { loadExtensions, loadPGlite } from "./package.js";

/** A database that this process has open. */
export interface OpenDatabase {
  readonly pglite: Database;
  readonly access: Access;
}

/**
 * Opens the database in a folder of which nobody else knows, works with it, and
 * closes it; makes a new one where there is none.
 *
 * @param name - For people.
 * @throws {DrError} DATABASE_PACKAGE_MISSING, DATABASE_FOLDER_UNREADABLE, and
 * what the work throws.
 */
export async function withOpen<T>(
  folder: string,
  name: string,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const pglite = await openPGlite(folder, name);
  try {
    return await work({ pglite, access: accessTo(pglite, name) });
  } finally {
    await pglite.close();
  }
}

async function openPGlite(folder: string, name: string): Promise<Database> {
  const PGlite = await loadPGlite();
  try {
    return await PGlite.create({
      dataDir: folder,
      extensions: await loadExtensions(),
    });
  } catch (error) {
    throw new DrError(
      "DATABASE_FOLDER_UNREADABLE",
      { folder: name, reason: messageOf(error) },
      { cause: error },
    );
  }
}

function accessTo(pglite: Database, name: string): Access {
  return {
    host: "",
    port: 0,
    user: "postgres",
    database: "postgres",
    sslOptions: {},
    embedded: { name, connect: () => clientOf(pglite) },
  };
}
