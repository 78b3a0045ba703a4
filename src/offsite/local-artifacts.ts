import { join } from "node:path";

import type { CatalogueEntry } from "../artifact/catalogue.js";
import type { ArtifactKind } from "../artifact/name.js";
import { listArtifacts } from "../artifact/list-artifacts.js";

/** In this order they go: what is missed most comes first. */
export const KINDS_IN_ORDER: readonly ArtifactKind[] = [
  "database",
  "contracts",
  "files",
  "configuration",
];

/** A backup on this machine's disk. */
export interface LocalArtifact {
  readonly path: string;
  readonly entry: CatalogueEntry;
}

/**
 * The backups of this machine that are no older than a time, without what was
 * never finished.
 *
 * @param backups - Holds a folder for each kind.
 * @param since - Absent: all.
 */
export async function listLocalArtifacts(
  backups: string,
  project: string,
  since?: Date,
): Promise<LocalArtifact[]> {
  const lists = await Promise.all(
    KINDS_IN_ORDER.map(async (kind) => {
      const folder = join(backups, kind);
      const { entries } = await listArtifacts(folder, project);
      return entries
        .filter(({ status }) => status === "complete" || status === "legacy")
        .filter(({ createdAt }) => since === undefined || createdAt >= since)
        .map((entry) => ({ path: join(folder, entry.name), entry }));
    }),
  );
  return lists.flat();
}
