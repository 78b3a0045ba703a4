import { join } from "node:path";

import { baseOf, type ArtifactBase } from "./base.js";
import { digestManifest, encodeManifest, type Manifest } from "./manifest.js";
import { requireArtifactName } from "./name.js";
import { DrError, isDrError } from "../core/errors.js";

/** An artifact that others build on, or the last of them. */
export interface ChainLink<T extends { readonly manifest: Manifest }> {
  readonly name: string;
  readonly checked: T;
  /** SHA-256 of its manifest's text. */
  readonly digest: string;
}

/**
 * An artifact and all that it builds on, the newest first, a full one last.
 *
 * @param look - At an artifact, by its path.
 * @throws {DrError} BACKUP_CHAIN_BROKEN when one that it builds on is missing,
 * or another one; what `look` throws of the first.
 */
export async function followChain<T extends { readonly manifest: Manifest }>(
  folder: string,
  name: string,
  look: (path: string) => Promise<T>,
): Promise<readonly ChainLink<T>[]> {
  const chain: ChainLink<T>[] = [];
  let next: ArtifactBase | undefined = { artifact: name, manifest: "" };
  while (next !== undefined) {
    const wanted: ArtifactBase = next;
    const path = join(folder, requireArtifactName(wanted.artifact));
    const checked =
      chain.length === 0
        ? await look(path)
        : await lookAtBase(name, wanted.artifact, async () => await look(path));
    const digest = digestManifest(encodeManifest(checked.manifest));
    if (chain.length > 0 && digest !== wanted.manifest) {
      const reason = "it isn't the one that was built on";
      throw broken(name, wanted.artifact, reason);
    }
    chain.push({ name: wanted.artifact, checked, digest });
    next = baseOf(checked.manifest);
  }
  return chain;
}

async function lookAtBase<T>(
  name: string,
  base: string,
  look: () => Promise<T>,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    throw isDrError(error) ? broken(name, base, error.message, error) : error;
  }
}

function broken(
  name: string,
  base: string,
  reason: string,
  cause?: unknown,
): DrError {
  return new DrError("BACKUP_CHAIN_BROKEN", { name, base, reason }, { cause });
}
