import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Measure, requireExtent } from "../artifact/measure.js";
import { parseArtifactName, requireArtifactName } from "../artifact/name.js";
import { readArchived } from "../artifact/read-archive.js";
import {
  checkArtifact,
  openArtifact,
  type ArtifactKeys,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { DrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { indexExtentOf } from "./file-contents.js";
import { parseFileIndex, type FileIndex } from "./file-index.js";
import { followChain, type ChainLink } from "../artifact/follow-chain.js";
import { INDEX_PATH, rootPath } from "./roots.js";

/** What shall be restored, from where, and where to. */
export interface RestoreRequest {
  /** Where the artifact lies, with those it builds on. */
  readonly folder: string;
  /** Of kind files or configuration. */
  readonly name: string;
  readonly keys: ArtifactKeys;
  /** The project's folder, absolute. */
  readonly project: string;
  /** What is backed up today: only this is replaced in its own place. */
  readonly configured: readonly string[];
  /** Instead of their own places; absolute. */
  readonly into?: string;
  /** Every artifact is read for it, the newest twice. */
  readonly meter?: Meter;
}

/** A restore with all that can be known before: nothing is written yet. */
export interface PreparedRestore {
  readonly name: string;
  readonly kind: "files" | "configuration";
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** The newest first; a full backup last. */
  readonly chain: readonly ChainLink<CheckedArtifact>[];
  readonly index: FileIndex;
  readonly places: readonly RestorePlace[];
  /** Where it is unpacked first: in the same folder as what it goes to, if that can be. */
  readonly workshop: string;
}

export interface RestorePlace {
  /** As in archives. */
  readonly root: string;
  /** Absolute. */
  readonly to: string;
  /** Whether something is there, which will be put aside. */
  readonly isThere: boolean;
}

/**
 * Checks an artifact and all it builds on, and finds out what goes where.
 *
 * @throws {DrError} BACKUP_KIND_OTHER, BACKUP_CHAIN_BROKEN, RESTORE_PLACE_UNKNOWN,
 * and what `checkArtifact` and `openArtifact` throw.
 */
export async function prepareRestore(
  request: RestoreRequest,
): Promise<PreparedRestore> {
  const { folder, name, keys, project, into, meter } = request;
  const kind = requireKind(requireArtifactName(name));
  const chain = await followChain(
    folder,
    name,
    async (path) => await checkArtifact(path, keys, meter),
  );
  const [newest] = chain as [ChainLink<CheckedArtifact>];
  const index = await readIndex(newest.checked, keys, meter);
  const places = await Promise.all(
    index.roots.map(async (root) => {
      const to = into === undefined ? placeOf(root, request) : join(into, root);
      const isThere = await lstat(to).then(
        () => true,
        () => false,
      );
      return { root, to, isThere };
    }),
  );
  const { createdAt } = newest.checked.manifest;
  const workshop = into ?? project;
  return { name, kind, createdAt, chain, index, places, workshop };
}

/** @throws {DrError} BACKUP_KIND_OTHER. */
function requireKind(name: string): "files" | "configuration" {
  const kind = parseArtifactName(name)?.kind;
  if (kind !== "files" && kind !== "configuration") {
    throw new DrError("BACKUP_KIND_OTHER", {
      name,
      kind: kind ?? "no kind that is known",
    });
  }
  return kind;
}

/** All of the artifact is read for it: it opens, and it is whole. */
async function readIndex(
  checked: CheckedArtifact,
  keys: ArtifactKeys,
  meter: Meter = UNWATCHED,
): Promise<FileIndex> {
  const { artifact } = checked.manifest;
  const expected = indexExtentOf(checked.manifest);
  const archive = await openArtifact(checked, keys, meter);
  const bytes =
    (await readArchived(archive, INDEX_PATH, expected.sizeBytes)) ??
    Buffer.alloc(0);
  const measure = new Measure();
  measure.add(bytes);
  requireExtent(artifact, expected, measure.extent());
  return parseFileIndex(bytes, artifact);
}

/**
 * A backup doesn't say where on this machine to write: the configuration does.
 *
 * @throws {DrError} RESTORE_PLACE_UNKNOWN.
 */
function placeOf(
  root: string,
  { project, configured }: RestoreRequest,
): string {
  const own = configured.find((one) => rootPath(one, project) === root);
  if (own === undefined) {
    throw new DrError("RESTORE_PLACE_UNKNOWN", { root });
  }
  return resolve(project, own);
}
