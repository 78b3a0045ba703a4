import { DrError } from "../core/errors.js";
import { COMPRESSIONS, EXTENSIONS, type Compression } from "./compression.js";

/** What kinds of backups there are, with what stands in their names. */
const WORDS = {
  database: "db",
  contracts: "contract_snapshot",
  files: "files",
  configuration: "config",
} as const;

export type ArtifactKind = keyof typeof WORDS;

export const ARTIFACT_KINDS = Object.keys(WORDS) as readonly ArtifactKind[];

const INNER: Readonly<Record<ArtifactKind, string>> = {
  database: ".sql",
  contracts: ".tar",
  files: ".tar",
  configuration: ".tar",
};

export const ENCRYPTED_SUFFIX = ".enc";

/** Beside the artifact, for `sha256sum -c`. */
export const CHECKSUM_SUFFIX = ".sha256";
export const MANIFEST_SUFFIX = ".manifest.json";

export interface ArtifactName {
  readonly project: string;
  readonly kind: ArtifactKind;
  /** To the second. */
  readonly at: Date;
  /** Absent: not compressed, as some old scripts left it. */
  readonly compression?: Compression;
  readonly encrypted: boolean;
}

/** What a name says; that of a contract snapshot doesn't say of which project. */
export type ParsedName = Omit<ArtifactName, "project"> &
  Partial<Pick<ArtifactName, "project">>;

/** `takumi_db_20240115_140000.sql.gz.enc`; UTC. */
export function formatArtifactName({
  project,
  kind,
  at,
  compression,
  encrypted,
}: ArtifactName): string {
  const owner = kind === "contracts" ? "" : `${project}_`;
  const stem = `${owner}${WORDS[kind]}_${formatTimestamp(at)}`;
  const outer = compression === undefined ? "" : EXTENSIONS[compression];
  return `${stem}${INNER[kind]}${outer}${encrypted ? ENCRYPTED_SUFFIX : ""}`;
}

/** `20240115_140000`, UTC. */
export function formatTimestamp(at: Date): string {
  const [date = "", time = ""] = at.toISOString().split("T");
  return `${date.replaceAll("-", "")}_${time.slice(0, 8).replaceAll(":", "")}`;
}

/** Reads `20240115_140000`. @returns an invalid date of anything else. */
export function parseTimestamp(text: string): Date {
  const [date = "", time = ""] = text.split("_");
  return parseSecond(date, time);
}

const NAME =
  /^(?:(?<project>[A-Za-z0-9][\w.-]*)_(?<word>db|files|config)|contract_snapshot)_(?<date>\d{8})_(?<time>\d{6})\.(?:sql|tar)(?<outer>\.zst|\.gz)?(?<encrypted>\.enc)?$/;

/**
 * Reads what {@link formatArtifactName} writes, and what old shell scripts
 * wrote: `takumi_db_20240115_140000.sql`. Theirs may be the time of their
 * machine, up to fourteen hours off.
 *
 * @param name - Without a folder.
 * @returns undefined when no artifact is called so; a manifest isn't one.
 */
export function parseArtifactName(name: string): ParsedName | undefined {
  const { groups } = NAME.exec(name) ?? {};
  if (groups === undefined) {
    return undefined;
  }
  const { project, word, outer } = groups;
  const at = parseSecond(groups.date ?? "", groups.time ?? "");
  const compression = COMPRESSIONS.find((one) => EXTENSIONS[one] === outer);
  const parsed: ParsedName = {
    kind: ARTIFACT_KINDS.find((one) => WORDS[one] === word) ?? "contracts",
    at,
    encrypted: groups.encrypted !== undefined,
    ...(project === undefined ? {} : { project }),
    ...(compression === undefined ? {} : { compression }),
  };
  // There is no 31st of February, and no database in a tar.
  const isName =
    !Number.isNaN(at.getTime()) &&
    formatArtifactName({ project: "", ...parsed }) === name;
  return isName ? parsed : undefined;
}

/** @returns an invalid date when there is no such second. */
function parseSecond(date: string, time: string): Date {
  const day = date.replace(/(....)(..)/, "$1-$2-");
  return new Date(`${day}T${time.replace(/(..)(..)/, "$1:$2:")}Z`);
}

/** `takumi_db_20240115_140000.sql` of `takumi_db_20240115_140000.sql.gz.enc` */
export function plainNameOf(name: string): string {
  const outer = [ENCRYPTED_SUFFIX, ...Object.values(EXTENSIONS)];
  return outer.reduce(
    (rest, suffix) =>
      rest.endsWith(suffix) ? rest.slice(0, -suffix.length) : rest,
    name,
  );
}

/** Of a path's last part: nothing that leads elsewhere, or hides. @throws {DrError} ARTIFACT_NAME_INVALID. */
export function requireArtifactName(name: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new DrError("ARTIFACT_NAME_INVALID", { name });
  }
  return name;
}
