import { historyName, parseHistory, parseLsn, parseSegment } from "./lsn.js";
import type { Ancestor, Segment } from "./lsn.js";
import {
  listRepository,
  readRepositoryFile,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import type { PgbackrestSettings } from "./settings.js";

/** What of the log a repository holds, and how its timelines follow from each other. */
export interface ArchiveRange {
  /** The newest; recovery follows it. */
  readonly timeline: number;
  /** Those that it came from. */
  readonly ancestors: readonly Ancestor[];
  /** The last segment there is; undefined where there is none. */
  readonly last?: Segment & { readonly name: string; readonly at: Date };
  readonly segmentBytes: bigint;
}

const SEGMENT_BYTES = 16n * 2n ** 20n;

/** @throws {DrError} those of `runPgbackrest`. */
export async function readArchiveRange(
  settings: PgbackrestSettings,
  stanza: Stanza,
  segmentBytes = SEGMENT_BYTES,
): Promise<ArchiveRange> {
  const archive = stanza.archive.at(-1);
  if (archive?.max === undefined || archive.max === null) {
    return { timeline: 1, ancestors: [], segmentBytes };
  }
  const repo = archive.database["repo-key"];
  const folder = `archive/${settings.stanza}/${archive.id}`;
  const last = parseSegment(archive.max, segmentBytes);
  const files = await listRepository(settings, repo, folder);
  const histories = [...files.keys()].flatMap((name) => {
    const [, digits] = /^([0-9A-F]{8})\.history$/.exec(name) ?? [];
    return digits === undefined ? [] : [Number.parseInt(digits, 16)];
  });
  const timeline = Math.max(last.timeline, ...histories);
  const ancestors = histories.includes(timeline)
    ? parseHistory(
        await readRepositoryFile(
          settings,
          repo,
          `${folder}/${historyName(timeline)}`,
        ),
      )
    : [];
  const segments = await listRepository(
    settings,
    repo,
    `${folder}/${archive.max.slice(0, 16)}`,
  );
  const written = [...segments].find(([name]) =>
    name.startsWith(archive.max ?? ""),
  )?.[1];
  return {
    timeline,
    ancestors,
    segmentBytes,
    last: { ...last, name: archive.max, at: new Date((written ?? 0) * 1000) },
  };
}

/** Whether the newest timeline goes on from a backup: one of a branch that was left does not lead there. */
export function leadsOn(
  { archive, lsn }: RepositoryBackup,
  { timeline, ancestors }: ArchiveRange,
): boolean {
  const own = Number.parseInt(archive.start.slice(0, 8), 16);
  const stop = parseLsn(lsn.stop);
  return (
    own === timeline ||
    ancestors.some((one) => one.timeline === own && one.end >= stop)
  );
}
