import { basename } from "node:path";

import { CHECKSUM_SUFFIX, MANIFEST_SUFFIX } from "../artifact/name.js";
import {
  measureFile,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { ensureObject, type Ensured } from "./ensure-object.js";
import { fileSource } from "./file-source.js";
import type { PutOptions, Source, Storage } from "./storage.js";

/** `database/takumi_db_20240115_140000.sql.gz.enc` */
export function keyOf(kind: string, name: string): string {
  return `${kind}/${name}`;
}

/**
 * Uploads an artifact, then its checksum, and its manifest last: it isn't
 * there before that is. What is there already isn't sent again.
 *
 * @param slow - Puts a limit on how fast a source is read.
 * @throws {DrError} like {@link ensureObject}.
 */
export async function uploadArtifact(
  storage: Storage,
  { path, manifest }: CheckedArtifact,
  options: PutOptions = {},
  slow: (source: Source) => Source = (source) => source,
): Promise<Ensured> {
  const key = keyOf(manifest.kind, basename(path));
  const whole = slow(fileSource(path, manifest.stored));
  const ensured = [await ensureObject(storage, key, whole, options)];
  for (const suffix of [CHECKSUM_SUFFIX, MANIFEST_SUFFIX]) {
    const file = `${path}${suffix}`;
    const source = fileSource(file, await measureFile(file));
    ensured.push(await ensureObject(storage, `${key}${suffix}`, source));
  }
  return ensured.includes("uploaded") ? "uploaded" : "already-there";
}
