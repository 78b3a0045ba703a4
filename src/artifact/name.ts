import { DrError } from "../core/errors.js";
import { EXTENSIONS, type Compression } from "./compression.js";

/** What kinds of backups there are, with what stands in their names. */
const STEMS = {
  database: (project: string) => `${project}_db`,
  contracts: () => "contract_snapshot",
  files: (project: string) => `${project}_files`,
  configuration: (project: string) => `${project}_config`,
} as const;

export type ArtifactKind = keyof typeof STEMS;

const INNER: Readonly<Record<ArtifactKind, string>> = {
  database: ".sql",
  contracts: ".tar",
  files: ".tar",
  configuration: ".tar",
};

const ENCRYPTED = ".enc";

/** Beside the artifact, for `sha256sum -c`. */
export const CHECKSUM_SUFFIX = ".sha256";
export const MANIFEST_SUFFIX = ".manifest.json";

export interface ArtifactName {
  readonly project: string;
  readonly kind: ArtifactKind;
  readonly at: Date;
  readonly compression: Compression;
  readonly encrypted: boolean;
}

/** `takumi_db_20240115_140000.sql.gz.enc`; UTC. */
export function formatArtifactName({
  project,
  kind,
  at,
  compression,
  encrypted,
}: ArtifactName): string {
  const stem = `${STEMS[kind](project)}_${formatTimestamp(at)}`;
  const suffix = `${INNER[kind]}${EXTENSIONS[compression]}`;
  return `${stem}${suffix}${encrypted ? ENCRYPTED : ""}`;
}

/** `20240115_140000` */
function formatTimestamp(at: Date): string {
  const [date = "", time = ""] = at.toISOString().split("T");
  return `${date.replaceAll("-", "")}_${time.slice(0, 8).replaceAll(":", "")}`;
}

/** Of a path's last part: nothing that leads elsewhere, or hides. @throws {DrError} ARTIFACT_NAME_INVALID. */
export function requireArtifactName(name: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new DrError("ARTIFACT_NAME_INVALID", { name });
  }
  return name;
}
