import { packArchive } from "../artifact/archive.js";
import type { ArtifactBase } from "../artifact/base.js";
import { Measure } from "../artifact/measure.js";
import {
  writeArtifact,
  type ArtifactPlace,
  type WrittenArtifact,
} from "../artifact/write-artifact.js";
import type { Json } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { summarise } from "./file-contents.js";
import type { FileIndex } from "./file-index.js";
import type { KeyGuard } from "./key-guard.js";
import { RootPacker, type PackResult } from "./pack-roots.js";
import type { BackupRoot } from "./roots.js";

/** What is packed, and on what it builds. */
export interface RootsInput {
  readonly kind: "files" | "configuration";
  readonly roots: readonly BackupRoot[];
  readonly guard: KeyGuard;
  readonly meter?: Meter;
  /** Absent of a full backup. */
  readonly base?: { readonly base: ArtifactBase; readonly index: FileIndex };
}

export interface WrittenRoots {
  readonly written: WrittenArtifact;
  readonly result: PackResult;
}

/**
 * Writes roots as an artifact; once more when a file became shorter while it
 * was read.
 *
 * @throws {DrError} BACKUP_SOURCE_UNREADABLE, BACKUP_HOLDS_KEY, FILE_CHANGING,
 * and what {@link writeArtifact} throws; then nothing is left.
 */
export async function writeRoots(
  place: ArtifactPlace,
  input: RootsInput,
): Promise<WrittenRoots> {
  try {
    return await writeOnce(place, input);
  } catch (error) {
    if (!isDrError(error, "FILE_CHANGING")) {
      throw error;
    }
    return await writeOnce(place, input);
  }
}

async function writeOnce(
  place: ArtifactPlace,
  { kind, roots, guard, base, meter = UNWATCHED }: RootsInput,
): Promise<WrittenRoots> {
  const startedAt = place.clock.now();
  const packer = new RootPacker(
    roots,
    guard,
    startedAt,
    base && { artifact: base.base.artifact, index: base.index },
  );
  meter.begin("packed", await packer.survey());
  const written = await writeArtifact(
    { ...place, onProgress: meter.reach },
    {
      kind,
      stream: packArchive(packer.entries()),
      describe: () => ({
        contents: describe(packer.result(), base?.base),
        recoveryPoint: { at: startedAt.toISOString() },
      }),
    },
  );
  return { written, result: packer.result() };
}

function describe(result: PackResult, base: ArtifactBase | undefined): Json {
  const measure = new Measure();
  measure.add(result.indexBytes);
  return summarise(result, measure.extent(), base) as unknown as Json;
}
