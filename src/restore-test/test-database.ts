import type { CheckedArtifact } from "../artifact/read-artifact.js";
import type { Clock } from "../core/clock.js";
import type { Json } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import type { Engine, FoundBackup } from "../database/engine.js";
import type { RestoreStep } from "../database/restore-fill.js";
import type { TrialDatabase } from "../database/verify.js";
import type { Examination } from "../database/verify-restored.js";
import { Checklist, type Recorder } from "./checklist.js";
import { FETCH_CRITERIA, type TestSource } from "./fetch-backup.js";
import {
  DATABASE_CRITERIA,
  judgeDatabase,
  type DatabaseCriterion,
} from "./judge-database.js";
import { testPart, type PartOptions, type PartTest } from "./test-part.js";

/** What restores databases on trial, and what must come out. */
export interface DatabaseTrial {
  readonly engine: Pick<Engine, "find">;
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
  const seen: Seen = { kept: undefined, trial: undefined };
  const tested = await testPart(
    source,
    {
      kind: "database",
      checklist,
      restore: async (checked) =>
        await restoreOnTrial(checked, options, checklist, seen),
      findLeft: async () =>
        !options.keep && (await seen.trial?.isThere()) === true
          ? [`the database ${seen.trial?.name ?? ""}`]
          : [],
    },
    options,
  );
  const testDatabase = seen.kept ?? seen.trial?.name;
  return {
    ...tested,
    ...(testDatabase === undefined ? {} : { testDatabase }),
    ...(seen.kept === undefined ? {} : { kept: seen.kept }),
  };
}

/** What becomes known on the way, whether it ends well or not. */
interface Seen {
  trial: TrialDatabase | undefined;
  /** With PGlite it has another name then. */
  kept: string | undefined;
}

async function restoreOnTrial(
  { path }: CheckedArtifact,
  options: DatabaseTestOptions,
  checklist: Recorder<DatabaseCriterion | "test_database" | "restore">,
  seen: Seen,
): Promise<Json> {
  const startedAt = performance.now();
  const trial = await options.openTrial();
  const backup = await trial.engine.find(
    { what: path, acceptUnauthenticated: false },
    options.meter,
  );
  const { tables, rows } = await examine(
    backup,
    trial,
    options,
    checklist,
    seen,
  );
  return {
    restored: true,
    by: "dr:offsite:test",
    tables,
    rows,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** @returns what came out, good or not: the checklist says which. */
async function examine(
  backup: FoundBackup,
  { criticalTables, jobs, noOwner }: DatabaseTrial,
  { clock, signal, meter, keep, keepAs }: DatabaseTestOptions,
  checklist: Recorder<DatabaseCriterion | "test_database" | "restore">,
  seen: Seen,
): Promise<Examination> {
  let examination: Examination | undefined;
  const onStep = (step: RestoreStep) => {
    if (step === "created") {
      checklist.pass("test_database", seen.trial?.name ?? "made");
    } else if (step === "loaded") {
      checklist.pass("restore", `all of ${backup.name} was loaded`);
    }
  };
  const onExamined = (examined: Examination) => {
    examination = examined;
    // An engine that doesn't tell its steps has been through them all the same.
    onStep("created");
    onStep("loaded");
    judgeDatabase(examined, backup.fingerprint, criticalTables, checklist);
  };
  try {
    const verified = await backup.verify({
      jobs,
      noOwner,
      acceptUnauthenticated: false,
      keep,
      keepAs,
      clock,
      signal,
      meter,
      onCreated: (database) => {
        seen.trial = database;
      },
      onStep,
      onExamined,
    });
    seen.kept = verified.kept;
    if (examination === undefined) {
      onExamined(verified.examination);
    }
    return verified.examination;
  } catch (error) {
    // That says only what is measured, one by one, already.
    if (
      examination !== undefined &&
      isDrError(error, "DATABASE_RESTORED_WRONG")
    ) {
      return examination;
    }
    throw error;
  }
}
