import { rm } from "node:fs/promises";

import * as z from "zod";

import { writeAtomically } from "../../core/atomic-write.js";
import { canonicalJson, type Json } from "../../core/canonical-json.js";
import { DrError, messageOf } from "../../core/errors.js";
import { readIfThere } from "../../core/if-there.js";
import { writing } from "../../core/writing.js";

const schema = z.strictObject({
  startedAt: z.iso.datetime(),
  /** What was asked for: the same text for the same request. */
  what: z.string(),
  /** How it was asked for; absent: an undo. */
  address: z
    .strictObject({
      what: z.string(),
      before: z.iso.datetime().optional(),
      time: z.iso.datetime().optional(),
      lsn: z.string().optional(),
    })
    .optional(),
  /**
   * - `filling`: the new folder isn't whole, or isn't proven.
   * - `proven`: it is; nothing else has happened.
   * - `swapping`: the new folder is on its way to the live one's place.
   * - `returning`: the old one is on its way back.
   */
  phase: z.enum(["filling", "proven", "swapping", "returning"]),
  /** The folder that is to be the live one. */
  incoming: z.string(),
  /** What the live one is called then; absent: there was none. */
  aside: z.string().optional(),
  /** What must answer then; known once it is proven. */
  expected: z
    .strictObject({ systemIdentifier: z.string(), timeline: z.int() })
    .optional(),
});

/** How far a restore of a server has come: written before each thing that a killed one must know of. */
export type ClusterRecord = z.infer<typeof schema>;

/** @throws {DrError} NOT_WRITABLE. */
export async function writeClusterRecord(
  file: string,
  record: ClusterRecord,
): Promise<void> {
  await writing(file, async () => {
    await writeAtomically(
      file,
      `${canonicalJson(record as unknown as Json)}\n`,
    );
  });
}

export async function removeClusterRecord(file: string): Promise<void> {
  await writing(file, async () => {
    await rm(file, { force: true });
  });
}

/**
 * @returns undefined when nothing was broken off.
 * @throws {DrError} PGBACKREST_RECORD_UNREADABLE.
 */
export async function readClusterRecord(
  file: string,
): Promise<ClusterRecord | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const reason = messageOf(error);
    throw new DrError(
      "PGBACKREST_RECORD_UNREADABLE",
      { file, reason },
      { cause: error },
    );
  }
}
