import { basename } from "node:path";

import { CHECKSUM_SUFFIX, MANIFEST_SUFFIX } from "../artifact/name.js";
import {
  measureFile,
  requireStored,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { DrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { ensureObject, isThere, type Ensured } from "./ensure-object.js";
import { fileSource } from "./file-source.js";
import type { PutOptions, Source, Storage } from "./storage.js";

export interface UploadOptions extends Omit<PutOptions, "onProgress"> {
  /** Puts a limit on how fast a source is read. */
  readonly slow?: (source: Source) => Source;
  /** Told how far it is: going there, or read here. */
  readonly meter?: Meter;
}

/** `database/takumi_db_20240115_140000.sql.gz.enc` */
export function keyOf(kind: string, name: string): string {
  return `${kind}/${name}`;
}

/**
 * Uploads an artifact, then its checksum, and its manifest last: who finds
 * that knows that the rest was there, and was proven. What is there already
 * isn't sent again, but what is here is still held against its digest.
 *
 * @param artifact - Whose manifest has been checked; its bytes needn't be.
 * @throws {DrError} OFFSITE_EXISTS when another artifact of this name is
 * there, OFFSITE_DAMAGED, ARTIFACT_DAMAGED, and what {@link Storage} throws.
 */
export async function uploadArtifact(
  storage: Storage,
  artifact: CheckedArtifact,
  {
    slow = (source) => source,
    meter = UNWATCHED,
    ...options
  }: UploadOptions = {},
): Promise<Ensured> {
  const { path, manifest } = artifact;
  const key = keyOf(manifest.kind, basename(path));
  const whole = fileSource(path, manifest.stored);
  const checksum = await companion(path, CHECKSUM_SUFFIX);
  const proof = await companion(path, MANIFEST_SUFFIX);
  if (
    (await isThere(storage, `${key}${MANIFEST_SUFFIX}`, proof)) &&
    (await isThereInFull(storage, key, whole))
  ) {
    await requireStored(artifact, meter);
    return "already-there";
  }
  meter.begin(basename(path), manifest.stored.sizeBytes);
  const onProgress = meter.reach;
  await ensureObject(storage, key, slow(whole), { ...options, onProgress });
  await ensureObject(storage, `${key}${CHECKSUM_SUFFIX}`, checksum);
  await ensureObject(storage, `${key}${MANIFEST_SUFFIX}`, proof);
  return "uploaded";
}

async function companion(path: string, suffix: string): Promise<Source> {
  const file = `${path}${suffix}`;
  return fileSource(file, await measureFile(file));
}

/** By its size: the manifest beside it says that it was proven. @throws {DrError} OFFSITE_EXISTS. */
async function isThereInFull(
  storage: Storage,
  key: string,
  { sizeBytes }: Source,
): Promise<boolean> {
  const found = await storage.stat(key);
  if (found !== undefined && found.sizeBytes !== sizeBytes) {
    throw new DrError("OFFSITE_EXISTS", { storage: storage.address, key });
  }
  return found !== undefined;
}
