import { access, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";

import { DrError } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { readFileStream } from "../core/read-file-stream.js";
import {
  compressionOf,
  decompressing,
  isCompressed,
  type Compression,
} from "./compression.js";
import { readKeys, type EncryptionConfig } from "./encryption.js";
import { demand, Measure, measuring } from "./measure.js";
import {
  CHECKSUM_SUFFIX,
  ENCRYPTED_SUFFIX,
  MANIFEST_SUFFIX,
  requireArtifactName,
} from "./name.js";
import { explainNotOpened } from "./not-opened.js";
import {
  CBC_HEAD_BYTES,
  CbcDecryption,
  isSalted,
  peekCbc,
} from "./openssl-cbc.js";
import { measureFile, orMissing, type ArtifactKeys } from "./read-artifact.js";
import { inStages, through, type Stage } from "./stage.js";

export interface LegacyOptions {
  /** The user takes it as it is: nothing proves it. */
  readonly acceptUnauthenticated: boolean;
  /** Told how much of the file is read: how much is in it nobody knows. */
  readonly meter?: Meter;
}

/**
 * Opens what an old shell script made, and nobody wrote a manifest for: `.sql`,
 * `.sql.gz`, `.tar.gz`, each also `.enc`, as `openssl enc -aes-256-cbc -salt`
 * makes it with `-pbkdf2 -iter 600000`, `-pbkdf2` alone, or `-md sha256`. Every
 * key is tried, those from before a rotation too.
 *
 * Nothing but a `.sha256` beside it shows damage before it is read, and
 * somebody may have changed both. What is decrypted must be compressed: that it
 * begins so, and that the checksum at its end holds, are all there is to tell a
 * wrong key or a broken file by.
 *
 * @returns the bytes that were backed up. The stream fails with
 * ARTIFACT_NOT_OPENED unless all of them came through.
 * @throws {DrError} ARTIFACT_UNAUTHENTICATED unless it is accepted,
 * ARTIFACT_HAS_MANIFEST, ARTIFACT_MISSING, ARTIFACT_NAME_INVALID,
 * ARTIFACT_DAMAGED, ARTIFACT_NOT_OPENED, KEY_NOT_CONFIGURED, and what is
 * wrong with a key's file.
 */
export async function openLegacyArtifact(
  path: string,
  { encryption }: ArtifactKeys,
  { acceptUnauthenticated, meter = UNWATCHED }: LegacyOptions,
): Promise<Readable> {
  const name = requireArtifactName(basename(path));
  await orMissing(path, access(path));
  if (await isThere(`${path}${MANIFEST_SUFFIX}`)) {
    throw new DrError("ARTIFACT_HAS_MANIFEST", { name });
  }
  if (!acceptUnauthenticated) {
    throw new DrError("ARTIFACT_UNAUTHENTICATED", { name });
  }
  const { size: sizeBytes } = await stat(path);
  meter.begin(`checking ${name}`, sizeBytes);
  await requireChecksum(path, name, meter);
  const head = await readHead(path);
  const isEncrypted = isSalted(head) || name.endsWith(ENCRYPTED_SUFFIX);
  const { compression, stages } = isEncrypted
    ? await findDecryption(head, name, encryption)
    : { compression: findCompression(head, name), stages: [] };
  meter.begin(`opening ${name}`, sizeBytes);
  const stream = await inStages(readFileStream(path), [
    measuring(new Measure(), meter.reach),
    ...stages,
    ...(compression === undefined ? [] : [decompressing(compression)]),
  ]);
  return readable(stream, name);
}

/** Who only opens it, and never reads, isn't struck by what is wrong further on. */
function readable(stream: Readable, name: string): Readable {
  const plain = Readable.from(explained(stream, name), { objectMode: false });
  stream.on("error", () => undefined);
  plain.once("close", () => stream.destroy());
  return plain;
}

async function* explained(
  stream: Readable,
  name: string,
): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw explainNotOpened(name, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** As `sha256sum` writes it, whatever path it names. */
async function requireChecksum(
  path: string,
  name: string,
  { reach }: Meter,
): Promise<void> {
  const text = await readIfThere(`${path}${CHECKSUM_SUFFIX}`);
  if (text === undefined) {
    return;
  }
  const [, expected = "none that can be read"] =
    /^\\?([0-9a-f]{64})\b/i.exec(text) ?? [];
  const { sha256 } = await measureFile(path, reach);
  demand(name, "SHA-256", expected.toLowerCase(), sha256);
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(CBC_HEAD_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CBC_HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @returns undefined when it isn't compressed, as its name says. */
function findCompression(head: Buffer, name: string): Compression | undefined {
  const compression = compressionOf(head);
  if (head.length === 0) {
    throw notOpened(name, "it is empty");
  }
  if (compression === undefined && /\.(gz|zst)$/.test(name)) {
    throw notOpened(name, "it isn't compressed, though its name says so");
  }
  return compression;
}

async function findDecryption(
  head: Buffer,
  name: string,
  encryption: EncryptionConfig | undefined,
): Promise<{
  readonly compression: Compression | undefined;
  readonly stages: readonly Stage[];
}> {
  if (!isSalted(head)) {
    throw notOpened(name, "it isn't what `openssl enc -salt` writes");
  }
  if (head.length < CBC_HEAD_BYTES) {
    throw notOpened(name, "it is cut off");
  }
  const keys = encryption === undefined ? [] : await readKeys(encryption);
  if (keys.length === 0) {
    throw new DrError("KEY_NOT_CONFIGURED", { name });
  }
  for (const { passphrase } of keys) {
    const block = peekCbc(head, passphrase, isCompressed);
    if (block !== undefined) {
      const decryption = new CbcDecryption(name, passphrase, isCompressed);
      return {
        compression: compressionOf(block),
        stages: [through(decryption)],
      };
    }
  }
  const files = keys.map(({ file }) => file).join(", ");
  const reason = `no key opens it (tried: ${files}; an old one goes into dr.encryption.oldKeyFiles), or what is in it isn't compressed`;
  throw notOpened(name, reason);
}

function notOpened(name: string, reason: string): DrError {
  return new DrError("ARTIFACT_NOT_OPENED", { name, reason });
}
