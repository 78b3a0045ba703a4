import {
  CHECKSUM_SUFFIX,
  MANIFEST_SUFFIX,
  parseArtifactName,
  type ParsedName,
} from "./name.js";

/** A file, in a folder or a bucket. */
export interface ListedFile {
  /** Without a folder. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/**
 * How far an artifact got.
 *
 * - `complete`: it has its manifest.
 * - `legacy`: it has none, and an old script may have made it.
 * - `unfinished`: it has none, and only this tool makes such files: it was
 *   killed while it wrote, or while it removed.
 * - `orphaned`: manifest or checksum are there, and it isn't.
 */
export type ArtifactStatus = "complete" | "legacy" | "unfinished" | "orphaned";

/** One artifact with all its files that are there; at least one is. */
export interface CatalogueEntry<F extends ListedFile = ListedFile> {
  /** The artifact's own, also when its file is missing. */
  readonly name: string;
  readonly kind: ParsedName["kind"];
  /** As its name has it: to the second, UTC. */
  readonly createdAt: Date;
  readonly encrypted: boolean;
  readonly status: ArtifactStatus;
  readonly artifact?: F;
  readonly checksum?: F;
  readonly manifest?: F;
}

export interface Catalogue<F extends ListedFile = ListedFile> {
  /** The oldest first. */
  readonly entries: readonly CatalogueEntry<F>[];
  /** All else, other projects' artifacts too. Nobody removes them. */
  readonly strangers: readonly F[];
}

/**
 * Finds the artifacts in a plain list of files.
 *
 * @param files - Each with whatever else the caller knows of it; names are unique.
 * @param project - Artifacts that name another one are strangers.
 */
export function catalogue<F extends ListedFile>(
  files: readonly F[],
  project: string,
): Catalogue<F> {
  const parts = new Map<string, Parts<F>>();
  const strangers: F[] = [];
  for (const file of files) {
    const { name, part } = partOf(file.name);
    const parsed = parseArtifactName(name);
    if (parsed === undefined || (parsed.project ?? project) !== project) {
      strangers.push(file);
    } else {
      const known = parts.get(name) ?? { parsed };
      parts.set(name, { ...known, [part]: file });
    }
  }
  const entries = [...parts].map(([name, found]) => toEntry(name, found));
  return { entries: entries.toSorted(byAge), strangers };
}

interface Parts<F> {
  readonly parsed: ParsedName;
  readonly artifact?: F;
  readonly checksum?: F;
  readonly manifest?: F;
}

/** Of which artifact a file is, and what of it. */
function partOf(file: string): {
  readonly name: string;
  readonly part: "artifact" | "checksum" | "manifest";
} {
  for (const [part, suffix] of [
    ["checksum", CHECKSUM_SUFFIX],
    ["manifest", MANIFEST_SUFFIX],
  ] as const) {
    if (file.endsWith(suffix)) {
      return { name: file.slice(0, -suffix.length), part };
    }
  }
  return { name: file, part: "artifact" };
}

function toEntry<F extends ListedFile>(
  name: string,
  { parsed, ...parts }: Parts<F>,
): CatalogueEntry<F> {
  const { kind, at, encrypted } = parsed;
  const status = statusOf(parsed, parts);
  return { name, kind, createdAt: at, encrypted, status, ...parts };
}

/** Old scripts knew gzip, or left a file as it was; never zstd. */
function statusOf(
  { compression }: ParsedName,
  { artifact, manifest }: Omit<Parts<ListedFile>, "parsed">,
): ArtifactStatus {
  if (artifact === undefined) {
    return "orphaned";
  }
  if (manifest !== undefined) {
    return "complete";
  }
  return compression === "zstd" ? "unfinished" : "legacy";
}

function byAge(a: CatalogueEntry, b: CatalogueEntry): number {
  return (
    a.createdAt.getTime() - b.createdAt.getTime() || (a.name < b.name ? -1 : 1)
  );
}
