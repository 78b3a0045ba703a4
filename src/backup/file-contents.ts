import * as z from "zod";

import type { ArtifactBase } from "../artifact/base.js";
import type { Extent, Manifest } from "../artifact/manifest.js";
import { DrError } from "../core/errors.js";
import { sizeOfFiles } from "./file-index.js";
import type { PackResult } from "./pack-roots.js";

/**
 * What the manifest of a files or configuration backup says of it: numbers, and
 * what was configured. Names of files are in the encrypted index alone.
 */
export interface FileContents {
  readonly roots: readonly string[];
  /** Of everything that was there, whichever artifacts hold it. */
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly sizeBytes: number;
  /** Of what this artifact holds. */
  readonly packed: { readonly files: number; readonly sizeBytes: number };
  /** How much the base had that wasn't there any more. */
  readonly removed: number;
  /** How much was there and isn't backed up. */
  readonly leftOut: number;
  /** How many files changed while they were read. */
  readonly changing: number;
  readonly index: Extent;
  /** Absent of a full backup. */
  readonly base?: ArtifactBase;
}

export function summarise(
  { index, packed, removed, changing }: PackResult,
  indexExtent: Extent,
  base: ArtifactBase | undefined,
): FileContents {
  const count = (type: string) =>
    index.entries.filter((entry) => entry.type === type).length;
  return {
    roots: index.roots,
    files: count("file"),
    directories: count("directory"),
    links: count("link"),
    sizeBytes: sizeOfFiles(index.entries),
    packed,
    removed,
    leftOut: index.leftOut.length,
    changing: changing.length,
    index: indexExtent,
    ...(base === undefined ? {} : { base }),
  };
}

const schema = z.object({
  index: z.object({ sizeBytes: z.int().nonnegative(), sha256: z.string() }),
});

/** Of the index inside. @throws {DrError} ARTIFACT_NOT_OPENED. */
export function indexExtentOf({ artifact, contents }: Manifest): Extent {
  const parsed = schema.safeParse(contents);
  if (!parsed.success) {
    const reason = "its manifest tells of no index";
    throw new DrError("ARTIFACT_NOT_OPENED", { name: artifact, reason });
  }
  return parsed.data.index;
}
