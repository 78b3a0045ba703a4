import type { ArtifactKind } from "../artifact/name.js";
import { DrError } from "../core/errors.js";
import type { Inventory, RemoteArtifact } from "./inventory.js";

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
  const { kind, name, before } = wanted;
  const found = artifacts.findLast((artifact) =>
    name === undefined
      ? artifact.kind === kind &&
        artifact.status === "complete" &&
        (before === undefined || artifact.createdAt < before)
      : artifact.kind === kind &&
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

function describe({ kind, name, before }: WantedBackup): string {
  const when = before === undefined ? "" : ` before ${before.toISOString()}`;
  return name === undefined
    ? `complete backup of ${kind}${when}`
    : `${kind} backup ${name}`;
}
