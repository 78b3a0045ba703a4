import { stat } from "node:fs/promises";
import { join } from "node:path";

import { catalogue, type Catalogue, type ListedFile } from "./catalogue.js";
import { namesIn } from "../core/names-in.js";

/**
 * The artifacts in a folder; none where there is no folder yet.
 *
 * @param project - Whose.
 */
export async function listArtifacts(
  folder: string,
  project: string,
): Promise<Catalogue> {
  const names = await namesIn(folder);
  const files = await Promise.all(
    names.map(async (name) => await describeFile(folder, name)),
  );
  return catalogue(
    files.filter((file) => file !== undefined),
    project,
  );
}

/** @returns undefined when it is gone meanwhile, or no file. */
async function describeFile(
  folder: string,
  name: string,
): Promise<ListedFile | undefined> {
  const found = await stat(join(folder, name)).catch(() => undefined);
  return found?.isFile()
    ? { name, sizeBytes: found.size, modifiedAt: found.mtime }
    : undefined;
}
