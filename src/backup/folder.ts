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
