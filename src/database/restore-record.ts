import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import * as z from "zod";

import type { DrConfig } from "../config/types.js";
import { writeAtomically } from "../core/atomic-write.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import { DrError, hasCode, messageOf } from "../core/errors.js";
import { writing } from "../core/writing.js";

const schema = z.strictObject({
  startedAt: z.iso.datetime(),
  /** Absolute: of the artifact. */
  path: z.string(),
  /** Of the artifact. */
  sha256: z.string(),
  /** `takumi at db.example.org:5432` */
  database: z.string(),
  /** Where it isn't to be swapped. */
  into: z.string().optional(),
  options: z.strictObject({
    jobs: z.int(),
    noOwner: z.boolean(),
    acceptUnauthenticated: z.boolean(),
  }),
  scratch: z.strictObject({ name: z.string(), oid: z.string() }),
  /** It is filled, and is what was backed up. */
  isVerified: z.boolean(),
  /** What the present one is called once it is swapped; written before that. */
  aside: z.string().optional(),
});

/** How far a restore has come: written before each thing that a killed one must know of. */
export type RestoreRecord = z.infer<typeof schema>;

/** Where it is written down how far a restore of the database has come. */
export function restoreRecordFile({ paths }: Pick<DrConfig, "paths">): string {
  return join(paths.backups, ".database-restore.json");
}

/** @throws {DrError} NOT_WRITABLE. */
export async function writeRecord(
  file: string,
  record: RestoreRecord,
): Promise<void> {
  await writing(file, async () => {
    await writeAtomically(
      file,
      `${canonicalJson(record as unknown as Json)}\n`,
    );
  });
}

/** @throws {DrError} NOT_WRITABLE. */
export async function removeRecord(file: string): Promise<void> {
  await writing(file, async () => {
    await rm(file, { force: true });
  });
}

/**
 * @returns undefined when there is no restore that was broken off.
 * @throws {DrError} RESTORE_RECORD_UNREADABLE.
 */
export async function readRecord(
  file: string,
): Promise<RestoreRecord | undefined> {
  return await readNote(file, (value) => schema.parse(value));
}

/**
 * What was written down of a restore, as JSON.
 *
 * @returns undefined when there is no such file.
 * @throws {DrError} RESTORE_RECORD_UNREADABLE.
 */
export async function readNote<T>(
  file: string,
  parse: (value: unknown) => T,
): Promise<T | undefined> {
  try {
    return parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw new DrError(
      "RESTORE_RECORD_UNREADABLE",
      { file, reason: messageOf(error) },
      { cause: error },
    );
  }
}
