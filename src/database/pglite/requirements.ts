import { access, mkdir } from "node:fs/promises";
import { basename, dirname } from "node:path";

import { DrError } from "../../core/errors.js";
import { freeBytes } from "../../core/free-bytes.js";
import { writing } from "../../core/writing.js";
import type { RestoreChoices, RestorePreparation } from "../engine.js";
import { inMegabytes } from "../megabytes.js";
import type { Dump } from "../restore-source.js";
import { isDatabase, requireQuiet } from "./folder.js";
import { beside, type Location } from "./location.js";
import { loadExtensions, loadPGlite } from "./package.js";

/** What a new database takes before there is anything in it. */
const EMPTY_BYTES = 50e6;

/**
 * Finds out all that would keep a dump from becoming a database here, before
 * anything is made.
 *
 * @throws {DrError} DATABASE_PACKAGE_MISSING, DATABASE_UNFIT with all that is
 * in the way.
 */
export async function requireLoadable(
  { live }: Location,
  dump: Dump,
): Promise<RestorePreparation> {
  await loadPGlite();
  const { name, format, fingerprint } = dump;
  const reasons = [
    ...(format === "plain"
      ? []
      : [
          `it is in the ${format} format, which only pg_restore reads: restore it into a PostgreSQL server with \`engine: "postgres"\`, and back that up with \`--format plain\``,
        ]),
    ...(await missingExtensions(dump)),
    ...(fingerprint === undefined || fingerprint.encoding === "UTF8"
      ? []
      : [
          `its texts are in ${fingerprint.encoding}, where PGlite takes UTF8: restore it into a PostgreSQL server`,
        ]),
    ...(await missingSpace(live, dump)),
  ];
  if (reasons.length > 0) {
    throw new DrError("DATABASE_UNFIT", { name, reasons: reasons.join("; ") });
  }
  return { tool: "@electric-sql/pglite", notices: noticesOf(dump) };
}

async function missingExtensions({
  fingerprint,
}: Dump): Promise<readonly string[]> {
  const there = Object.keys(await loadExtensions());
  const needed = (fingerprint?.extensions ?? []).map(({ name }) => name);
  return needed
    .filter((name) => !there.includes(name.replaceAll("-", "_")))
    .map(
      (name) =>
        `PGlite doesn't bring the extension ${name} along: restore it into a PostgreSQL server`,
    );
}

async function missingSpace(
  live: string,
  { sizeBytes = 0 }: Dump,
): Promise<readonly string[]> {
  const folder = dirname(live);
  await writing(folder, async () => await mkdir(folder, { recursive: true }));
  const [free, needed] = [await freeBytes(folder), sizeBytes + EMPTY_BYTES];
  return free < needed
    ? [
        `the disk of ${folder} has ${inMegabytes(free)} MB left, and about ${inMegabytes(needed)} MB are needed: make room`,
      ]
    : [];
}

function noticesOf({ fingerprint }: Dump): readonly string[] {
  return fingerprint === undefined || fingerprint.locale.collate === "C"
    ? []
    : [
        `Texts were sorted as in ${fingerprint.locale.collate}; PGlite sorts them by their bytes.`,
      ];
}

/**
 * Finds out what would keep a restored database from getting its name.
 *
 * @returns the folder that it gets.
 * @throws {DrError} DATABASE_FOLDER_IN_USE, DATABASE_EXISTS, OPTION_INVALID.
 */
export async function requirePlaceable(
  location: Location,
  { into }: Pick<RestoreChoices, "into">,
): Promise<string> {
  const { live } = location;
  if (into === undefined) {
    if (await isThere(live)) {
      await requireReplaceable(live);
    }
    return live;
  }
  if (into !== basename(into) || into === "." || into === "..") {
    throw new DrError("OPTION_INVALID", {
      option: "--into",
      value: into,
      expected: `the name alone of a folder beside ${live}`,
    });
  }
  const folder = beside(location, into);
  if (await isThere(folder)) {
    throw new DrError("DATABASE_EXISTS", { database: folder });
  }
  return folder;
}

/** What isn't a database isn't moved away either. */
async function requireReplaceable(live: string): Promise<void> {
  if (!(await isDatabase(live))) {
    throw new DrError("DATABASE_FOLDER_UNREADABLE", {
      folder: live,
      reason: "there is something, but no database in it",
    });
  }
  await requireQuiet(live);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
