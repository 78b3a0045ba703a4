import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";

import { DrError, messageOf } from "../core/errors.js";
import { giveBack, handOver } from "../core/hand-over.js";
import { readIfThere } from "../core/if-there.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { readFileStream } from "../core/read-file-stream.js";
import { decompressing } from "./compression.js";
import {
  decrypting,
  requireOpener,
  type EncryptionConfig,
} from "./encryption.js";
import {
  checkSignature,
  parseManifest,
  type Extent,
  type Manifest,
  type Provenance,
} from "./manifest.js";
import { demand, Measure, requireExtent } from "./measure.js";
import {
  CHECKSUM_SUFFIX,
  MANIFEST_SUFFIX,
  requireArtifactName,
} from "./name.js";
import { explainNotOpened } from "./not-opened.js";

/** What it takes to open artifacts. */
export interface ArtifactKeys {
  /** Absent: those that aren't encrypted can be opened. */
  readonly encryption?: EncryptionConfig;
  /** Public keys; empty: whoever signed. */
  readonly trusted: readonly string[];
}

/** An artifact that lies there as its manifest says. */
export interface CheckedArtifact {
  readonly path: string;
  readonly manifest: Manifest;
  readonly provenance: Provenance;
}

/**
 * Holds an artifact and its checksum against its manifest: name, size, digest,
 * signature.
 *
 * @throws {DrError} ARTIFACT_MISSING, ARTIFACT_DAMAGED, MANIFEST_INVALID,
 * MANIFEST_TOO_NEW, MANIFEST_SIGNATURE_WRONG, MANIFEST_NOT_TRUSTED.
 */
export async function checkArtifact(
  path: string,
  keys: Pick<ArtifactKeys, "trusted">,
  meter: Meter = UNWATCHED,
): Promise<CheckedArtifact> {
  const checked = await checkManifest(path, keys);
  await requireStored(checked, meter);
  return checked;
}

/**
 * The same without reading the artifact itself, for who reads it anyway and
 * holds it against its digest then.
 *
 * @throws {DrError} like {@link checkArtifact}.
 */
export async function checkManifest(
  path: string,
  { trusted }: Pick<ArtifactKeys, "trusted">,
): Promise<CheckedArtifact> {
  const name = requireArtifactName(basename(path));
  const manifest = await readManifest(path);
  const provenance = checkSignature(manifest, trusted);
  demand(name, "name", manifest.artifact, name);
  const { size } = await orMissing(path, stat(path));
  demand(name, "size", String(manifest.stored.sizeBytes), String(size));
  await requireChecksum(path, name, manifest.stored.sha256);
  return { path, manifest, provenance };
}

/** Not needed; but where it is there it must say the same. */
async function requireChecksum(
  path: string,
  name: string,
  sha256: string,
): Promise<void> {
  const text = await readIfThere(`${path}${CHECKSUM_SUFFIX}`);
  if (text === undefined) {
    return;
  }
  const [, digest, file = ""] =
    /^([0-9a-f]{64}) [ *]([^\n]+)\n?$/.exec(text) ?? [];
  const found =
    digest === undefined || basename(file) !== name
      ? "none that can be read"
      : digest;
  demand(name, `checksum in ${name}${CHECKSUM_SUFFIX}`, sha256, found);
}

/** @throws {DrError} ARTIFACT_MISSING, ARTIFACT_DAMAGED. */
export async function requireStored(
  { path, manifest: { stored } }: Pick<CheckedArtifact, "path" | "manifest">,
  meter: Meter = UNWATCHED,
): Promise<void> {
  const name = basename(path);
  meter.begin(`checking ${name}`, stored.sizeBytes);
  const found = await orMissing(path, measureFile(path, meter.reach));
  requireExtent(name, stored, found);
}

/**
 * @param path - The artifact's.
 * @throws {DrError} ARTIFACT_MISSING, MANIFEST_INVALID, MANIFEST_TOO_NEW.
 */
export async function readManifest(path: string): Promise<Manifest> {
  const file = `${path}${MANIFEST_SUFFIX}`;
  return parseManifest(await orMissing(path, readFile(file, "utf8")), file);
}

/** @param onProgress - Told how many bytes have been read so far. */
export async function measureFile(
  path: string,
  onProgress?: (sizeBytes: number) => void,
): Promise<Extent> {
  const measure = new Measure();
  for await (const chunk of readFileStream(path) as AsyncIterable<Buffer>) {
    measure.add(chunk);
    giveBack(handOver(chunk));
    onProgress?.(measure.sizeBytes);
  }
  return measure.extent();
}

/** @throws {DrError} ARTIFACT_MISSING with the path, whatever the work fails with. */
export async function orMissing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new DrError(
      "ARTIFACT_MISSING",
      { path, reason: messageOf(error) },
      { cause: error },
    );
  }
}

/**
 * The bytes that were backed up. The stream fails unless all of them came
 * through as they were: nothing of it is good before it ends.
 *
 * @throws {DrError} like {@link checkArtifact} and {@link requireKey},
 * ARTIFACT_NOT_OPENED.
 */
export async function openArtifact(
  { path, manifest }: CheckedArtifact,
  { encryption }: ArtifactKeys,
  meter: Meter = UNWATCHED,
): Promise<Readable> {
  const { artifact, kind, compression } = manifest;
  const read = () => readFileStream(path);
  const compressed =
    manifest.encryption === undefined
      ? read()
      : await decrypting(
          requireConfig(encryption, artifact),
          manifest.encryption,
          { artifact, kind },
          read,
        );
  const plain = await decompressing(compression)(compressed);
  meter.begin(`opening ${artifact}`, manifest.plain.sizeBytes);
  return Readable.from(proven(plain, manifest, meter), { objectMode: false });
}

/**
 * Sees whether an artifact's key is here, before anything else is made of it.
 *
 * @throws {DrError} KEY_NOT_CONFIGURED, and those of `requireOpener`.
 */
export async function requireKey(
  { manifest }: Pick<CheckedArtifact, "manifest">,
  keys: ArtifactKeys,
): Promise<void> {
  const { artifact, encryption } = manifest;
  if (encryption !== undefined) {
    const config = requireConfig(keys.encryption, artifact);
    await requireOpener(config, encryption, artifact);
  }
}

function requireConfig(
  config: EncryptionConfig | undefined,
  name: string,
): EncryptionConfig {
  if (config === undefined) {
    throw new DrError("KEY_NOT_CONFIGURED", { name });
  }
  return config;
}

async function* proven(
  plain: Readable,
  { artifact, plain: expected }: Manifest,
  { reach }: Meter,
): AsyncGenerator<Buffer> {
  const measure = new Measure();
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      measure.add(chunk);
      if (measure.sizeBytes > expected.sizeBytes) {
        // Not a byte more: it may unfold to any size.
        demand(artifact, "size", String(expected.sizeBytes), "larger");
      }
      reach(measure.sizeBytes);
      yield chunk;
    }
  } catch (error) {
    throw explainNotOpened(artifact, error);
  }
  requireExtent(artifact, expected, measure.extent());
}
