import { join } from "node:path";

import * as z from "zod";

import { listArtifacts } from "../../artifact/list-artifacts.js";
import {
  checkArtifact,
  readManifest,
  type ArtifactKeys,
} from "../../artifact/read-artifact.js";
import { placeFolder } from "../../backup/folder.js";
import { artifactKeys } from "../../backup/place.js";
import type { DrConfig } from "../../config/types.js";
import { DrError } from "../../core/errors.js";
import { findDatabaseBackup } from "../find-backup.js";
import { parseFingerprint, type Fingerprint } from "../fingerprint.js";

const schema = z.object({
  format: z.literal("pgbackrest"),
  backup: z.object({ stanza: z.string(), label: z.string() }),
  mark: z.object({
    point: z.string(),
    lsn: z.string(),
    timeline: z.int(),
    snapshot: z.string(),
  }),
});

/** What was written down when pgBackRest made a backup. */
export interface BackupRecord {
  /** Its file's. */
  readonly path: string;
  readonly name: string;
  readonly createdAt: string;
  readonly isAuthentic: boolean;
  readonly stanza: string;
  readonly label: string;
  readonly mark: z.infer<typeof schema>["mark"];
  readonly fingerprint?: Fingerprint;
}

const LABEL = /^\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?$/;

/** Whether a text is what pgBackRest calls its backups. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/**
 * The record of a backup.
 *
 * @param what - A file, its name, a label of pgBackRest's, or `latest`.
 * @returns undefined when there is none of that label, or none at all.
 * @throws {DrError} ARTIFACT_MISSING, those of `checkArtifact`, and
 * MANIFEST_INVALID when it is of another engine.
 */
export async function findRecord(
  config: DrConfig,
  project: string,
  what: string,
): Promise<BackupRecord | undefined> {
  const keys = artifactKeys(config);
  if (what !== "latest" && !isLabel(what)) {
    const wanted = { what, acceptUnauthenticated: false };
    return await readRecord(
      await findDatabaseBackup({ config, project }, wanted),
      keys,
    );
  }
  for await (const { path, label } of listRecords(config)) {
    if (what === "latest" || label === what) {
      return await readRecord(path, keys);
    }
  }
  return undefined;
}

/** The records on this machine, the newest first, as far as their manifests tell. */
export async function* listRecords(
  config: DrConfig,
): AsyncGenerator<Pick<BackupRecord, "path" | "name" | "stanza" | "label">> {
  const folder = placeFolder(config, "database");
  const { entries } = await listArtifacts(folder, config.project);
  for (const { name, kind, status } of entries.toReversed()) {
    const path = join(folder, name);
    if (kind !== "database" || status !== "complete") {
      continue;
    }
    const { contents } = await readManifest(path);
    const backup = schema.safeParse(contents).data?.backup;
    if (backup !== undefined) {
      yield { path, name, ...backup };
    }
  }
}

async function readRecord(
  path: string,
  keys: ArtifactKeys,
): Promise<BackupRecord> {
  const { manifest, provenance } = await checkArtifact(path, keys);
  const { artifact, createdAt, contents } = manifest;
  const parsed = schema.safeParse(contents);
  if (!parsed.success) {
    const reason =
      "it isn't the record of a backup that pgBackRest made; set `dr.database.engine` to what made it";
    throw new DrError("MANIFEST_INVALID", { file: artifact, reason });
  }
  const { backup, mark } = parsed.data;
  const fingerprint = parseFingerprint(manifest);
  return {
    path,
    name: artifact,
    createdAt,
    isAuthentic: provenance.status === "signed" && keys.trusted.length > 0,
    ...backup,
    mark,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}
