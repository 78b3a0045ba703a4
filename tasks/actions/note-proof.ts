import { dirname } from "node:path";

import type { ArtifactKind } from "../../src/artifact/name.js";
import { placeFolder } from "../../src/backup/folder.js";
import { recordLocalProof } from "../../src/backup/proof.js";
import type { DrConfig } from "../../src/config/types.js";
import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { isDrError } from "../../src/core/errors.js";
import type { Output } from "./output.js";

export interface ProvenArtifact {
  readonly kind: ArtifactKind;
  readonly path: string;
  /** What was done with it. */
  readonly how: Readonly<Record<string, Json>>;
}

/**
 * Notes beside a backup of this machine that it was restored and was good;
 * nothing is noted of one that lies elsewhere. What was done stands without it.
 */
export async function noteProof(
  config: DrConfig,
  { kind, path, how }: ProvenArtifact,
  output: Output,
): Promise<void> {
  if (dirname(path) !== placeFolder(config, kind)) {
    return;
  }
  try {
    await recordLocalProof(path, systemClock.now(), how);
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    output.progress(`That it was good isn't noted there: ${error.message}`);
  }
}
