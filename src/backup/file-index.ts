import * as z from "zod";

import type { Owner } from "../artifact/archive.js";
import { isInside } from "../artifact/inside.js";
import { DrError, messageOf } from "../core/errors.js";

const INDEX_SCHEMA_VERSION = 1;

/**
 * Something that was there when a backup was made. Its path is as in the
 * archives: a root's, and the way from there.
 */
export type IndexEntry = FileEntry | DirectoryEntry | LinkEntry;

export interface FileEntry {
  readonly type: "file";
  readonly path: string;
  /** Permissions, e.g. 0o644. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** ISO 8601, UTC. */
  readonly modifiedAt: string;
  readonly owner?: Owner;
  readonly sha256: string;
  /** What the system knows of it and can't be told: any change of the file changes it. */
  readonly stamp: string;
  /** The artifact that holds it; absent: this index's own. */
  readonly artifact?: string;
}

export interface DirectoryEntry {
  readonly type: "directory";
  readonly path: string;
  readonly mode: number;
  readonly owner?: Owner;
}

export interface LinkEntry {
  readonly type: "link";
  readonly path: string;
  readonly target: string;
  readonly owner?: Owner;
}

/** What was there and isn't backed up, and why. */
export interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

/** All that a backup of files stands for, whichever artifacts hold it. */
export interface FileIndex {
  /** ISO 8601, UTC: when the backup began to look. */
  readonly startedAt: string;
  /** In this order; none lies in another. */
  readonly roots: readonly string[];
  readonly entries: readonly IndexEntry[];
  readonly leftOut: readonly LeftOut[];
}

/** Of all files, whichever artifacts hold them. */
export function sizeOfFiles(entries: readonly IndexEntry[]): number {
  return entries.reduce(
    (sum, entry) => sum + (entry.type === "file" ? entry.sizeBytes : 0),
    0,
  );
}

const path = z.string().refine((text) => isInside(text), "leads out");
const mode = z.int().min(0).max(0o7777);
const number = z.int().nonnegative();
/** Backups from before it was written down have none. */
const owner = z.strictObject({ uid: number, gid: number }).optional();
const entry = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("file"),
    path,
    mode,
    sizeBytes: number,
    modifiedAt: z.string(),
    owner,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    stamp: z.string(),
    artifact: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("directory"), path, mode, owner }),
  z.strictObject({ type: z.literal("link"), path, target: z.string(), owner }),
]);

const schema = z.strictObject({
  schemaVersion: z.literal(INDEX_SCHEMA_VERSION),
  startedAt: z.iso.datetime(),
  roots: z.array(path),
  entries: z.array(entry),
  leftOut: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
});

/** An entry a line. */
export function encodeFileIndex({
  startedAt,
  roots,
  entries,
  leftOut,
}: FileIndex): Buffer {
  const lines = entries.map((one) => JSON.stringify(one)).join(",\n");
  const head = JSON.stringify({
    schemaVersion: INDEX_SCHEMA_VERSION,
    startedAt,
    roots,
    leftOut,
  });
  return Buffer.from(`${head.slice(0, -1)},"entries":[\n${lines}\n]}\n`);
}

/**
 * @param name - The artifact's, for the error.
 * @throws {DrError} ARTIFACT_NOT_OPENED.
 */
export function parseFileIndex(bytes: Buffer, name: string): FileIndex {
  try {
    const { startedAt, roots, entries, leftOut } = schema.parse(
      JSON.parse(bytes.toString()),
    );
    return { startedAt, roots, entries: entries as IndexEntry[], leftOut };
  } catch (error) {
    const reason = `its index can't be read: ${messageOf(error)}`;
    throw new DrError(
      "ARTIFACT_NOT_OPENED",
      { name, reason },
      { cause: error },
    );
  }
}
