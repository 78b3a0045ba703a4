import { ARTIFACT_KINDS, parseArtifactName } from "../artifact/name.js";
import type { DrConfig } from "../config/types.js";
import { DrError } from "../core/errors.js";
import { listArtifacts } from "../artifact/list-artifacts.js";
import { placeFolder } from "./folder.js";

/** Where a backup lies. */
export interface ArtifactAddress {
  readonly folder: string;
  readonly name: string;
}

/**
 * Finds a backup by its name, or the newest of a kind by the kind's.
 *
 * @throws {DrError} ARTIFACT_MISSING when there is none of the kind.
 */
export async function findArtifact(
  config: DrConfig,
  nameOrKind: string,
): Promise<ArtifactAddress> {
  const kind = ARTIFACT_KINDS.find((one) => one === nameOrKind);
  if (kind === undefined) {
    const own = parseArtifactName(nameOrKind)?.kind ?? "files";
    return { folder: placeFolder(config, own), name: nameOrKind };
  }
  const folder = placeFolder(config, kind);
  const { entries } = await listArtifacts(folder, config.project);
  const newest = entries.findLast(
    (entry) => entry.kind === kind && entry.status === "complete",
  );
  if (newest === undefined) {
    const reason = `there is none of ${kind} yet`;
    throw new DrError("ARTIFACT_MISSING", { path: folder, reason });
  }
  return { folder, name: newest.name };
}
