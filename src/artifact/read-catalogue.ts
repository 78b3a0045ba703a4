import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { hasCode } from "../core/errors.js";
import { catalogue, type Catalogue } from "./catalogue.js";

/** The artifacts in a folder; none when there is no folder yet. */
export async function readCatalogue(
  folder: string,
  project: string,
): Promise<Catalogue> {
  const entries = await readFolder(folder);
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map(({ name }) => name);
  const files = await Promise.all(
    names.map(async (name) => {
      const { size, mtime } = await stat(join(folder, name));
      return { name, sizeBytes: size, modifiedAt: mtime };
    }),
  );
  return catalogue(files, project);
}

async function readFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return [];
    }
    throw error;
  }
}
