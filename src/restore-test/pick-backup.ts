import { createHash } from "node:crypto";

import type { ArtifactKind } from "../artifact/name.js";
import { chooseBackup } from "../offsite/choose-backup.js";
import type { Inventory, RemoteArtifact } from "../offsite/inventory.js";

export interface WantedPick {
  readonly kind: ArtifactKind;
  /** Draws one of all complete backups, the same whenever they are the same; absent: the newest. */
  readonly seed?: string;
  /** The target's, so that each draws for itself. */
  readonly target: string;
  /** The storage's, for the errors. */
  readonly address: string;
}

/** @throws {DrError} OFFSITE_MISSING. */
export function pickBackup(
  inventory: Pick<Inventory, "artifacts">,
  { kind, seed, target, address }: WantedPick,
): RemoteArtifact {
  const complete = inventory.artifacts.filter(
    (one) => one.kind === kind && one.status === "complete",
  );
  const drawn =
    seed === undefined
      ? undefined
      : complete[draw(`${seed} ${target} ${kind}`, complete.length)];
  return drawn ?? chooseBackup(inventory, { kind }, address);
}

/** From 0 up to, and without, a count; evenly, as far as a hash goes. */
function draw(seed: string, count: number): number {
  const hash = createHash("sha256").update(seed).digest("hex");
  return count === 0 ? 0 : Number(BigInt(`0x${hash}`) % BigInt(count));
}

/**
 * Backups of a kind that are newer than one but were never finished, or lost
 * their manifests: the newest good one isn't the newest.
 */
export function unprovableSince(
  { artifacts }: Pick<Inventory, "artifacts">,
  { kind, createdAt }: RemoteArtifact,
): readonly string[] {
  return artifacts
    .filter(
      (one) =>
        one.kind === kind &&
        one.status !== "complete" &&
        one.createdAt > createdAt,
    )
    .map(({ name }) => name);
}
