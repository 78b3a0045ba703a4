import { join } from "node:path";

import { drain } from "../artifact/drain.js";
import { isAuthentic } from "../artifact/is-authentic.js";
import type { ArtifactKind } from "../artifact/name.js";
import {
  checkManifest,
  openArtifact,
  type ArtifactKeys,
  type CheckedArtifact,
} from "../artifact/read-artifact.js";
import { isDrError, type ErrorCode } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import { downloadBackup } from "../offsite/download-artifact.js";
import type { Inventory, RemoteArtifact } from "../offsite/inventory.js";
import type { Storage } from "../offsite/storage.js";
import type { Recorder } from "./checklist.js";
import { pickBackup, unprovableSince } from "./pick-backup.js";

/** What must hold of every backup before it is restored. */
export const FETCH_CRITERIA = [
  "found",
  "download",
  "digest",
  "authenticity",
  "decryption",
] as const;

export type FetchCriterion = (typeof FETCH_CRITERIA)[number];

/** An opened target. */
export interface TestSource {
  readonly storage: Storage;
  readonly inventory: Inventory;
  /** Its name in the configuration. */
  readonly target: string;
}

export interface FetchOptions {
  readonly keys: ArtifactKeys;
  /** See `pickBackup`. */
  readonly seed?: string;
  readonly signal: AbortSignal;
  readonly meter: Meter;
}

/** Chooses the backup that is put to the test. @throws {DrError} OFFSITE_MISSING. */
export function findBackup(
  { storage, inventory, target }: TestSource,
  kind: ArtifactKind,
  { seed }: Pick<FetchOptions, "seed">,
  checklist: Recorder<FetchCriterion>,
): RemoteArtifact {
  const { address } = storage;
  const backup = pickBackup(inventory, {
    kind,
    target,
    address,
    ...(seed === undefined ? {} : { seed }),
  });
  const unprovable =
    seed === undefined ? unprovableSince(inventory, backup) : [];
  const [first] = unprovable;
  checklist.record(
    "found",
    first === undefined,
    first === undefined
      ? `${backup.name} in ${address}`
      : `${backup.name} in ${address} isn't the newest: ${first} has no manifest, or nothing but that`,
  );
  return backup;
}

/** What is found out about a downloaded backup, though it was being downloaded. */
const SEEN_LATER: Partial<Record<ErrorCode, FetchCriterion>> = {
  ARTIFACT_DAMAGED: "digest",
  MANIFEST_INVALID: "digest",
  MANIFEST_TOO_NEW: "digest",
  MANIFEST_SIGNATURE_WRONG: "authenticity",
  MANIFEST_NOT_TRUSTED: "authenticity",
};

/**
 * Downloads a backup, holds it against its digest, asks who made it, and
 * decrypts all of it once, so that a wrong key is known before anything is made
 * of it. What fails is written into the checklist.
 *
 * @param folder - Private; whoever calls removes it.
 * @returns undefined when it doesn't hold.
 * @throws what isn't the backup's fault: the signal's reason.
 */
export async function fetchBackup(
  source: TestSource,
  backup: RemoteArtifact,
  folder: string,
  options: FetchOptions,
  checklist: Recorder<FetchCriterion>,
): Promise<CheckedArtifact | undefined> {
  const checked = await download(source, backup, folder, options, checklist);
  if (checked === undefined) {
    return undefined;
  }
  const { keys, signal, meter } = options;
  try {
    await drain(await openArtifact(checked, keys, meter), signal);
  } catch (error) {
    signal.throwIfAborted();
    checklist.fail(error, "decryption");
    return undefined;
  }
  checklist.pass("decryption", describeOpening(checked));
  // That a key of ours opens it shows who made it.
  const isProven = isAuthentic(checked, keys);
  checklist.record("authenticity", isProven, describeMaker(checked, keys));
  return isProven ? checked : undefined;
}

async function download(
  { storage, inventory }: TestSource,
  backup: RemoteArtifact,
  folder: string,
  { keys, signal, meter }: FetchOptions,
  checklist: Recorder<FetchCriterion>,
): Promise<CheckedArtifact | undefined> {
  try {
    const { trusted } = keys;
    const options = { trusted, signal, meter };
    await downloadBackup(storage, inventory, backup, folder, options);
    const checked = await checkManifest(join(folder, backup.name), keys);
    const { stored } = checked.manifest;
    checklist.pass("download", `${String(stored.sizeBytes)} bytes`);
    checklist.pass("digest", `SHA-256 ${stored.sha256}`);
    return checked;
  } catch (error) {
    signal.throwIfAborted();
    checklist.fail(
      error,
      (isDrError(error) ? SEEN_LATER[error.code] : undefined) ?? "download",
    );
    return undefined;
  }
}

function describeMaker(checked: CheckedArtifact, keys: ArtifactKeys): string {
  const { provenance } = checked;
  if (provenance.status === "signed" && keys.trusted.length > 0) {
    return `signed by ${provenance.publicKey}, which is trusted`;
  }
  return isAuthentic(checked, keys)
    ? "a key of ours opens it"
    : "anybody may have made it: sign backups, and name the public key in dr.signing.trusted";
}

function describeOpening({
  manifest: { plain, encryption },
}: CheckedArtifact): string {
  const how = encryption?.format ?? "not encrypted";
  return `${how}, ${String(plain.sizeBytes)} bytes, SHA-256 ${plain.sha256}`;
}
