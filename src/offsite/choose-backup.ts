import { parseManifest } from "../artifact/manifest.js";
import type { ArtifactKind } from "../artifact/name.js";
import { originOf } from "../artifact/origin.js";
import { DrError } from "../core/errors.js";
import {
  readManifests,
  type Inventory,
  type RemoteArtifact,
} from "./inventory.js";
import type { Storage } from "./storage.js";

/** Which backup somebody wants. */
export interface WantedBackup {
  readonly kind: ArtifactKind;
  /** Absent: the newest that is complete. */
  readonly name?: string;
  /** Only one that was begun before then. */
  readonly before?: Date;
}

/**
 * @param address - The storage's, for the errors.
 * @throws {DrError} OFFSITE_MISSING.
 */
export function chooseBackup(
  { artifacts }: Pick<Inventory, "artifacts">,
  wanted: WantedBackup,
  address: string,
): RemoteArtifact {
  const { kind, name } = wanted;
  const found =
    name === undefined
      ? artifacts.findLast((artifact) => isWanted(artifact, wanted))
      : artifacts.findLast(
          (artifact) =>
            artifact.kind === kind &&
            artifact.name === name &&
            artifact.artifact !== undefined,
        );
  if (found === undefined) {
    throw new DrError("OFFSITE_MISSING", {
      storage: address,
      key: describe(wanted),
    });
  }
  return found;
}

function isWanted(
  artifact: RemoteArtifact,
  { kind, before }: WantedBackup,
): boolean {
  return (
    artifact.kind === kind &&
    artifact.status === "complete" &&
    (before === undefined || artifact.createdAt < before)
  );
}

/**
 * Chooses the newest backup of a database; one that doesn't say which it is of
 * counts. Manifests are read until one fits.
 *
 * @throws {DrError} OFFSITE_MISSING, DATABASE_BACKUP_OF_OTHER, MANIFEST_INVALID,
 * MANIFEST_TOO_NEW.
 */
export async function chooseBackupOf(
  database: string,
  storage: Pick<Storage, "get" | "address">,
  inventory: Pick<Inventory, "artifacts">,
  wanted: Omit<WantedBackup, "name">,
): Promise<RemoteArtifact> {
  const { address } = storage;
  const { name } = chooseBackup(inventory, wanted, address);
  const origins: string[] = [];
  for (const artifact of inventory.artifacts.toReversed()) {
    if (isWanted(artifact, wanted)) {
      const origin = await readOrigin(storage, artifact);
      if (origin === undefined || origin === database) {
        return artifact;
      }
      origins.push(origin);
    }
  }
  const { before } = wanted;
  throw new DrError("DATABASE_BACKUP_OF_OTHER", {
    database,
    folder: address,
    when: before === undefined ? "" : ` from before ${before.toISOString()}`,
    name,
    other: origins[0] ?? "",
  });
}

async function readOrigin(
  storage: Pick<Storage, "get">,
  artifact: RemoteArtifact,
): Promise<string | undefined> {
  const [manifest] = await readManifests(storage, [artifact]);
  return manifest === undefined
    ? undefined
    : originOf(parseManifest(manifest.text, manifest.name).contents);
}

function describe({ kind, name, before }: WantedBackup): string {
  const when = before === undefined ? "" : ` before ${before.toISOString()}`;
  return name === undefined
    ? `complete backup of ${kind}${when}`
    : `${kind} backup ${name}`;
}
