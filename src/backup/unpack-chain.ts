import { lchown, lstat, readlink } from "node:fs/promises";
import { join } from "node:path";

import { ownerOf, type Owner } from "../artifact/archive.js";
import { demand } from "../artifact/measure.js";
import {
  measureFile,
  openArtifact,
  type ArtifactKeys,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { unpackArchive } from "../artifact/unpack.js";
import { walkFolder, type Found } from "../artifact/walk.js";
import type { ChainLink } from "../artifact/follow-chain.js";
import { hasCode } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { writing } from "../core/writing.js";
import { sizeOfFiles, type FileIndex, type IndexEntry } from "./file-index.js";

const PERMISSIONS = 0o777n;

/** A header of tar's: there are no more entries in it than these. */
const ENTRY_BYTES = 512;

export interface UnpackOptions {
  readonly keys: ArtifactKeys;
  /** Aborts between two artifacts, by throwing its reason. */
  readonly signal: AbortSignal;
  readonly meter?: Meter;
}

/**
 * Unpacks into an empty folder what an index stands for, each file from the
 * artifact that holds it: what was deleted before the newest isn't there. Then
 * all of it is held against the index.
 *
 * @param chain - The newest first.
 * @throws {DrError} ARTIFACT_DAMAGED, and what `openArtifact` and
 * `unpackArchive` throw; then the folder holds a part.
 */
export async function unpackChain(
  chain: readonly ChainLink<CheckedArtifact>[],
  index: FileIndex,
  folder: string,
  { keys, signal, meter = UNWATCHED }: UnpackOptions,
): Promise<void> {
  const [newest] = chain;
  // The newest last: it sets the permissions of the folders.
  for (const { name, checked } of chain.toReversed()) {
    signal.throwIfAborted();
    const wanted = pathsIn(index, name === newest?.name ? undefined : name);
    const { sizeBytes } = checked.manifest.plain;
    await unpackArchive(await openArtifact(checked, keys, meter), folder, {
      sizeBytes,
      entries: Math.ceil(sizeBytes / ENTRY_BYTES),
      isWanted: (path) => wanted.has(path),
    });
  }
  signal.throwIfAborted();
  await giveToOwners(folder, index);
  await compare(folder, index, newest?.name ?? "", meter);
}

/**
 * @param artifact - Undefined: the newest, which has all folders and links too.
 */
function pathsIn(
  { entries }: FileIndex,
  artifact: string | undefined,
): ReadonlySet<string> {
  const own = entries.filter((entry) =>
    entry.type === "file"
      ? entry.artifact === artifact
      : artifact === undefined,
  );
  return new Set(own.map(({ path }) => path));
}

/** As tar does: for root alone, as nobody else may give away files. @throws {DrError} NOT_WRITABLE. */
async function giveToOwners(
  folder: string,
  { entries }: FileIndex,
): Promise<void> {
  if (!isRoot()) {
    return;
  }
  for (const { path, owner } of entries) {
    if (owner !== undefined) {
      const at = join(folder, path);
      await writing(at, async () => {
        await lchown(at, owner.uid, owner.gid).catch(ignoreMissing);
      });
    }
  }
}

/** It is told of when all is compared. */
function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "ENOENT")) {
    throw error;
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** @throws {DrError} ARTIFACT_DAMAGED. */
async function compare(
  folder: string,
  index: FileIndex,
  name: string,
  meter: Meter,
): Promise<void> {
  const { roots, entries } = index;
  const missing = new Map(entries.map((entry) => [entry.path, entry]));
  let doneBytes = 0;
  const look = async (found: Found): Promise<void> => {
    await compareOne(name, missing, found, (sizeBytes) => {
      meter.reach(doneBytes + sizeBytes);
    });
    doneBytes += Number(found.stats?.isFile() ? found.stats.size : 0);
  };
  meter.begin("comparing what came out of it", sizeOfFiles(entries));
  for (const root of roots) {
    const at = join(folder, root);
    const stats = await lstat(at, { bigint: true }).catch(() => undefined);
    await look({ path: root, at, stats });
    if (stats?.isDirectory()) {
      for await (const found of walkFolder(at)) {
        await look({ ...found, path: `${root}/${found.path}` });
      }
    }
  }
  const [first] = missing.keys();
  if (first !== undefined) {
    demand(name, first, "there", "missing");
  }
}

async function compareOne(
  name: string,
  missing: Map<string, IndexEntry>,
  { path, at, stats }: Found,
  onProgress: (sizeBytes: number) => void,
): Promise<void> {
  const expected = missing.get(path);
  missing.delete(path);
  const found =
    stats === undefined ? "nothing" : await describe(at, stats, onProgress);
  const owner =
    stats === undefined || expected?.owner === undefined
      ? ""
      : printOwner(ownerOf(stats));
  demand(
    name,
    path,
    expected === undefined
      ? "not there"
      : `${print(expected)}${printOwner(expected.owner)}`,
    `${found}${owner}`,
  );
}

function print(entry: IndexEntry): string {
  switch (entry.type) {
    case "file":
      return `a file (${printMode(BigInt(entry.mode))}) of ${String(entry.sizeBytes)} bytes, ${entry.sha256}`;
    case "directory":
      return `a folder (${printMode(BigInt(entry.mode))})`;
    case "link":
      return `a link to ${entry.target}`;
  }
}

async function describe(
  at: string,
  stats: NonNullable<Found["stats"]>,
  onProgress: (sizeBytes: number) => void,
): Promise<string> {
  const mode = printMode(stats.mode);
  if (stats.isSymbolicLink()) {
    return `a link to ${await readlink(at)}`;
  }
  if (stats.isDirectory()) {
    return `a folder (${mode})`;
  }
  const { sizeBytes, sha256 } = await measureFile(at, onProgress);
  return `a file (${mode}) of ${String(sizeBytes)} bytes, ${sha256}`;
}

function printOwner(owner: Owner | undefined): string {
  return owner === undefined || !isRoot()
    ? ""
    : `, of ${String(owner.uid)}:${String(owner.gid)}`;
}

/** Windows has none of ours. */
function printMode(mode: bigint): string {
  return process.platform === "win32"
    ? "any"
    : (mode & PERMISSIONS).toString(8);
}
