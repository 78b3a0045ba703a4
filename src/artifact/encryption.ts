import type { Readable } from "node:stream";

import { DrError } from "../core/errors.js";
import {
  decryptWithIdentities,
  encryptToRecipients,
  readRecipients,
} from "./age.js";
import { readBackupKey, type BackupKey } from "./backup-key.js";
import { isCompressed } from "./compression.js";
import {
  decryptMessage,
  encryptMessage,
  nameOfKey,
  type Binding,
  type WrappingKey,
} from "./encryption-sdk.js";
import {
  authenticateCbc,
  CbcDecryption,
  CbcEncryption,
} from "./openssl-cbc.js";
import { explainNotOpened } from "./not-opened.js";
import { through, type Stage } from "./stage.js";

export const ENCRYPTION_FORMATS = [
  "aes-256-gcm",
  "aes-256-cbc",
  "age",
] as const;

export type EncryptionFormat = (typeof ENCRYPTION_FORMATS)[number];

/** The configuration's `dr.encryption`; paths are absolute. */
export interface EncryptionConfig {
  readonly format: EncryptionFormat;
  /** Encrypts, and decrypts. */
  readonly keyFile?: string;
  /** The ARN of a KMS key, which then encrypts instead of the file's; for aes-256-gcm. */
  readonly kmsKey?: string;
  /** Decrypt what was encrypted before a rotation. */
  readonly oldKeyFiles: readonly string[];
  /** Of age: public keys. */
  readonly recipients: readonly string[];
  /** Of age: private keys. */
  readonly identityFile?: string;
}

/** How an artifact is encrypted, as its manifest says. */
export type EncryptionRecord =
  | {
      readonly format: "aes-256-gcm";
      /** A key file's fingerprint, or a KMS key's ARN. */
      readonly key: string;
    }
  | {
      readonly format: "aes-256-cbc";
      readonly key: string;
      /** HMAC-SHA256 of the whole file. */
      readonly hmac: string;
    }
  | { readonly format: "age"; readonly recipients: readonly string[] };

export interface Encrypting {
  readonly stage: Stage;
  /** Once the stage's output has ended. */
  readonly record: () => EncryptionRecord;
}

/**
 * @throws {DrError} ENCRYPTION_NOT_CONFIGURED, AGE_RECIPIENT_INVALID, KMS_DENIED,
 * KMS_UNREACHABLE, OFFSITE_PACKAGE_MISSING, and whatever is wrong with the key.
 */
export async function encrypting(
  config: EncryptionConfig,
  binding: Binding,
): Promise<Encrypting> {
  switch (config.format) {
    case "aes-256-gcm": {
      const key = await requireWrappingKey(config);
      return {
        stage: await encryptMessage(key, binding),
        record: () => ({ format: "aes-256-gcm", key: nameOfKey(key) }),
      };
    }
    case "aes-256-cbc": {
      const { passphrase, fingerprint } = await requireKey(config);
      const stream = new CbcEncryption(passphrase);
      return {
        stage: through(stream),
        record: () => ({
          format: "aes-256-cbc",
          key: fingerprint,
          hmac: stream.hmac(),
        }),
      };
    }
    case "age": {
      const { recipients } = config;
      return {
        stage: await encryptToRecipients(recipients),
        record: () => ({ format: "age", recipients }),
      };
    }
  }
}

/** A KMS key's before a file's: that may still be there for what it opens. */
async function requireWrappingKey(
  config: EncryptionConfig,
): Promise<WrappingKey> {
  return config.kmsKey === undefined
    ? await requireKey(config)
    : { arn: config.kmsKey };
}

async function requireKey({ keyFile }: EncryptionConfig): Promise<BackupKey> {
  if (keyFile === undefined) {
    throw new DrError("ENCRYPTION_NOT_CONFIGURED", {});
  }
  return await readBackupKey(keyFile);
}

/** Those of all key files, the newest first. @throws {DrError} whatever is wrong with one. */
export async function readKeys(
  config: EncryptionConfig,
): Promise<readonly BackupKey[]> {
  return await Promise.all(keyFilesOf(config).map(readBackupKey));
}

function keyFilesOf({ keyFile, oldKeyFiles }: EncryptionConfig): string[] {
  return [...(keyFile === undefined ? [] : [keyFile]), ...oldKeyFiles];
}

/**
 * Whether what is encrypted now opens with what opens an artifact of then.
 *
 * @throws {DrError} like {@link encrypting}.
 */
