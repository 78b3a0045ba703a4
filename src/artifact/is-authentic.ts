import type { ArtifactKeys, CheckedArtifact } from "./read-artifact.js";

/**
 * Whether an artifact that opens was made by somebody who has one of our keys:
 * only they could have encrypted it; to age's recipients anybody can.
 */
export function isAuthentic(
  { manifest, provenance }: CheckedArtifact,
  { trusted }: Pick<ArtifactKeys, "trusted">,
): boolean {
  const isSigned = provenance.status === "signed" && trusted.length > 0;
  const format = manifest.encryption?.format;
  return isSigned || (format !== undefined && format !== "age");
}
