import type { ArtifactPlace } from "../artifact/write-artifact.js";
import { DrError } from "../core/errors.js";
import { tellExceptions, tellRoots, type FileBackupContext } from "./files.js";
import { openKeyGuard } from "./key-guard.js";
import { toMade, type PartResult } from "./part.js";
import { openPlace } from "./place.js";
import { openRoots, type BackupRoot } from "./roots.js";
import { writeRoots } from "./write-roots.js";

/**
 * Backs up the configured configuration and env files, always all of them and
 * always encrypted: they hold passwords.
 *
 * @throws {DrError} ENCRYPTION_NOT_CONFIGURED, and like `openRoots`, `openPlace`
 * and `writeRoots`; then nothing is left.
 */
export async function backUpConfiguration(
  context: FileBackupContext,
): Promise<PartResult> {
  const { config, meter } = context;
  const { roots, place } = await open(context);
  const { written, result } = await writeRoots(place, {
    kind: "configuration",
    roots,
    guard: await openKeyGuard(config),
    ...(meter === undefined ? {} : { meter }),
  });
  return { artifacts: [toMade(written)], notices: tellExceptions(result) };
}

/**
 * What {@link backUpConfiguration} would make, which changes nothing.
 *
 * @throws {DrError} ENCRYPTION_NOT_CONFIGURED, and like `openRoots` and `openPlace`.
 */
export async function planConfiguration(
  context: FileBackupContext,
): Promise<readonly string[]> {
  const { roots, place } = await open(context);
  return [tellRoots(roots, place)];
}

async function open({
  config,
  project,
  clock,
  tool,
}: FileBackupContext): Promise<{
  readonly roots: readonly BackupRoot[];
  readonly place: ArtifactPlace;
}> {
  if (config.encryption === undefined) {
    throw new DrError("ENCRYPTION_NOT_CONFIGURED", {});
  }
  const { backups } = config.paths;
  const roots = await openRoots(config.configuration, "any", {
    project,
    backups,
  });
  return {
    roots,
    place: await openPlace(config, "configuration", clock, tool),
  };
}
