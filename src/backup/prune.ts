import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { CatalogueEntry } from "../artifact/catalogue.js";
import { parseManifest } from "../artifact/manifest.js";
import {
  CHECKSUM_SUFFIX,
  MANIFEST_SUFFIX,
  type ArtifactKind,
} from "../artifact/name.js";
import {
  decideRetention,
  relationsIn,
  type Keeping,
  type RetentionEntry,
} from "../artifact/retention.js";
import type { DrConfig } from "../config/types.js";
import { isDrError } from "../core/errors.js";
import { writing } from "../core/writing.js";
import { listArtifacts } from "../artifact/list-artifacts.js";
import { placeFolder } from "./folder.js";
import { listLocalProofs } from "./proof.js";

/** What retention did here. */
export interface Pruned {
  /** Artifacts' names. */
  readonly removed: readonly string[];
  /** What is older than its time and stays, and why. */
  readonly kept: readonly { readonly name: string; readonly why: Keeping }[];
}

/**
 * Removes backups that are older than `retention.localDays`, as
 * {@link decideRetention} has it.
 *
 * @param kinds - Of these only.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function pruneLocally(
  config: DrConfig,
  kinds: readonly ArtifactKind[],
  now: Date,
): Promise<Pruned> {
  const pruned: Pruned[] = [];
  for (const kind of kinds) {
    pruned.push(await pruneKind(config, kind, now));
  }
  return {
    removed: pruned.flatMap(({ removed }) => removed),
    kept: pruned.flatMap(({ kept }) => kept),
  };
}

async function pruneKind(
  config: DrConfig,
  kind: ArtifactKind,
  now: Date,
): Promise<Pruned> {
  const folder = placeFolder(config, kind);
  const { entries } = await listArtifacts(folder, config.project);
  const proofs = await listLocalProofs(folder);
  const { keep, remove } = decideRetention(
    await Promise.all(
      entries
        .filter((entry) => entry.kind === kind)
        .map(async (entry) => ({
          ...(await toRetentionEntry(folder, entry)),
          ...lastOf(proofs.get(entry.name)),
        })),
    ),
    config.retention.localDays,
    now,
  );
  for (const name of remove) {
    const proven = proofs.get(name) ?? [];
    await removeArtifact(folder, name, proven);
  }
  return { removed: remove, kept: keep.filter(({ why }) => why !== "young") };
}

function lastOf(
  proofs: readonly { readonly at: Date }[] = [],
): Pick<RetentionEntry, "provenAt"> {
  const [last] = proofs
    .map(({ at }) => at)
    .toSorted((a, b) => b.getTime() - a.getTime());
  return last === undefined ? {} : { provenAt: last };
}

async function toRetentionEntry(
  folder: string,
  { name, kind, createdAt, status }: CatalogueEntry,
): Promise<RetentionEntry> {
  const entry = { name, kind, createdAt, status };
  if (status !== "complete") {
    return entry;
  }
  const file = join(folder, `${name}${MANIFEST_SUFFIX}`);
  try {
    const manifest = parseManifest(await readFile(file, "utf8"), file);
    return { ...entry, ...relationsIn(manifest) };
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    // Its manifest is damaged: it can't be restored, nor stand in for one that can.
    return { ...entry, status: "unfinished" };
  }
}

/** Without its manifest it is no backup any more, should anything come between. */
async function removeArtifact(
  folder: string,
  name: string,
  proofs: readonly { readonly name: string }[],
): Promise<void> {
  const path = join(folder, name);
  await writing(path, async () => {
    for (const suffix of [MANIFEST_SUFFIX, CHECKSUM_SUFFIX, ""]) {
      await rm(`${path}${suffix}`, { force: true });
    }
    for (const proof of proofs) {
      await rm(join(folder, proof.name), { force: true });
    }
  });
}
