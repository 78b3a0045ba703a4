import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { parseManifest, type Manifest } from "../artifact/manifest.js";
import { MANIFEST_SUFFIX } from "../artifact/name.js";
import { DrError, isDrError } from "../core/errors.js";

export interface SnapshotPlace {
  /** `backups/contracts` */
  readonly folder: string;
  /** The project's; paths are relative to it. */
  readonly root: string;
  readonly network: string;
}

export interface FoundSnapshot {
  readonly path: string;
  /** Manifests that can't be read: of a newer one perhaps. */
  readonly unreadable: readonly string[];
}

/**
 * A snapshot by its path, by its name with or without suffixes, or the newest
 * complete one of the network.
 *
 * @throws {DrError} SNAPSHOT_NONE.
 */
export async function findSnapshot(
  { folder, root, network }: SnapshotPlace,
  name: string | undefined,
): Promise<FoundSnapshot> {
  if (name !== undefined && /[/\\]/.test(name)) {
    return { path: resolve(root, name), unreadable: [] };
  }
  const manifests = await readManifests(folder);
  if (name !== undefined) {
    const full = manifests.find(({ artifact }) =>
      artifact.startsWith(`${name}.`),
    );
    const path = join(folder, full?.artifact ?? name);
    return { path, unreadable: [] };
  }
  const newest = manifests
    .filter(({ manifest }) => isOf(manifest, network))
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .at(-1);
  if (newest === undefined) {
    throw new DrError("SNAPSHOT_NONE", { folder, network });
  }
  return {
    path: join(folder, newest.artifact),
    unreadable: manifests
      .filter(({ manifest }) => manifest === undefined)
      .map(({ artifact }) => artifact),
  };
}

interface Listed {
  readonly artifact: string;
  /** Undefined when it can't be read. */
  readonly manifest: Manifest | undefined;
}

async function readManifests(folder: string): Promise<Listed[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return [];
    }
    throw error;
  });
  return await Promise.all(
    names
      .filter((name) => name.endsWith(MANIFEST_SUFFIX))
      .map(async (name) => ({
        artifact: name.slice(0, -MANIFEST_SUFFIX.length),
        manifest: await readManifest(join(folder, name)),
      })),
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

function isOf(manifest: Manifest | undefined, network: string): boolean {
  const { kind, contents } = manifest ?? {};
  return (
    kind === "contracts" &&
    typeof contents === "object" &&
    contents !== null &&
    "network" in contents &&
    contents.network === network
  );
}

function timeOf({ manifest }: Listed): number {
  return Date.parse(manifest?.createdAt ?? "");
}
