import {
  findBreaks,
  type ChainBreak,
  type ManifestText,
} from "../artifact/find-breaks.js";
import { checkSignature, parseManifest } from "../artifact/manifest.js";
import {
  ARTIFACT_KINDS,
  parseArtifactName,
  type ArtifactKind,
} from "../artifact/name.js";
import { isDrError, type DrError } from "../core/errors.js";
import {
  readManifests,
  type Inventory,
  type RemoteArtifact,
} from "./inventory.js";
import type { Storage } from "./storage.js";

/** What the manifests in a storage say. */
export interface Examination {
  /** How many were read. */
  readonly manifests: number;
  /** Of each kind, where the chain isn't what it must be. */
  readonly breaks: readonly KindBreak[];
  /** By key: who signed, or why that doesn't count. */
  readonly signatures: ReadonlyMap<string, Signature>;
}

export type KindBreak = (ChainBreak | Damage) & { readonly kind: ArtifactKind };

/** What lies there isn't what its manifest says. */
interface Damage {
  readonly status: "damaged";
  readonly name: string;
  readonly reason: string;
}

export type Signature =
  | { readonly status: "signed"; readonly publicKey: string }
  | { readonly status: "unsigned" }
  | { readonly status: "refused"; readonly error: DrError };

export interface ExamineOptions {
  /** Whose signatures count; empty: anybody's. */
  readonly trusted: readonly string[];
  /** Older backups may have been let go. */
  readonly keptSince: Date;
  /** Manifests of what this machine has replicated there. */
  readonly known: readonly ManifestText[];
}

/**
 * Reads all manifests of a storage, a request each: were backups deleted,
 * replaced, rolled back or cut off, and who signed them? Backups themselves
 * aren't read.
 */
export async function examine(
  storage: Pick<Storage, "get">,
  { artifacts }: Pick<Inventory, "artifacts">,
  { trusted, keptSince, known }: ExamineOptions,
): Promise<Examination> {
  const withManifest = artifacts.filter(({ manifest }) => manifest);
  const texts = await readManifests(storage, withManifest);
  const pairs = withManifest.map((artifact, index) => ({
    ...artifact,
    text: texts[index]?.text ?? "",
  }));
  const breaks = ARTIFACT_KINDS.flatMap((kind) => {
    const own = pairs.filter((one) => one.kind === kind);
    const knowledge = {
      // Snapshots of contracts are never let go.
      ...(kind === "contracts" ? {} : { keptSince }),
      known: known.filter(({ name }) => parseArtifactName(name)?.kind === kind),
    };
    return [
      ...findBreaks(own, knowledge),
      ...own.flatMap((one) => findDamage(one, trusted)),
    ].map((one) => ({ ...one, kind }));
  });
  return {
    manifests: pairs.length,
    breaks,
    signatures: new Map(
      pairs.map(({ key, name, text }) => [
        key,
        signatureOf(name, text, trusted),
      ]),
    ),
  };
}

/** Nothing of a manifest that can't be read: that is told as a break of the chain. */
function findDamage(
  { name, text, artifact }: RemoteArtifact & ManifestText,
  trusted: readonly string[],
): readonly Damage[] {
  try {
    const manifest = parseManifest(text, name);
    checkSignature(manifest, trusted);
    const { sizeBytes } = manifest.stored;
    if (manifest.artifact !== name) {
      return [damaged(name, `its manifest is that of ${manifest.artifact}`)];
    }
    if (artifact?.sizeBytes !== sizeBytes) {
      const found =
        artifact === undefined
          ? "only its manifest is there"
          : `it has ${String(artifact.sizeBytes)} bytes instead of ${String(sizeBytes)}`;
      return [damaged(name, found)];
    }
    return [];
  } catch (error) {
    if (isDrError(error, "MANIFEST_SIGNATURE_WRONG", "MANIFEST_NOT_TRUSTED")) {
      return [damaged(name, error.message)];
    }
    if (isDrError(error)) {
      return [];
    }
    throw error;
  }
}

function damaged(name: string, reason: string): Damage {
  return { status: "damaged", name, reason };
}

function signatureOf(
  name: string,
  text: string,
  trusted: readonly string[],
): Signature {
  try {
    return checkSignature(parseManifest(text, name), trusted);
  } catch (error) {
    if (isDrError(error)) {
      return { status: "refused", error };
    }
    throw error;
  }
}
