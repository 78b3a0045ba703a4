import { join } from "node:path";

import { readIfThere } from "../../core/if-there.js";
import {
  historyName,
  parseHistory,
  parseLsn,
  parseSegment,
  type Ancestor,
  type Segment,
} from "./lsn.js";
import {
  listRepository,
  readRepositoryFile,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import type { PgbackrestSettings } from "./settings.js";

/** What a repository holds of one timeline of the log, and of those that it came from. */
export interface ArchiveRange {
  /** Recovery follows it. */
  readonly timeline: number;
  readonly ancestors: readonly Ancestor[];
  /** The last segment; undefined where there is none. */
  readonly last?: ArchivedSegment;
  readonly segmentBytes: bigint;
}

interface ArchivedSegment extends Segment {
  readonly name: string;
  /** When it was archived. */
  readonly at: Date;
}

const SEGMENT_BYTES = 16n * 2n ** 20n;

/**
 * Reads how far the archived log goes.
 *
 * @param timeline - The one that the server is on. Absent: the one archived
 * last; the highest may be a restore's that was undone.
 * @throws {DrError} those of `runPgbackrest`.
 */
export async function readArchiveRange(
  settings: PgbackrestSettings,
  { archive: archives }: Pick<Stanza, "archive">,
  timeline?: number,
): Promise<ArchiveRange> {
  const archive = archives.at(-1);
  if (archive === undefined) {
    return {
      timeline: timeline ?? 1,
      ancestors: [],
      segmentBytes: SEGMENT_BYTES,
    };
  }
  const repo = archive.database["repo-key"];
  const folder = `archive/${settings.stanza}/${archive.id}`;
  const list = async (path: string) =>
    await listRepository(settings, repo, path);
  const files = await list(folder);
  const lasts = await lastSegments(folder, [...files.keys()], list);
  const chosen =
    timeline ??
    lasts.toSorted((a, b) => a.at.getTime() - b.at.getTime()).at(-1)
      ?.timeline ??
    1;
  const history = historyName(chosen);
  // What was promoted and never ran since has archived nothing of it.
  const text = files.has(history)
    ? await readRepositoryFile(settings, repo, `${folder}/${history}`)
    : await readIfThere(join(settings.dataFolder, "pg_wal", history));
  const ancestors = parseHistory(text ?? "");
  const path = [chosen, ...ancestors.map((one) => one.timeline).toReversed()];
  const last = path
    .map((one) => lasts.find((segment) => segment.timeline === one))
    .find((segment) => segment !== undefined);
  return {
    timeline: chosen,
    ancestors,
    segmentBytes: SEGMENT_BYTES,
    ...(last === undefined ? {} : { last }),
  };
}

const FOLDER = /^[0-9A-F]{16}$/;
const SEGMENT = /^([0-9A-F]{24})-/;

/** Of each timeline. */
async function lastSegments(
  folder: string,
  names: readonly string[],
  list: (path: string) => Promise<ReadonlyMap<string, number>>,
): Promise<readonly ArchivedSegment[]> {
  const folders = names.filter((name) => FOLDER.test(name)).toSorted();
  const lastFolders = new Map(folders.map((name) => [name.slice(0, 8), name]));
  const found: ArchivedSegment[] = [];
  for (const name of lastFolders.values()) {
    const segments = [...(await list(`${folder}/${name}`))].flatMap(
      ([file, time]) => {
        const [, segment] = SEGMENT.exec(file) ?? [];
        return segment === undefined ? [] : [{ segment, time }];
      },
    );
    const last = segments
      .toSorted((a, b) => (a.segment < b.segment ? -1 : 1))
      .at(-1);
    if (last !== undefined) {
      found.push({
        ...parseSegment(last.segment, SEGMENT_BYTES),
        name: last.segment,
        at: new Date(last.time * 1000),
      });
    }
  }
  return found;
}

/** `1`, of a backup. */
export function timelineOf({ archive }: RepositoryBackup): number {
  return Number.parseInt(archive.start.slice(0, 8), 16);
}

/** Whether a timeline goes on from a backup: one of a branch that was left doesn't lead there. */
export function leadsOn(
  backup: RepositoryBackup,
  { timeline, ancestors }: ArchiveRange,
): boolean {
  const own = timelineOf(backup);
  const stop = parseLsn(backup.lsn.stop);
  return (
    own === timeline ||
    ancestors.some((one) => one.timeline === own && one.end >= stop)
  );
}
