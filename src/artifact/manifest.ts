import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";

import * as z from "zod";

import { canonicalJson, type Json } from "../core/canonical-json.js";
import { DrError, messageOf } from "../core/errors.js";
import { readSecretFile } from "../core/secret-file.js";
import { COMPRESSIONS } from "./compression.js";
import type { EncryptionRecord } from "./encryption.js";

export const MANIFEST_SCHEMA_VERSION = 1;

/** What proves an artifact: it exists when this does. */
export interface Manifest {
  readonly artifact: string;
  readonly kind: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** `hardhat-dr 1.2.3` */
  readonly tool: string;
  /** Before compression and encryption. */
  readonly plain: Extent;
  /** As the file lies there. */
  readonly stored: Extent;
  readonly compression: (typeof COMPRESSIONS)[number];
  /** Absent when it isn't encrypted. */
  readonly encryption?: EncryptionRecord;
  /** What is inside, by its kind. */
  readonly contents: Json;
  /** Up to when it holds everything: a block, a database's LSN. */
  readonly recoveryPoint: Json;
  /** SHA-256 of the manifest before it of the same kind; absent of the first. */
  readonly previous?: string;
  /** Absent when nobody signed it. */
  readonly signature?: ManifestSignature;
}

export interface Extent {
  readonly sizeBytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

export interface ManifestSignature {
  /** Ed25519, raw, hexadecimal. */
  readonly publicKey: string;
  /** Of the canonical JSON of all the rest, hexadecimal. */
  readonly value: string;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const extent = z.strictObject({
  sizeBytes: z.int().nonnegative(),
  sha256: digest,
});
const fingerprint = z.string().regex(/^[0-9a-f]{16}$/);
const kmsKey = z.string().regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/);
const json = z.json();

const schema = z.strictObject({
  schemaVersion: z.literal(MANIFEST_SCHEMA_VERSION),
  artifact: z.string(),
  kind: z.string(),
  createdAt: z.iso.datetime(),
  tool: z.string(),
  plain: extent,
  stored: extent,
  compression: z.enum(COMPRESSIONS),
  encryption: z
    .discriminatedUnion("format", [
      z.strictObject({
        format: z.literal("aes-256-gcm"),
        key: z.union([fingerprint, kmsKey]),
      }),
      z.strictObject({
        format: z.literal("aes-256-cbc"),
        key: fingerprint,
        hmac: digest,
      }),
      z.strictObject({
        format: z.literal("age"),
        recipients: z.array(z.string()),
      }),
    ])
    .optional(),
  contents: json,
  recoveryPoint: json,
  previous: digest.optional(),
  signature: z
    .strictObject({
      publicKey: digest,
      value: z.string().regex(/^[0-9a-f]{128}$/),
    })
    .optional(),
});

/** The file's text: canonical, so that the same manifest always has the same digest. */
export function encodeManifest(manifest: Manifest): string {
  return `${canonicalJson({
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    ...(manifest as unknown as Readonly<Record<string, Json>>),
  })}\n`;
}

/**
 * @param file - For the errors.
 * @throws {DrError} MANIFEST_INVALID, MANIFEST_TOO_NEW.
 */
export function parseManifest(text: string, file: string): Manifest {
  const raw = parseJson(text, file);
  const { schemaVersion: version } = (raw ?? {}) as { schemaVersion?: unknown };
  if (typeof version === "number" && version > MANIFEST_SCHEMA_VERSION) {
    throw new DrError("MANIFEST_TOO_NEW", { file, version });
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
    throw new DrError("MANIFEST_INVALID", { file, reason });
  }
  const { schemaVersion, ...manifest } = parsed.data;
  if (`${canonicalJson({ schemaVersion, ...manifest } as Json)}\n` !== text) {
    const reason = "it isn't byte for byte what was written";
    throw new DrError("MANIFEST_INVALID", { file, reason });
  }
  return manifest as Manifest;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DrError(
      "MANIFEST_INVALID",
      { file, reason: messageOf(error) },
      { cause: error },
    );
  }
}

/** SHA-256 of the text; what the next manifest of the kind names. */
export function digestManifest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A key that signs manifests: Ed25519, PKCS#8 in PEM, as `openssl genpkey` writes it. */
export async function readSigningKey(file: string): Promise<KeyObject> {
  const what = "the key that signs backups";
  const text = await readSecretFile(file, what);
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === "ed25519") {
      return key;
    }
  } catch {
    // Not its words: they may quote the key.
  }
  const reason = "it is no Ed25519 private key in PEM";
  throw new DrError("KEY_FILE_UNREADABLE", { what, file, reason });
}

export function signManifest(manifest: Manifest, key: KeyObject): Manifest {
  const value = sign(undefined, signedBytes(manifest), key).toString("hex");
  return { ...manifest, signature: { publicKey: publicKeyOf(key), value } };
}

function signedBytes(manifest: Manifest): Buffer {
  const unsigned: Partial<Manifest> = { ...manifest };
  delete (unsigned as { signature?: ManifestSignature }).signature;
  return Buffer.from(encodeManifest(unsigned as Manifest));
}

/** Raw, hexadecimal. */
export function publicKeyOf(key: KeyObject): string {
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  return Buffer.from(x, "base64url").toString("hex");
}

/** Whose word stands behind a manifest. */
export type Provenance =
  | { readonly status: "unsigned" }
  | { readonly status: "signed"; readonly publicKey: string };

/**
 * @param trusted - Public keys; empty: whoever signed it.
 * @throws {DrError} MANIFEST_SIGNATURE_WRONG, MANIFEST_NOT_TRUSTED.
 */
export function checkSignature(
  manifest: Manifest,
  trusted: readonly string[],
): Provenance {
  const { signature, artifact } = manifest;
  if (signature === undefined) {
    if (trusted.length > 0) {
      throw new DrError("MANIFEST_NOT_TRUSTED", { artifact, by: "nobody" });
    }
    return { status: "unsigned" };
  }
  const { publicKey, value } = signature;
  const x = Buffer.from(publicKey, "hex").toString("base64url");
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x },
    format: "jwk",
  });
  if (
    !verify(undefined, signedBytes(manifest), key, Buffer.from(value, "hex"))
  ) {
    throw new DrError("MANIFEST_SIGNATURE_WRONG", { artifact, publicKey });
  }
  if (trusted.length > 0 && !trusted.includes(publicKey)) {
    throw new DrError("MANIFEST_NOT_TRUSTED", { artifact, by: publicKey });
  }
  return { status: "signed", publicKey };
}
