import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import type { DrConfig } from "../../config/types.js";
import { DrError } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { resolveLink } from "../../core/atomic-write.js";
import { identityOf, type Identity } from "./identity.js";

type Section = NonNullable<NonNullable<DrConfig["database"]>["pgbackrest"]>;

/** What the work with a server and its repository rests on. */
export interface PgbackrestSettings extends Section {
  /** Of the live server; where it is, not a link that leads there. */
  readonly dataFolder: string;
  readonly identity: Identity;
}

/**
 * What is configured, held against the disk.
 *
 * @throws {DrError} PGBACKREST_NOT_CONFIGURED, PGBACKREST_FOREIGN.
 */
export async function openSettings({
  database,
}: DrConfig): Promise<PgbackrestSettings> {
  const section = database?.pgbackrest;
  if (section === undefined) {
    throw new DrError("PGBACKREST_NOT_CONFIGURED", {});
  }
  const parent = dirname(section.dataFolder);
  if ((await ifThere(realpath(parent))) === undefined) {
    const dataFolder = section.dataFolder;
    throw new DrError("PGBACKREST_UNFIT", {
      what: "The server",
      reasons: `there is no folder ${parent}, in which ${dataFolder} should be`,
    });
  }
  const dataFolder = await resolveLink(section.dataFolder);
  return { ...section, dataFolder, identity: await identityOf(dataFolder) };
}

/** Where a restore is made: beside the live folder, so that a rename brings it there. */
export function restoreFolder({ dataFolder }: PgbackrestSettings): string {
  return `${dataFolder}.restore`;
}

/** Where backups are restored on trial. */
export function trialFolder({
  dataFolder,
  scratchFolder,
}: PgbackrestSettings): string {
  const parent = scratchFolder ?? dirname(dataFolder);
  return join(parent, `${basename(dataFolder)}.trial`);
}
