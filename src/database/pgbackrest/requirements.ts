import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { DrError } from "../../core/errors.js";
import { freeBytes } from "../../core/free-bytes.js";
import { ifThere, readIfThere } from "../../core/if-there.js";
import { inMegabytes } from "../megabytes.js";
import { readControlData } from "./control-data.js";
import { sizeOfFolder } from "../pglite/folder.js";
import { dataIn, requireShortPath } from "./fill.js";
import type { LiveServer } from "./live.js";
import {
  unreadRepositories,
  type RepositoryBackup,
  type Stanza,
} from "./repository.js";
import { findServerPrograms, majorOf } from "./server-programs.js";
import { restoreFolder, type PgbackrestSettings } from "./settings.js";

/** What is known before a restore. */
export interface Facts {
  readonly settings: PgbackrestSettings;
  readonly stanza: Stanza;
  /** With what only `info --set` tells. */
  readonly backup: RepositoryBackup;
  /** Absent: it doesn't answer. */
  readonly live: LiveServer | undefined;
}

/** As many segments of the log lie beside the data for a while. */
const LOG_BYTES = 2 ** 30;

/**
 * Finds out all that would keep a backup from being restored into a work
 * folder, before anything is made there.
 *
 * @throws {DrError} PGBACKREST_UNFIT with all reasons, DATABASE_TOOL_MISSING.
 */
export async function requireFolderFit(
  facts: Facts,
  workFolder: string,
): Promise<void> {
  const { stanza, backup, settings } = facts;
  const version = stanza.db.find(({ id }) => id === backup.database.id);
  await findServerPrograms(version?.version ?? "", settings);
  const tooLong = requireShortPath(workFolder);
  refuse(`The backup ${backup.label}`, [
    ...elsewhere(backup),
    ...(tooLong === undefined ? [] : [tooLong]),
    ...(await missingSpace(backup, workFolder)),
  ]);
}

/**
 * The same for what is to take the live folder's place.
 *
 * @returns what people should know: sentences.
 * @throws {DrError} PGBACKREST_UNFIT with all reasons.
 */
export async function requireSwapFit(facts: Facts): Promise<readonly string[]> {
  const { settings, live, backup } = facts;
  await requireFolderFit(facts, restoreFolder(settings));
  refuse(`The backup ${backup.label}`, [
    ...(await foreign(facts)),
    ...(await immovable(settings)),
    ...(live?.isStandby === true
      ? [
          "the live server is a standby: restore the primary, then make the standby anew",
        ]
      : []),
    ...(live?.mayMark === false
      ? [
          "the role may not name places in the log: GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO it",
        ]
      : []),
  ]);
  return noticesOf(facts);
}

function refuse(what: string, reasons: readonly string[]): void {
  if (reasons.length > 0) {
    throw new DrError("PGBACKREST_UNFIT", {
      what,
      reasons: reasons.join("; "),
    });
  }
}

/** What lies outside of the data folder would be written over while the live server uses it. */
function elsewhere({ tablespace, link }: RepositoryBackup): readonly string[] {
  const names = [...(tablespace ?? []), ...(link ?? [])].map(
    ({ name }) => name,
  );
  return names.length === 0
    ? []
    : [
        `parts of it lie outside of the data folder (${names.join(", ")}), and two servers can't share them: stop the server and restore by hand with \`pgbackrest restore\`, \`--tablespace-map\` and \`--link-map\``,
      ];
}

async function missingSpace(
  { info }: RepositoryBackup,
  workFolder: string,
): Promise<readonly string[]> {
  const parent = dirname(workFolder);
  if ((await ifThere(stat(parent))) === undefined) {
    return [`there is no folder ${parent}`];
  }
  // What a broken-off restore has left there is taken up again.
  const present = (await ifThere(sizeOfFolder(dataIn(workFolder)))) ?? 0;
  const needed = Math.max(info.size - present, 0) + LOG_BYTES;
  const free = await freeBytes(parent);
  return free < needed
    ? [
        `${parent} has ${inMegabytes(free)} MB left, and ${inMegabytes(needed)} MB are needed beside what is there: make room`,
      ]
    : [];
}

/** The stanza, the data folder and the server that answers must be of one system. */
async function foreign({
  settings,
  stanza,
  backup,
  live,
}: Facts): Promise<readonly string[]> {
  const { dataFolder, identity } = settings;
  const known = stanza.db.find(({ id }) => id === backup.database.id);
  const wanted = known?.["system-id"];
  const major = await majorOf(dataFolder);
  const folder =
    major === undefined
      ? undefined
      : await readControlData(
          dataFolder,
          await findServerPrograms(major, settings),
          identity,
        ).catch(() => undefined);
  const isAnother = (found: string | undefined) =>
    found !== undefined && found !== wanted;
  return [
    ...(isAnother(folder?.systemIdentifier)
      ? [
          `the stanza ${settings.stanza} is of another server (${String(wanted)}) than ${dataFolder} (${String(folder?.systemIdentifier)}): correct \`dr.database.pgbackrest\``,
        ]
      : []),
    ...(isAnother(live?.systemIdentifier)
      ? [
          `the server at \`dr.database.url\` is another one than the stanza ${settings.stanza} is of: correct either`,
        ]
      : []),
    ...(live?.dataFolder !== undefined && live.dataFolder !== dataFolder
      ? [
          `the server at \`dr.database.url\` has its data in ${live.dataFolder}, not in ${dataFolder}: correct \`dr.database.pgbackrest.dataFolder\``,
        ]
      : []),
  ];
}

async function immovable({
  dataFolder,
}: PgbackrestSettings): Promise<readonly string[]> {
  const found = await ifThere(stat(dataFolder));
  if (found === undefined) {
    return [];
  }
  const parent = await stat(dirname(dataFolder));
  const standby = await readIfThere(join(dataFolder, "standby.signal"));
  return [
    ...(found.dev === parent.dev
      ? []
      : [
          `${dataFolder} is a mount of its own, which can't be renamed: put the data in a folder within it`,
        ]),
    ...(standby === undefined
      ? []
      : [`${dataFolder} is a standby's: restore the primary`]),
  ];
}

function noticesOf({ live, backup, stanza }: Facts): readonly string[] {
  const databases =
    live?.databases ?? backup["database-ref"]?.map(({ name }) => name) ?? [];
  return [
    `The whole server goes back, with all its databases: ${databases.join(", ")}.`,
    ...unreadRepositories(stanza).map(
      (reason) =>
        `A repository can't be read, and another one is taken (${reason}).`,
    ),
    ...(live === undefined
      ? [
          "The live server doesn't answer: what it had not archived yet can't be brought back.",
        ]
      : []),
    ...((live?.replicas ?? 0) > 0
      ? [
          `${String(live?.replicas)} standbys follow it: they must be made anew afterwards.`,
        ]
      : []),
    ...((live?.slots ?? 0) > 0
      ? [
          `Its ${String(live?.slots)} replication slots are in no backup: make them anew afterwards.`,
        ]
      : []),
  ];
}
