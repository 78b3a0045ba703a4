import { join } from "node:path";

import * as z from "zod";

import type { ManifestText } from "../artifact/find-breaks.js";
import { MANIFEST_SUFFIX, parseArtifactName } from "../artifact/name.js";
import { readIfThere } from "../core/if-there.js";
import { namesIn } from "../core/names-in.js";

/** What is needed of a replication's report. */
const schema = z.object({
  dry_run: z.boolean(),
  targets: z.array(
    z.object({
      target: z.string(),
      backups: z.array(z.object({ name: z.string(), status: z.string() })),
    }),
  ),
});

const REPORT = /^offsite_replication_\d{8}_\d{6}\.json$/;

/**
 * The manifests that this machine has replicated to a target, by its reports,
 * and still has: what a target has lost shows by them.
 *
 * @param backups - Holds a folder for each kind, and `reports`.
 */
export async function readKnownManifests(
  backups: string,
  target: string,
): Promise<ManifestText[]> {
  const names = await readReplicated(join(backups, "reports"), target);
  const read = await Promise.all(
    [...names].map(async (name) => {
      const kind = parseArtifactName(name)?.kind ?? "";
      const path = join(backups, kind, `${name}${MANIFEST_SUFFIX}`);
      const text = await readIfThere(path);
      return text === undefined ? [] : [{ name, text }];
    }),
  );
  return read.flat();
}

async function readReplicated(
  folder: string,
  target: string,
): Promise<ReadonlySet<string>> {
  const files = (await namesIn(folder)).filter((name) => REPORT.test(name));
  const reports = await Promise.all(
    files.map(async (name) => await readReport(join(folder, name))),
  );
  return new Set(
    reports
      .filter((report) => report?.dry_run === false)
      .flatMap((report) => report?.targets ?? [])
      .filter((one) => one.target === target)
      .flatMap(({ backups }) => backups)
      .filter(({ status }) => status !== "failed")
      .map(({ name }) => name),
  );
}

/** @returns undefined of one that can't be read: it tells nothing. */
async function readReport(
  path: string,
): Promise<z.infer<typeof schema> | undefined> {
  const text = (await readIfThere(path)) ?? "";
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
