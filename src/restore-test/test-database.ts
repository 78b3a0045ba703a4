import { basename } from "node:path";

import type { CheckedArtifact } from "../artifact/read-artifact.js";
import type { Clock } from "../core/clock.js";
import type { Json } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import type { Access } from "../database/access.js";
import { withMaintenance } from "../database/maintenance.js";
import { findDump } from "../database/restore-source.js";
import { findOid, type Scratch } from "../database/scratch.js";
import { verifyBackup } from "../database/verify.js";
import type { Examination } from "../database/verify-restored.js";
import { Checklist, type Recorder } from "./checklist.js";
import { FETCH_CRITERIA, type TestSource } from "./fetch-backup.js";
import {
  DATABASE_CRITERIA,
  judgeDatabase,
  type DatabaseCriterion,
} from "./judge-database.js";
import { testPart, type PartOptions, type PartTest } from "./test-part.js";

/** Where databases are restored on trial, and what must come out. */
export interface DatabaseTrial {
  /** The server, by one of its databases, which isn't touched. */
  readonly access: Access;
  /** See `VerifyOptions`. */
  readonly record: string;
  readonly criticalTables: readonly string[];
  readonly jobs: number;
  readonly noOwner: boolean;
}

export interface DatabaseTestOptions extends PartOptions {
  /** @throws {DrError} DATABASE_NOT_CONFIGURED: that fails the test. */
  readonly openTrial: () => Promise<DatabaseTrial>;
  /** Leave what came out, under a name that begins so. */
  readonly keepAs: string;
  readonly keep: boolean;
  readonly clock: Clock;
}

/**
 * Restores a target's backup of the database into a new one, and measures it.
 *
 * @throws only the signal's reason.
 */
export async function testDatabase(
  source: TestSource,
  options: DatabaseTestOptions,
): Promise<PartTest> {
  const checklist = new Checklist([
    ...FETCH_CRITERIA,
    "test_database",
    "restore",
    ...DATABASE_CRITERIA,
    "cleanup",
  ] as const);
  const seen: Seen = { kept: undefined, scratch: undefined, access: undefined };
  const tested = await testPart(
    source,
    {
      kind: "database",
      checklist,
      restore: async (checked) =>
        await restoreOnTrial(checked, options, checklist, seen),
      findLeft: async () => await findScratch(seen),
    },
    options,
  );
  return {
    ...tested,
    ...(seen.scratch === undefined ? {} : { testDatabase: seen.scratch.name }),
    ...(seen.kept === undefined
      ? {}
      : { kept: seen.kept, testDatabase: seen.kept }),
  };
}

/** What becomes known on the way, whether it ends well or not. */
interface Seen {
  access: Access | undefined;
  scratch: Scratch | undefined;
  kept: string | undefined;
}

async function restoreOnTrial(
  { path }: CheckedArtifact,
  options: DatabaseTestOptions,
  checklist: Recorder<DatabaseCriterion | "test_database" | "restore">,
  seen: Seen,
): Promise<Json> {
  const { keys, signal, meter, clock, keep, keepAs } = options;
  const startedAt = performance.now();
  const trial = await options.openTrial();
  seen.access = trial.access;
  const dump = await findDump(path, {
    keys,
    acceptUnauthenticated: false,
    meter,
  });
  let examination: Examination | undefined;
  try {
    const { kept } = await verifyBackup(dump, {
      ...trial,
      acceptUnauthenticated: false,
      like: trial.access.database,
      keep,
      keepAs,
      clock,
      signal,
      meter,
      onCreated: (scratch) => {
        seen.scratch = scratch;
      },
      onStep: (step) => {
        if (step === "created") {
          checklist.pass("test_database", seen.scratch?.name ?? "");
        } else if (step === "loaded") {
          checklist.pass("restore", `all of ${basename(path)} was loaded`);
        }
      },
      onExamined: (examined) => {
        examination = examined;
        const { fingerprint } = dump;
        judgeDatabase(examined, fingerprint, trial.criticalTables, checklist);
      },
    });
    seen.kept = kept;
  } catch (error) {
    // That says only what is measured, one by one, already.
    if (
      examination === undefined ||
      !isDrError(error, "DATABASE_RESTORED_WRONG")
    ) {
      throw error;
    }
  }
  return {
    restored: true,
    by: "dr:offsite:test",
    tables: examination?.tables ?? 0,
    rows: examination?.rows ?? "0",
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** One that was kept has another name. */
async function findScratch({
  access,
  scratch,
}: Seen): Promise<readonly string[]> {
  if (access === undefined || scratch === undefined) {
    return [];
  }
  const oid = await withMaintenance(
    access,
    async (session) => await findOid(session, scratch.name),
  );
  return oid === undefined ? [] : [`the database ${scratch.name}`];
}
