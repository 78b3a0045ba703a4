import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { followChain } from "../artifact/follow-chain.js";
import { demand } from "../artifact/measure.js";
import {
  checkArtifact,
  readManifest,
  requireKey,
  type ArtifactKeys,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { DrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { writing } from "../core/writing.js";
import { downloadObject, type DownloadOptions } from "./download-object.js";
import type { Inventory, RemoteArtifact, RemoteFile } from "./inventory.js";
import type { Storage } from "./storage.js";

export interface DownloadArtifactOptions extends Omit<
  DownloadOptions,
  "onProgress"
> {
  /** Whose signatures count; empty: anybody's. */
  readonly trusted: readonly string[];
  /** One of them must open a backup, or nothing of it is downloaded. Absent: nobody looks. */
  readonly keys?: ArtifactKeys;
  /** Told what comes now, and is checked then. */
  readonly meter?: Meter;
}

/**
 * Downloads a backup and all that it builds on into a private folder, and
 * proves each by its digest and its signature. What an old script made, without
 * a manifest, is brought as it is.
 *
 * @throws {DrError} OFFSITE_MISSING, DISK_TOO_SMALL, NOT_WRITABLE, and those of
 * `checkArtifact`, `requireKey` and `followChain`.
 */
export async function downloadBackup(
  storage: Storage,
  { artifacts }: Pick<Inventory, "artifacts">,
  backup: RemoteArtifact,
  folder: string,
  options: DownloadArtifactOptions,
): Promise<void> {
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  });
  if (backup.manifest === undefined) {
    await downloadFiles(storage, backup, folder, options);
    return;
  }
  const prefix = backup.key.slice(0, -backup.name.length);
  await followChain(folder, backup.name, async (path) => {
    const name = path.slice(join(folder, "/").length);
    const found = artifacts.find(({ key }) => key === `${prefix}${name}`);
    if (found === undefined) {
      const key = `${prefix}${name}`;
      throw new DrError("OFFSITE_MISSING", { storage: storage.address, key });
    }
    return await downloadProven(storage, found, path, options);
  });
}

/** The manifest first: what it doesn't fit isn't downloaded at all. */
async function downloadProven(
  storage: Storage,
  { artifact, checksum, manifest, name }: RemoteArtifact,
  path: string,
  options: DownloadArtifactOptions,
): Promise<CheckedArtifact> {
  const { address } = storage;
  if (artifact === undefined || manifest === undefined) {
    throw new DrError("OFFSITE_MISSING", { storage: address, key: name });
  }
  const folder = path.slice(0, -name.length);
  await downloadFile(storage, manifest, folder);
  const read = await readManifest(path);
  if (options.keys !== undefined) {
    await requireKey({ manifest: read }, options.keys);
  }
  const { sizeBytes } = read.stored;
  demand(name, "size", String(sizeBytes), String(artifact.sizeBytes));
  if (checksum !== undefined) {
    await downloadFile(storage, checksum, folder);
  }
  await downloadWatched(storage, artifact, folder, options);
  return await checkArtifact(path, options, options.meter);
}

async function downloadFiles(
  storage: Storage,
  { artifact, checksum }: RemoteArtifact,
  folder: string,
  options: DownloadArtifactOptions,
): Promise<void> {
  if (checksum !== undefined) {
    await downloadFile(storage, checksum, folder);
  }
  if (artifact !== undefined) {
    await downloadWatched(storage, artifact, folder, options);
  }
}

async function downloadWatched(
  storage: Storage,
  file: RemoteFile,
  folder: string,
  { meter = UNWATCHED, ...options }: DownloadArtifactOptions,
): Promise<void> {
  meter.begin(file.name, file.sizeBytes);
  const onProgress = meter.reach;
  await downloadFile(storage, file, folder, { ...options, onProgress });
}

async function downloadFile(
  storage: Storage,
  file: RemoteFile,
  folder: string,
  options: DownloadOptions = {},
): Promise<void> {
  await downloadObject(storage, file, join(folder, file.name), options);
}