export async function opensAlike(
  config: EncryptionConfig | undefined,
  record: EncryptionRecord | undefined,
): Promise<boolean> {
  if (config === undefined || record === undefined) {
    return config === record;
  }
  if (record.format === "age") {
    return (
      config.format === "age" && isSameSet(config.recipients, record.recipients)
    );
  }
  switch (config.format) {
    case "aes-256-gcm":
      return nameOfKey(await requireWrappingKey(config)) === record.key;
    case "aes-256-cbc":
      return (await requireKey(config)).fingerprint === record.key;
    case "age":
      return false;
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return (
    new Set(a).size === new Set([...a, ...b]).size &&
    new Set(b).size === new Set(a).size
  );
}

/**
 * Decrypts an artifact; nothing comes out that isn't authentic. The stream may
 * fail in a library's own words.
 *
 * @param open - Reads the encrypted file anew, from its start.
 * @throws {DrError} those of {@link requireOpener}, ARTIFACT_NOT_OPENED.
 */
export async function decrypting(
  config: EncryptionConfig,
  record: EncryptionRecord,
  binding: Binding,
  open: () => Readable,
): Promise<Readable> {
  const { artifact } = binding;
  switch (record.format) {
    case "aes-256-gcm": {
      const key = await findWrappingKey(config, artifact, record.key);
      return await opened(artifact, open, await decryptMessage(key, binding));
    }
    case "aes-256-cbc": {
      const { passphrase } = await findKey(config, artifact, record.key);
      await authenticateCbc(artifact, open(), passphrase, record.hmac);
      return await opened(
        artifact,
        open,
        through(new CbcDecryption(artifact, passphrase, isCompressed)),
      );
    }
    case "age": {
      const identityFile = await requireIdentities(config, record, artifact);
      return await opened(
        artifact,
        open,
        await decryptWithIdentities(identityFile),
      );
    }
  }
}

/**
 * Sees whether the key that opens an artifact is here. KMS isn't asked.
 *
 * @throws {DrError} KEY_UNKNOWN, KEY_NOT_CONFIGURED, AGE_IDENTITY_OTHER,
 * KMS_KEY_UNKNOWN, and whatever is wrong with a key's file.
 */
export async function requireOpener(
  config: EncryptionConfig,
  record: EncryptionRecord,
  artifact: string,
): Promise<void> {
  switch (record.format) {
    case "aes-256-gcm":
      await findWrappingKey(config, artifact, record.key);
      return;
    case "aes-256-cbc":
      await findKey(config, artifact, record.key);
      return;
    case "age":
      await requireIdentities(config, record, artifact);
  }
}

/** @returns the file with one that opens it. */
async function requireIdentities(
  { identityFile }: EncryptionConfig,
  { recipients }: { readonly recipients: readonly string[] },
  name: string,
): Promise<string> {
  if (identityFile === undefined) {
    throw new DrError("KEY_NOT_CONFIGURED", { name });
  }
  const known = await readRecipients(identityFile);
  if (known.every((one) => !recipients.includes(one))) {
    throw new DrError("AGE_IDENTITY_OTHER", {
      name,
      recipients: recipients.join(", "),
      file: identityFile,
      known: known.join(", "),
    });
  }
  return identityFile;
}

/** Only what is configured: a manifest could name anybody's KMS key. */
async function findWrappingKey(
  config: EncryptionConfig,
  name: string,
  key: string,
): Promise<WrappingKey> {
  if (!key.startsWith("arn:")) {
    return await findKey(config, name, key);
  }
  if (key !== config.kmsKey) {
    throw new DrError("KMS_KEY_UNKNOWN", { name, key });
  }
  return { arn: key };
}

/** Another key's file may be missing, or not fit, where this one's is good. */
async function findKey(
  config: EncryptionConfig,
  name: string,
  fingerprint: string,
): Promise<BackupKey> {
  const read = await Promise.allSettled(keyFilesOf(config).map(readBackupKey));
  const keys = read.flatMap((one) =>
    one.status === "fulfilled" ? [one.value] : [],
  );
  const found = keys.find((key) => key.fingerprint === fingerprint);
  const failed = read.find((one) => one.status === "rejected");
  if (found === undefined && failed !== undefined) {
    throw failed.reason;
  }
  if (found === undefined) {
    const known = keys.map((key) => `${key.fingerprint} (${key.file})`);
    throw new DrError("KEY_UNKNOWN", {
      name,
      fingerprint,
      known: known.join(", ") || "none",
    });
  }
  return found;
}

async function opened(
  name: string,
  open: () => Readable,
  stage: Stage,
): Promise<Readable> {
  try {
    return await stage(open());
  } catch (error) {
    throw explainNotOpened(name, error);
  }
}
