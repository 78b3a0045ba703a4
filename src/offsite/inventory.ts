import { text } from "node:stream/consumers";

import {
  catalogue,
  type CatalogueEntry,
  type ListedFile,
} from "../artifact/catalogue.js";
import type { ManifestText } from "../artifact/find-breaks.js";
import { MANIFEST_SUFFIX } from "../artifact/name.js";
import { inParallel } from "../core/in-parallel.js";
import { isLease } from "./lease.js";
import { parseProofKey, type Proof } from "./proof.js";
import { listObjects, type Storage, type StoredObject } from "./storage.js";

/** An object as one of an artifact's files. */
export interface RemoteFile extends ListedFile {
  readonly key: string;
}

/** An artifact in a storage. */
export interface RemoteArtifact extends CatalogueEntry<RemoteFile> {
  /** Its own, also where its object is missing. */
  readonly key: string;
  /** When it was last restored on trial, and was good. */
  readonly provenAt?: Date;
  /** The keys of the objects that say so. */
  readonly proofs: readonly string[];
}

/** All that a storage has, without a look into any of it. */
export interface Inventory {
  /** The oldest first. */
  readonly artifacts: readonly RemoteArtifact[];
  readonly leases: readonly StoredObject[];
  /** All else; nobody removes it. */
  readonly strangers: readonly StoredObject[];
}

/**
 * Lists a storage: a request a page, and none an object.
 *
 * @param project - Artifacts that name another one are strangers.
 */
export async function takeInventory(
  storage: Pick<Storage, "listPage">,
  project: string,
): Promise<Inventory> {
  const folders = new Map<string, RemoteFile[]>();
  const proofs: Proof[] = [];
  const leases: StoredObject[] = [];
  for await (const object of listObjects(storage)) {
    const proof = parseProofKey(object.key);
    if (proof !== undefined) {
      proofs.push(proof);
    } else if (isLease(object)) {
      leases.push(object);
    } else {
      const [folder, name] = splitKey(object.key);
      const files = folders.get(folder) ?? [];
      files.push({ ...object, name });
      folders.set(folder, files);
    }
  }
  const proofsOf = Map.groupBy(proofs, ({ key }) => key);
  const found = [...folders].map(([folder, files]) => {
    const { entries, strangers } = catalogue(files, project);
    const artifacts = entries.map((entry) => {
      const key = `${folder}${entry.name}`;
      return { ...entry, key, ...provenBy(proofsOf.get(key) ?? []) };
    });
    return { artifacts, strangers };
  });
  return {
    artifacts: found
      .flatMap(({ artifacts }) => artifacts)
      .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
    leases,
    strangers: found.flatMap(({ strangers }) => strangers),
  };
}

/** The folder with its slash. */
function splitKey(key: string): readonly [string, string] {
  const end = key.lastIndexOf("/") + 1;
  return [key.slice(0, end), key.slice(end)];
}

function provenBy(
  proofs: readonly Proof[],
): Pick<RemoteArtifact, "provenAt" | "proofs"> {
  const last = proofs
    .map(({ at }) => at)
    .toSorted((a, b) => +a - +b)
    .at(-1);
  return {
    proofs: proofs.map(({ object }) => object),
    ...(last === undefined ? {} : { provenAt: last }),
  };
}

/** More than any manifest has; whatever is larger isn't read into memory. */
const LONGEST_MANIFEST = 16_777_216;
const CONNECTIONS = 16;

/** The manifests of artifacts, a request each; empty where one is too long to be one. */
export async function readManifests(
  storage: Pick<Storage, "get">,
  artifacts: readonly RemoteArtifact[],
): Promise<ManifestText[]> {
  const withManifest = artifacts.filter(({ manifest }) => manifest);
  return await inParallel(withManifest, CONNECTIONS, async (artifact) => {
    const { key, name, manifest } = artifact;
    const isTooLong = (manifest?.sizeBytes ?? 0) > LONGEST_MANIFEST;
    return {
      name,
      text: isTooLong
        ? ""
        : await text(await storage.get(`${key}${MANIFEST_SUFFIX}`)),
    };
  });
}
