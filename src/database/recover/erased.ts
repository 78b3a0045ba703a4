import { readFile } from "node:fs/promises";
import { TextDecoder } from "node:util";

import type { DrConfig } from "../../config/types.js";
import { DrError, messageOf } from "../../core/errors.js";

/** Rows that must not be brought back, by their keys in the order of the key's columns. */
export interface ErasedRows {
  readonly table: string;
  readonly keys: readonly (readonly string[])[];
}

/**
 * Reads `dr.database.erased`: keys in the configuration, or in a file of their
 * own with one a line, several values of a key separated by tabs.
 *
 * @throws {DrError} RECOVER_ERASED_INVALID when a file can't be read.
 */
export async function readErased({
  database,
}: Pick<DrConfig, "database">): Promise<readonly ErasedRows[]> {
  const lists = Object.entries(database?.erased ?? {});
  return await Promise.all(
    lists.map(async ([table, list]) => ({
      table,
      keys:
        "file" in list
          ? await readKeys(table, list.file)
          : list.map((key) => (typeof key === "string" ? [key] : key)),
    })),
  );
}

async function readKeys(
  table: string,
  file: string,
): Promise<readonly (readonly string[])[]> {
  try {
    // A byte order mark, or what isn't UTF-8, would make another key, and protect nobody.
    const text = new TextDecoder("utf-8", { fatal: true });
    return text
      .decode(await readFile(file))
      .split(/\r?\n/)
      .filter((line) => line !== "")
      .map((line) => line.split("\t"));
  } catch (error) {
    const reason = messageOf(error);
    throw new DrError(
      "RECOVER_ERASED_INVALID",
      { table, reason },
      { cause: error },
    );
  }
}
