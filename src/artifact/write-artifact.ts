import type { KeyObject } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { writeAtomically } from "../core/atomic-write.js";
import type { Clock } from "../core/clock.js";
import type { Json } from "../core/canonical-json.js";
import { DrError, isDrError } from "../core/errors.js";
import { temporaryBeside, removeAbandoned } from "../core/temporary-file.js";
import { writing } from "../core/writing.js";
import { compressing, type Compression } from "./compression.js";
import { encrypting, type EncryptionConfig } from "./encryption.js";
import {
  digestManifest,
  encodeManifest,
  parseManifest,
  signManifest,
  type Manifest,
} from "./manifest.js";
import { Measure, measuring } from "./measure.js";
import {
  CHECKSUM_SUFFIX,
  formatArtifactName,
  MANIFEST_SUFFIX,
  type ArtifactKind,
} from "./name.js";
import { gathering, inStages } from "./stage.js";

/** Where artifacts go, and how they are made. */
export interface ArtifactPlace {
  /** `backups/contracts` */
  readonly folder: string;
  readonly project: string;
  readonly clock: Clock;
  /** `hardhat-dr 1.2.3` */
  readonly tool: string;
  readonly compression: Compression;
  /** Absent: not encrypted. */
  readonly encryption?: EncryptionConfig;
  /** Absent: not signed. */
  readonly signingKey?: KeyObject;
  /** Told how many bytes have been read so far, before they are compressed. */
  readonly onProgress?: (sizeBytes: number) => void;
}

/** What is backed up. */
export interface ArtifactInput {
  readonly kind: ArtifactKind;
  readonly stream: Readable;
  /** Rejects when whoever makes the stream ended badly, though the stream ended well. */
  readonly produced?: Promise<unknown>;
  /** Asked once the stream has ended. */
  readonly describe: () => {
    readonly contents: Json;
    readonly recoveryPoint: Json;
  };
}

export interface WrittenArtifact {
  readonly path: string;
  readonly manifest: Manifest;
}

/**
 * Writes a stream as an artifact in one pass: compressed, encrypted, hashed on
 * the way. Its checksum comes after it, and its manifest last.
 *
 * @throws {DrError} ARTIFACT_EXISTS, NOT_WRITABLE, whatever is wrong with the
 * keys, and what the stream fails with; then nothing is left.
 */
export async function writeArtifact(
  place: ArtifactPlace,
  input: ArtifactInput,
): Promise<WrittenArtifact> {
  const { folder, project, clock, compression, encryption } = place;
  const { kind, stream, produced } = input;
  // Either may fail before anybody listens.
  stream.on("error", () => undefined);
  produced?.catch((error: unknown) => {
    stream.destroy(error as Error);
  });
  const at = clock.now();
  const encrypted = encryption !== undefined;
  const name = formatArtifactName({
    project,
    kind,
    at,
    compression,
    encrypted,
  });
  const path = join(folder, name);
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await removeAbandoned(folder);
  });
  if ((await readdir(folder)).includes(name)) {
    throw new DrError("ARTIFACT_EXISTS", { path });
  }
  const temporary = temporaryBeside(path);
  try {
    const streamed = await streamTo(temporary, place, input, name);
    const manifest: Manifest = {
      artifact: name,
      kind,
      createdAt: at.toISOString(),
      tool: place.tool,
      ...streamed,
      compression,
      ...input.describe(),
      ...(await previousOf(folder, kind)),
    };
    const signed = sign(manifest, place.signingKey);
    await publish(temporary, path, signed);
    return { path, manifest: signed };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** What was measured on the way to the disk. */
type Streamed = Pick<Manifest, "plain" | "stored" | "encryption">;

async function streamTo(
  path: string,
  { compression, encryption, onProgress }: ArtifactPlace,
  { kind, stream, produced }: ArtifactInput,
  artifact: string,
): Promise<Streamed> {
  const [plain, stored] = [new Measure(), new Measure()];
  const sealed =
    encryption === undefined
      ? undefined
      : await encrypting(encryption, { artifact, kind });
  const encrypted = await inStages(stream, [
    gathering(),
    measuring(plain, onProgress),
    compressing(compression),
    ...(sealed === undefined ? [] : [sealed.stage]),
    measuring(stored),
  ]);
  // Its bytes are on the disk when it closes.
  const options = { flags: "wx", mode: 0o600, flush: true };
  const written = writing(path, async () => {
    await pipeline(encrypted, createWriteStream(path, options));
  });
  await allOrFirstFailure([written, produced]);
  return {
    plain: plain.extent(),
    stored: stored.extent(),
    ...(sealed === undefined ? {} : { encryption: sealed.record() }),
  };
}

/** The other is waited for: what writes to a full disk breaks whoever makes the stream. */
async function allOrFirstFailure(
  ends: readonly (Promise<unknown> | undefined)[],
): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(
    ends.map(
      async (end) =>
        await end?.catch((error: unknown) => {
          failures.push(error);
        }),
    ),
  );
  if (failures.length > 0) {
    throw failures[0];
  }
}

/**
 * Of the kind's newest manifest: a backup that is taken away leaves a gap. One
 * that another names already isn't the newest, whatever a clock once said.
 */
async function previousOf(
  folder: string,
  kind: string,
): Promise<Pick<Manifest, "previous">> {
  const names = await readdir(folder);
  const read = await Promise.all(
    names
      .filter((name) => name.endsWith(MANIFEST_SUFFIX))
      .map(async (name) => await tryManifest(folder, name)),
  );
  const all = read
    .filter((one) => one !== undefined)
    .filter(({ manifest }) => manifest.kind === kind)
    .map(({ text, manifest }) => ({ digest: digestManifest(text), manifest }));
  const named = new Set(all.map(({ manifest }) => manifest.previous));
  const newest = all
    .filter(({ digest }) => !named.has(digest))
    .toSorted((a, b) => timeOf(a.manifest) - timeOf(b.manifest))
    .at(-1);
  return newest === undefined ? {} : { previous: newest.digest };
}

/** A damaged one keeps nobody from backing up anew; listing shows the gap. */
async function tryManifest(folder: string, name: string) {
  const text = await readFile(join(folder, name), "utf8");
  try {
    return { text, manifest: parseManifest(text, name) };
  } catch (error) {
    if (isDrError(error)) {
      return undefined;
    }
    throw error;
  }
}

function timeOf({ createdAt }: Manifest): number {
  return Date.parse(createdAt);
}

function sign(manifest: Manifest, key: KeyObject | undefined): Manifest {
  return key === undefined ? manifest : signManifest(manifest, key);
}

async function publish(
  temporary: string,
  path: string,
  manifest: Manifest,
): Promise<void> {
  const { artifact, stored } = manifest;
  await writing(path, async () => {
    await rename(temporary, path);
    await writeAtomically(
      `${path}${CHECKSUM_SUFFIX}`,
      `${stored.sha256}  ${artifact}\n`,
    );
    await writeAtomically(
      `${path}${MANIFEST_SUFFIX}`,
      encodeManifest(manifest),
    );
  });
}
