import type { Access } from "./access.js";
import { withMaintenance } from "./maintenance.js";
import { fillScratch, keepScratch, type FillOptions } from "./restore-fill.js";
import { readRecord } from "./restore-record.js";
import { requireRestorable } from "./restore-requirements.js";
import type { Dump } from "./restore-source.js";
import { dropAbandoned, dropScratch, type Scratch } from "./scratch.js";
import type { Examination } from "./verify-restored.js";

export interface VerifyOptions extends FillOptions {
  /** The server to restore on, by one of its databases, which isn't touched. */
  readonly access: Access;
  /** Where it is written down what a broken-off restore left that is still wanted. */
  readonly record: string;
  /** Told what it is restored into, before it is. */
  readonly onCreated?: (scratch: Scratch) => void;
}

export interface VerifiedBackup {
  readonly examination: Examination;
  /** What came out of it, when it was to be kept. */
  readonly kept?: string;
}

/**
 * Restores a backup on trial, holds it against what was written down when it
 * was made, and drops it again; also what earlier trials left that were killed.
 *
 * @throws {DrError} DATABASE_RESTORED_WRONG, and those of `requireRestorable`,
 * `loadDump` and `withSession`.
 */
export async function verifyBackup(
  dump: Dump,
  options: VerifyOptions,
): Promise<VerifiedBackup> {
  return await withMaintenance(options.access, async (session) => {
    const wanted = await readRecord(options.record);
    await dropAbandoned(session, wanted?.scratch.name);
    const { tool } = await requireRestorable(session, dump, options);
    const { scratch, examination } = await fillScratch(
      session,
      { ...dump, tool },
      options,
      async (created) => {
        options.onCreated?.(created);
        await Promise.resolve();
      },
    );
    if (options.keep) {
      const kept = await keepScratch(session, scratch, options);
      return { examination, kept };
    }
    await dropScratch(session, scratch.name);
    return { examination };
  });
}
