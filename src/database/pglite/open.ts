import { join } from "node:path";

import type { PGlite as Database } from "@electric-sql/pglite";

import { DrError, messageOf } from "../../core/errors.js";
import { readIfThere } from "../../core/if-there.js";
import type { Access } from "../access.js";
import { clientOf } from "./client.js";
import {
  compilePrograms,
  loadExtensions,
  loadPGlite,
  PRELOADED,
} from "./package.js";

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
 * @param needed - Extensions that a new one will hold.
 * @throws {DrError} DATABASE_PACKAGE_MISSING, DATABASE_FOLDER_UNREADABLE, and
 * what the work throws.
 */
export async function withOpen<T>(
  folder: string,
  name: string,
  work: (database: OpenDatabase) => Promise<T>,
  needed: readonly string[] = [],
): Promise<T> {
  const pglite = await openPGlite(folder, name, needed);
  try {
    return await work({ pglite, access: accessTo(pglite, name) });
  } finally {
    await pglite.close();
  }
}

async function openPGlite(
  folder: string,
  name: string,
  needed: readonly string[],
): Promise<Database> {
  const PGlite = await loadPGlite();
  const settings = (await readIfThere(join(folder, "postgresql.conf"))) ?? "";
  const preloaded = PRELOADED.filter(
    (one) => needed.includes(one) || settings.includes(one),
  );
  try {
    return await PGlite.create({
      dataDir: folder,
      ...(await compilePrograms()),
      extensions: await loadExtensions(preloaded),
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
