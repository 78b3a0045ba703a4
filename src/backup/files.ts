import type { ArtifactPlace } from "../artifact/write-artifact.js";
import type { DrConfig } from "../config/types.js";
import { writeAtomically } from "../core/atomic-write.js";
import type { Clock } from "../core/clock.js";
import type { Meter } from "../core/meter.js";
import { writing } from "../core/writing.js";
import { findBase, stateFile, type BaseDecision } from "./find-base.js";
import { openKeyGuard } from "./key-guard.js";
import { toMade, type PartResult } from "./part.js";
import { openPlace } from "./place.js";
import type { PackResult } from "./pack-roots.js";
import { openRoots, type BackupRoot } from "./roots.js";
import { writeRoots } from "./write-roots.js";

/** What backups of files and configuration need to know of where they run. */
export interface FileBackupContext {
  readonly config: DrConfig;
  /** The project's folder, absolute. */
  readonly project: string;
  readonly clock: Clock;
  /** `hardhat-dr 1.2.3` */
  readonly tool: string;
  /** Of what is packed. */
  readonly meter?: Meter;
}

/**
 * Backs up the configured folders: what changed since the last time, or all of
 * it when {@link findBase} finds nothing to build on.
 *
 * @param isFull - All of it in any case.
 * @throws {DrError} like `openRoots`, `openPlace` and `writeRoots`; then nothing
 * is left.
 */
export async function backUpFiles(
  context: FileBackupContext,
  isFull = false,
): Promise<PartResult> {
  const { config, meter } = context;
  const { roots, place, decision } = await decide(context, isFull);
  const guard = await openKeyGuard(config);
  const { written, result } = await writeRoots(place, {
    kind: "files",
    roots,
    guard,
    ...(meter === undefined ? {} : { meter }),
    ...(decision.base === undefined ? {} : { base: decision }),
  });
  // After the manifest: where a crash comes between them the next one is full.
  const state = stateFile(place.folder);
  await writing(state, async () => {
    await writeAtomically(state, result.indexBytes.toString());
  });
  return {
    artifacts: [toMade(written)],
    notices: [tellExtent(decision, result), ...tellExceptions(result)],
  };
}

/**
 * What {@link backUpFiles} would make, which changes nothing.
 *
 * @throws {DrError} like `openRoots` and `openPlace`.
 */
export async function planFiles(
  context: FileBackupContext,
  isFull = false,
): Promise<readonly string[]> {
  const { roots, place, decision } = await decide(context, isFull);
  return [
    tellRoots(roots, place),
    decision.base === undefined
      ? `a full backup: ${decision.reason}`
      : `what has changed since ${decision.base.artifact}`,
  ];
}

async function decide(
  { config, project, clock, tool }: FileBackupContext,
  isFull: boolean,
): Promise<{
  readonly roots: readonly BackupRoot[];
  readonly place: ArtifactPlace;
  readonly decision: BaseDecision;
}> {
  const { backups } = config.paths;
  const roots = await openRoots(config.files, "folders", { project, backups });
  const place = await openPlace(config, "files", clock, tool);
  const decision: BaseDecision = isFull
    ? { reason: "it was asked for" }
    : await findBase(place, clock.now());
  return { roots, place, decision };
}

/** What goes where. */
export function tellRoots(
  roots: readonly BackupRoot[],
  { folder, encryption }: Pick<ArtifactPlace, "folder" | "encryption">,
): string {
  const names = roots.map(({ path }) => path).join(", ");
  return `${names} into ${folder}, ${encryption === undefined ? "in the clear" : "encrypted"}`;
}

function tellExtent(
  decision: BaseDecision,
  { packed, removed }: PackResult,
): string {
  return decision.base === undefined
    ? `A full backup: ${decision.reason}.`
    : `Since ${decision.base.artifact}: ${String(packed.files)} new or changed, ${String(removed)} gone.`;
}

/** What isn't as one may expect. */
export function tellExceptions({
  index,
  changing,
}: PackResult): readonly string[] {
  return [
    ...index.leftOut.map(({ path, reason }) => `Without ${path}: ${reason}.`),
    ...changing.map(
      (path) =>
        `${path} changed while it was read; the next backup has it again.`,
    ),
  ];
}
