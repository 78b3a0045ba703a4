import { inDatabase, type Access } from "../access.js";
import { withMaintenance } from "../maintenance.js";
import { fillScratch, type FillOptions } from "../restore-fill.js";
import { readRecord } from "../restore-record.js";
import { requireRestorable } from "../restore-requirements.js";
import type { Dump } from "../restore-source.js";
import { dropAbandoned, dropScratch } from "../scratch.js";

export interface RestoredOptions extends Omit<FillOptions, "keep"> {
  /** The server to restore on, by one of its databases, which isn't touched. */
  readonly access: Access;
  /** Where it is written down what a broken-off restore left that is still wanted. */
  readonly record: string;
}

/**
 * Restores a backup beside, proves it, and works with it; then it is dropped.
 *
 * @throws {DrError} those of `verifyBackup`, and what the work throws.
 */
export async function withRestored<T>(
  dump: Dump,
  options: RestoredOptions,
  work: (restored: Access) => Promise<T>,
): Promise<T> {
  return await withMaintenance(options.access, async (session) => {
    const wanted = await readRecord(options.record);
    await dropAbandoned(session, wanted?.scratch.name);
    const { tool } = await requireRestorable(session, dump, options);
    const { scratch } = await fillScratch(
      session,
      { ...dump, tool },
      { ...options, keep: false },
    );
    try {
      return await work(inDatabase(options.access, scratch.name));
    } finally {
      await dropScratch(session, scratch.name);
    }
  });
}
