import type { ArtifactKind } from "../artifact/name.js";
import { checkManifest } from "../artifact/read-artifact.js";
import { DrError, isDrError } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import type { Ensured } from "./ensure-object.js";
import type { LocalArtifact } from "./local-artifacts.js";
import type { Source, Storage } from "./storage.js";
import { uploadArtifact } from "./upload-artifact.js";

/** What became of one backup in one storage. */
export interface Replicated {
  readonly name: string;
  readonly kind: ArtifactKind;
  /** As it lies on the disk; 0 when nothing is there. */
  readonly sizeBytes: number;
  readonly status: Ensured | "failed";
  /** Why it failed. */
  readonly error?: DrError;
}

export interface ReplicateOptions {
  /** Whose signatures count; empty: anybody's. */
  readonly trusted: readonly string[];
  /** Puts a limit on how fast sources are read. */
  readonly slow?: (source: Source) => Source;
  /** Told what is checked and uploaded now, and how far that is. */
  readonly meter?: Meter;
  readonly onReplicated?: (one: Replicated) => void;
  readonly signal?: AbortSignal;
}

/**
 * Uploads the backups that a storage hasn't got, each read once: what is on the
 * disk is proven on the way, and in the storage after. What fails keeps no other from being replicated,
 * but when the storage can't be reached, or lets nobody in, that is the end.
 *
 * @throws {DrError} OFFSITE_UNREACHABLE, OFFSITE_DENIED, OFFSITE_FULL, OFFSITE_INTERRUPTED.
 */
export async function replicate(
  storage: Storage,
  artifacts: readonly LocalArtifact[],
  options: ReplicateOptions,
): Promise<Replicated[]> {
  const results: Replicated[] = [];
  for (const artifact of artifacts) {
    options.signal?.throwIfAborted();
    const one = await replicateOne(storage, artifact, options);
    results.push(one);
    options.onReplicated?.(one);
  }
  return results;
}

async function replicateOne(
  storage: Storage,
  artifact: LocalArtifact,
  options: ReplicateOptions,
): Promise<Replicated> {
  const { name, kind, artifact: file } = artifact.entry;
  const about = { name, kind, sizeBytes: file?.sizeBytes ?? 0 };
  try {
    const status = await upload(storage, artifact, options);
    return { ...about, status };
  } catch (error) {
    if (!isDrError(error) || isTheEnd(error)) {
      throw error;
    }
    return { ...about, status: "failed", error };
  }
}

/** What would fail with every other artifact too. */
function isTheEnd(error: DrError): boolean {
  return isDrError(
    error,
    "OFFSITE_UNREACHABLE",
    "OFFSITE_DENIED",
    "OFFSITE_FULL",
    "OFFSITE_INTERRUPTED",
  );
}

/**
 * Nothing leaves this machine in the clear, or without a proof of what it is.
 *
 * @throws {DrError} ARTIFACT_MISSING, NOT_ENCRYPTED.
 */
function requireFit({
  path,
  entry: { name, status, encrypted },
}: LocalArtifact): void {
  if (status !== "complete") {
    const reason = "it has no manifest";
    throw new DrError("ARTIFACT_MISSING", { path, reason });
  }
  if (!encrypted) {
    throw new DrError("NOT_ENCRYPTED", { name });
  }
}

async function upload(
  storage: Storage,
  local: LocalArtifact,
  { trusted, ...options }: ReplicateOptions,
): Promise<Ensured> {
  requireFit(local);
  const checked = await checkManifest(local.path, { trusted });
  return await uploadArtifact(storage, checked, options);
}
