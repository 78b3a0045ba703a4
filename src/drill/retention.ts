import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

import { listArtifacts } from "../artifact/list-artifacts.js";
import {
  MANIFEST_SUFFIX,
  parseArtifactName,
  type ArtifactKind,
} from "../artifact/name.js";
import { writeArtifact } from "../artifact/write-artifact.js";
import { placeFolder } from "../backup/folder.js";
import { openPlace } from "../backup/place.js";
import type { pruneLocally } from "../backup/prune.js";
import type { DrConfig } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import { requireMarkedFolder, type Mark } from "./mark.js";
import { measureNone, type Measurement } from "./measurement.js";
import type { BackupReport } from "./report.js";

const DAY_MS = 86_400_000;

export interface RetentionScene {
  /** Its backups are the drill's. */
  readonly config: DrConfig;
  readonly mark: Mark;
  /** The drill's, which lie there. */
  readonly backups: readonly Pick<BackupReport, "kind" | "name">[];
  readonly clock: Clock;
  readonly tool: string;
  readonly prune: typeof pruneLocally;
}

/**
 * Puts old backups, a young one and a newer one that isn't complete beside each
 * of the drill's, and sees what retention leaves of them on the disk: at the
 * moment of the drill's backup, and when all of them are too old.
 *
 * @throws {DrError} DRILL_NOT_ITS_OWN where a drill hasn't made the folder;
 * those of `openPlace`, `writeArtifact` and `pruneLocally`.
 */
export async function measureRetention(
  scene: RetentionScene,
): Promise<Measurement> {
  const { config, mark, backups } = scene;
  await requireMarkedFolder(config.paths.backups, mark);
  const problems: string[] = [];
  for (const { kind, name } of backups) {
    problems.push(...(await findFaults(scene, kind, name)));
  }
  const days = String(config.retention.localDays);
  const names = backups.map(({ name }) => name).join(", ");
  return measureNone(
    problems,
    `what is older than ${days} days is gone, and later all but ${names}`,
    `nothing older than ${days} days but the last complete backup of each kind, and all snapshots of contracts`,
  );
}

/** @param last - The newest complete backup of the kind. @returns sentences. */
async function findFaults(
  scene: RetentionScene,
  kind: ArtifactKind,
  last: string,
): Promise<readonly string[]> {
  const { localDays } = scene.config.retention;
  const made = parseArtifactName(last)?.at ?? scene.clock.now();
  const at = (days: number) => new Date(made.getTime() + days * DAY_MS);
  const old = [
    await writeSmall(scene, kind, at(-localDays - 1)),
    await writeSmall(scene, kind, at(-2 * localDays - 1)),
  ];
  const young = await writeSmall(scene, kind, at(-localDays / 2));
  const second = 1 / 86_400;
  const unfinished = await writeSmall(scene, kind, at(second));
  const folder = placeFolder(scene.config, kind);
  await rm(join(folder, `${unfinished}${MANIFEST_SUFFIX}`));
  // What contracts were is never forgotten.
  const isForgotten = kind !== "contracts";
  const now = [young, last, unfinished];
  const later = [last];
  const all = [...old, ...now];
  return [
    ...(await pruneAt(scene, kind, at(second), isForgotten ? now : all)),
    ...(await pruneAt(
      scene,
      kind,
      at(localDays + 1),
      isForgotten ? later : all,
    )),
  ];
}

async function writeSmall(
  { config, clock, tool }: RetentionScene,
  kind: ArtifactKind,
  at: Date,
): Promise<string> {
  const place = await openPlace(
    config,
    kind,
    { ...clock, now: () => at },
    tool,
  );
  const { manifest } = await writeArtifact(place, {
    kind,
    stream: Readable.from([Buffer.from("of a drill")]),
    describe: () => ({ contents: {}, recoveryPoint: null }),
  });
  return manifest.artifact;
}

/** @param expected - What is to be left. @returns sentences. */
async function pruneAt(
  { config, prune }: RetentionScene,
  kind: ArtifactKind,
  now: Date,
  expected: readonly string[],
): Promise<readonly string[]> {
  await prune(config, [kind], now);
  const folder = placeFolder(config, kind);
  const { entries } = await listArtifacts(folder, config.project);
  const left = entries.map(({ name }) => name);
  const when = now.toISOString().slice(0, 10);
  return [
    ...left
      .filter((name) => !expected.includes(name))
      .map((name) => `${name} is still there on ${when}.`),
    ...expected
      .filter((name) => !left.includes(name))
      .map((name) => `${name} is gone on ${when}.`),
  ];
}
