import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { CatalogueEntry } from "../artifact/catalogue.js";
import { listArtifacts } from "../artifact/list-artifacts.js";
import { parseManifest, type Manifest } from "../artifact/manifest.js";
import { MANIFEST_SUFFIX } from "../artifact/name.js";
import { DrError, isDrError } from "../core/errors.js";

export interface SnapshotPlace {
  /** `backups/contracts` */
  readonly folder: string;
  /** The project's; paths are relative to it. */
  readonly root: string;
  readonly project: string;
  readonly network: string;
}

export interface FoundSnapshot {
  readonly path: string;
  /** Newer ones whose manifests can't be read: of which network they are isn't known. */
  readonly unreadable: readonly string[];
}

/**
 * A snapshot by its path, by its name with or without suffixes, or the newest
 * complete one of the network.
 *
 * @throws {DrError} SNAPSHOT_NONE.
 */
export async function findSnapshot(
  place: SnapshotPlace,
  name: string | undefined,
): Promise<FoundSnapshot> {
  const { folder, root } = place;
  if (name === undefined) {
    return await findNewest(place);
  }
  if (/[/\\]/.test(name)) {
    return { path: resolve(root, name), unreadable: [] };
  }
  const full = (await listSnapshots(place)).find((one) =>
    one.name.startsWith(`${name}.`),
  );
  return { path: join(folder, full?.name ?? name), unreadable: [] };
}

async function findNewest(place: SnapshotPlace): Promise<FoundSnapshot> {
  const { folder, network } = place;
  const unreadable: string[] = [];
  for (const { name } of (await listSnapshots(place)).toReversed()) {
    const path = join(folder, name);
    const manifest = await readManifest(`${path}${MANIFEST_SUFFIX}`);
    if (manifest === undefined) {
      unreadable.push(name);
    } else if (isOf(manifest, network)) {
      return { path, unreadable };
    }
  }
  throw new DrError("SNAPSHOT_NONE", { folder, network });
}

/** Those that are complete, the oldest first. */
async function listSnapshots({
  folder,
  project,
}: SnapshotPlace): Promise<readonly CatalogueEntry[]> {
  const { entries } = await listArtifacts(folder, project);
  return entries.filter(
    ({ kind, status }) => kind === "contracts" && status === "complete",
  );
}

async function readManifest(file: string): Promise<Manifest | undefined> {
  try {
    return parseManifest(await readFile(file, "utf8"), file);
  } catch (error) {
    if (isDrError(error)) {
      return undefined;
    }
    throw error;
  }
}

function isOf({ contents }: Manifest, network: string): boolean {
  return (
    typeof contents === "object" &&
    contents !== null &&
    "network" in contents &&
    contents.network === network
  );
}
