import { access } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";

import { isAuthentic } from "../artifact/is-authentic.js";
import { openLegacyArtifact } from "../artifact/legacy.js";
import { MANIFEST_SUFFIX } from "../artifact/name.js";
import { originOf } from "../artifact/origin.js";
import {
  checkArtifact,
  measureFile,
  openArtifact,
  requireKey,
  type ArtifactKeys,
} from "../artifact/read-artifact.js";
import type { Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import { parseSettings, type KeptSettings } from "./database-settings.js";
import { parseFingerprint, type Fingerprint } from "./fingerprint.js";

/** What a database is restored from. */
export interface Dump {
  /** The file's. */
  readonly name: string;
  readonly path: string;
  readonly format: "custom" | "plain" | "directory";
  /** Whether somebody who has one of our keys made it. */
  readonly isAuthentic: boolean;
  /** ISO 8601, UTC; absent of an old script's. */
  readonly createdAt?: string;
  /** Its name when it was backed up; absent of an old script's. */
  readonly database?: string;
  /** Absent of an old script's, and of earlier versions'. */
  readonly settings?: KeptSettings;
  /** Uncompressed; absent where nobody has written it down. */
  readonly sizeBytes?: number;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  /** What must come out of it; absent of an old script's. */
  readonly fingerprint?: Fingerprint;
  /** The stream fails unless all of it came through. */
  readonly open: (meter: Meter) => Promise<Readable>;
}

export interface FindDumpOptions {
  readonly keys: ArtifactKeys;
  /** The user takes it though nothing proves who made it. */
  readonly acceptUnauthenticated: boolean;
  readonly meter?: Meter;
}

/**
 * Opens a database's backup: one of this tool's, which is held against its
 * manifest and whose key must be here, or an old script's, which has none.
 *
 * @throws {DrError} those of `checkArtifact`, `requireKey` and
 * `openLegacyArtifact`, MANIFEST_INVALID.
 */
export async function findDump(
  path: string,
  options: FindDumpOptions,
): Promise<Dump> {
  const hasManifest = await access(`${path}${MANIFEST_SUFFIX}`).then(
    () => true,
    () => false,
  );
  if (!hasManifest) {
    return await findLegacyDump(path, options);
  }
  const { keys, meter } = options;
  const checked = await checkArtifact(path, keys, meter);
  await requireKey(checked, keys);
  const { createdAt, plain, stored, contents, artifact } = checked.manifest;
  const format = formatOf(contents, artifact);
  const settings = parseSettings(checked.manifest);
  const fingerprint = parseFingerprint(checked.manifest);
  const database = originOf(contents);
  return {
    name: artifact,
    path,
    format,
    isAuthentic: isAuthentic(checked, keys),
    createdAt,
    ...(database === undefined ? {} : { database }),
    ...(settings === undefined ? {} : { settings }),
    sizeBytes: plain.sizeBytes,
    sha256: stored.sha256,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    open: async (watching) => await openArtifact(checked, keys, watching),
  };
}

function formatOf(contents: Json, artifact: string): Dump["format"] {
  const format = isObject(contents) ? contents.format : undefined;
  if (format === "custom" || format === "plain" || format === "directory") {
    return format;
  }
  const reason = `contents.format is ${JSON.stringify(format ?? null)}, not custom, plain or directory`;
  throw new DrError("MANIFEST_INVALID", { file: artifact, reason });
}

function isObject(json: Json): json is Readonly<Record<string, Json>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

async function findLegacyDump(
  path: string,
  { keys, acceptUnauthenticated, meter }: FindDumpOptions,
): Promise<Dump> {
  const open = async (watching?: Meter) =>
    await openLegacyArtifact(path, keys, {
      acceptUnauthenticated,
      ...(watching === undefined ? {} : { meter: watching }),
    });
  // Whatever is wrong with its beginning is told before anything is made.
  (await open(meter)).destroy();
  const { sha256 } = await measureFile(path);
  return {
    name: basename(path),
    path,
    format: "plain",
    isAuthentic: false,
    sha256,
    open,
  };
}
