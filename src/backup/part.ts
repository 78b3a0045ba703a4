import type { ArtifactKind } from "../artifact/name.js";
import type { WrittenArtifact } from "../artifact/write-artifact.js";

/** What `dr:backup` does: makes backups of each kind, then copies them elsewhere. */
export type PartKind = ArtifactKind | "offsite";

/** A part of `dr:backup`. */
export interface BackupPart {
  readonly kind: PartKind;
  /** Else there is nothing to do. */
  readonly isConfigured: boolean;
  /** What would be made, and changes nothing: sentences without their full stop. */
  readonly plan: () => Promise<readonly string[]>;
  readonly run: () => Promise<PartResult>;
}

export interface PartResult {
  readonly artifacts: readonly MadeArtifact[];
  /** What people should know of it, though it went well: sentences. */
  readonly notices: readonly string[];
}

export interface MadeArtifact {
  readonly name: string;
  readonly path: string;
  /** Before compression and encryption. */
  readonly sizeBytes: number;
  /** As the file lies there. */
  readonly storedBytes: number;
  /** SHA-256 of the file, as `sha256sum` shows it. */
  readonly sha256: string;
}

export function toMade({ path, manifest }: WrittenArtifact): MadeArtifact {
  const { artifact, plain, stored } = manifest;
  return {
    name: artifact,
    path,
    sizeBytes: plain.sizeBytes,
    storedBytes: stored.sizeBytes,
    sha256: stored.sha256,
  };
}
