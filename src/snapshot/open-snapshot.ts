import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";

import {
  checkArtifact,
  openArtifact,
  type ArtifactKeys,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { unpackArchive } from "../artifact/unpack.js";
import { DrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { removeTree } from "../core/remove-tree.js";
import { makeTemporaryFolder } from "../core/temporary-folder.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { checkStructure, type SnapshotStep } from "./check-structure.js";
import { SNAPSHOT_FILE, type Snapshot } from "./snapshot.js";
import { parseSnapshot } from "./snapshot-json.js";

/** A snapshot whose every part is what it says it is. */
export interface OpenedSnapshot {
  readonly name: string;
  readonly artifact: CheckedArtifact;
  readonly snapshot: Snapshot;
  readonly deployFile: DeployFile;
  /** Where its files lie while it is open, readable by nobody else. */
  readonly folder: string;
}

/** More files than any project has sources. */
const MOST_ENTRIES = 200_000;

/**
 * Unpacks a snapshot into a folder of its own, and verifies it.
 *
 * @param meter - All of it is read twice.
 * @param onStep - Told what of it is proven.
 * @throws {DrError} SNAPSHOT_INVALID, SNAPSHOT_TOO_NEW, those of
 * `checkArtifact`, `openArtifact` and `unpackArchive`; then nothing is left.
 */
export async function openSnapshot(
  path: string,
  keys: ArtifactKeys,
  meter: Meter = UNWATCHED,
  onStep?: (step: SnapshotStep) => void,
): Promise<OpenedSnapshot> {
  const name = basename(path);
  const artifact = await checkArtifact(path, keys, meter);
  const { kind, plain } = artifact.manifest;
  if (kind !== "contracts") {
    const reason = `it is a backup of ${kind}`;
    throw new DrError("SNAPSHOT_INVALID", { name, reason });
  }
  const folder = await makeTemporaryFolder("snapshot");
  try {
    await unpackArchive(await openArtifact(artifact, keys, meter), folder, {
      sizeBytes: plain.sizeBytes,
      entries: MOST_ENTRIES,
    });
    onStep?.("unpacked");
    const snapshot = parseSnapshot(await readText(folder, name), name);
    const found = { name, artifact, snapshot, folder };
    return { ...found, deployFile: await checkStructure(found, onStep) };
  } catch (error) {
    await removeTree(folder);
    throw error;
  }
}

/** Works with a snapshot; its folder is gone afterwards. */
export async function withSnapshot<T>(
  opening: Promise<OpenedSnapshot>,
  work: (opened: OpenedSnapshot) => Promise<T>,
): Promise<T> {
  const opened = await opening;
  try {
    return await work(opened);
  } finally {
    await removeTree(opened.folder);
  }
}

async function readText(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, SNAPSHOT_FILE), "utf8");
  } catch (error) {
    const reason = `it holds no ${SNAPSHOT_FILE}`;
    throw new DrError("SNAPSHOT_INVALID", { name, reason }, { cause: error });
  }
}
