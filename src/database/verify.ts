import type { Access } from "./access.js";
import { withMaintenance } from "./maintenance.js";
import { fillScratch, keepScratch, type FillOptions } from "./restore-fill.js";
import { readRecord } from "./restore-record.js";
import { requireRestorable } from "./restore-requirements.js";
import type { Dump } from "./restore-source.js";
import {
  dropAbandoned,
  dropScratch,
  findOid,
  type Scratch,
} from "./scratch.js";
import type { Examination } from "./verify-restored.js";

/** A database that is there for a trial. */
export interface TrialDatabase {
  readonly name: string;
  /** Whether there still is one of this name. */
  readonly isThere: () => Promise<boolean>;
}

/** What whoever follows a trial is told. */
export type TrialWatch = Pick<
  FillOptions,
  "keepAs" | "onStep" | "onExamined"
> & {
  /** What it is restored into, before it is. */
  readonly onCreated?: (database: TrialDatabase) => void;
};

export interface VerifyOptions extends FillOptions, TrialWatch {
  /** The server to restore on, by one of its databases, which isn't touched. */
  readonly access: Access;
  /** Where it is written down what a broken-off restore left that is still wanted. */
  readonly record: string;
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
        options.onCreated?.(toTrial(created, options));
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

function toTrial(
  { name }: Scratch,
  { access }: Pick<VerifyOptions, "access">,
): TrialDatabase {
  return {
    name,
    isThere: async () =>
      await withMaintenance(
        access,
        async (session) => (await findOid(session, name)) !== undefined,
      ),
  };
}
