import { readBackupKey } from "../artifact/backup-key.js";
import { readSigningKey } from "../artifact/manifest.js";
import type { ArtifactKind } from "../artifact/name.js";
import type { ArtifactKeys } from "../artifact/read-artifact.js";
import type { ArtifactPlace } from "../artifact/write-artifact.js";
import type { DrConfig } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import { placeFolder } from "./folder.js";

/**
 * Where backups of a kind go, and how they are made. Keys are read here, so
 * that one which can't be used is noticed before there is anything to write.
 *
 * @param tool - `hardhat-dr 1.2.3`
 * @throws {DrError} ENCRYPTION_NOT_CONFIGURED, KEY_FILE_UNREADABLE,
 * KEY_FILE_EXPOSED, KEY_FILE_FOREIGN.
 */
export async function openPlace(
  config: DrConfig,
  kind: ArtifactKind,
  clock: Clock,
  tool: string,
): Promise<ArtifactPlace> {
  const { project, backup, encryption, signing } = config;
  const [signingKey] = await Promise.all([
    signing.keyFile === undefined ? undefined : readSigningKey(signing.keyFile),
    requireKey(encryption),
  ]);
  return {
    folder: placeFolder(config, kind),
    project,
    clock,
    tool,
    compression: backup.compression,
    ...(encryption === undefined ? {} : { encryption }),
    ...(signingKey === undefined ? {} : { signingKey }),
  };
}

async function requireKey(encryption: DrConfig["encryption"]): Promise<void> {
  if (encryption !== undefined) {
    await requireEncryption(encryption);
  }
}

/**
 * That what leaves this machine can be encrypted: the key is there, and nobody
 * else reads it.
 *
 * @throws {DrError} ENCRYPTION_NOT_CONFIGURED, KEY_FILE_UNREADABLE,
 * KEY_FILE_EXPOSED, KEY_FILE_FOREIGN.
 */
export async function requireEncryption(
  encryption: DrConfig["encryption"],
): Promise<void> {
  const { format, keyFile, kmsKey, recipients = [] } = encryption ?? {};
  if (format === "age" ? recipients.length > 0 : kmsKey !== undefined) {
    return;
  }
  if (format === "age" || keyFile === undefined) {
    throw new DrError("ENCRYPTION_NOT_CONFIGURED", {});
  }
  await readBackupKey(keyFile);
}

/** What opens backups of any kind. */
export function artifactKeys({ encryption, signing }: DrConfig): ArtifactKeys {
  return {
    ...(encryption === undefined ? {} : { encryption }),
    trusted: signing.trusted,
  };
}
