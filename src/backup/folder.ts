import { join } from "node:path";

import type { ArtifactKind } from "../artifact/name.js";
import type { DrConfig } from "../config/types.js";

/** Where backups of a kind lie, absolute. */
export function placeFolder(
  { paths }: Pick<DrConfig, "paths">,
  kind: ArtifactKind,
): string {
  return join(paths.backups, kind);
}

/** Where it is written down what a restore moves, while it does. */
export function swapRecordFile({ paths }: DrConfig): string {
  return join(paths.backups, ".restore.json");
}
