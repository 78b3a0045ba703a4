import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { artifactKeys } from "../../src/backup/place.js";
import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { nameOfDatabase } from "../../src/database/access.js";
import { configuredAccess } from "../../src/database/configured.js";
import { findDatabaseBackup } from "../../src/database/find-backup.js";
import {
  prepareDatabaseRestore,
  restoreDatabase,
} from "../../src/database/restore.js";
import type { RestoreRecord } from "../../src/database/restore-record.js";
import { findDump, type Dump } from "../../src/database/restore-source.js";
import { prepareUndo, undoRestore } from "../../src/database/restore-undo.js";
import {
  examinationToJson,
  formatRestored,
  formatRestorePlan,
  formatUndone,
  restorePlanToJson,
} from "../../src/display/database-restore.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { parseJobs } from "./jobs.js";
import { parseTime } from "./offsite.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";

export interface DatabaseRestoreArguments {
  readonly file: string;
  readonly before: string | undefined;
  readonly into: string | undefined;
  readonly jobs: string | undefined;
  readonly noOwner: boolean;
  readonly acceptUnauthenticated: boolean;
  readonly keep: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

interface Arguments extends DatabaseRestoreArguments {
  readonly undo: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<Arguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    if (args.undo) {
      return await undo(args, hre, output);
    }
    const { before, acceptUnauthenticated } = args;
    const path = await findDatabaseBackup(
      hre.config.dr,
      hre.config.paths.root,
      {
        what: args.file,
        acceptUnauthenticated,
        ...(before === undefined
          ? {}
          : { before: parseTime("--before", before) }),
      },
    );
    return await restoreFromBackup(path, args, hre, output);
  });

export default action;

/** Restores the database from where its backup lies: checked, shown, asked, done. */
export async function restoreFromBackup(
  path: string,
  args: Omit<DatabaseRestoreArguments, "file" | "before">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const { dr } = hre.config;
  const access = await configuredAccess(dr);
  const { into, noOwner, acceptUnauthenticated, keep } = args;
  const jobs = parseJobs(args.jobs ?? "1");
  const dump = await checkDump(path, hre, acceptUnauthenticated, output);
  const options = {
    access,
    jobs,
    noOwner,
    acceptUnauthenticated,
    ...(into === undefined ? {} : { into }),
  };
  const { tool, notices } = await prepareDatabaseRestore(dump, options);
  const plan = {
    dump,
    database: nameOfDatabase(access),
    ...(into === undefined ? {} : { into }),
    tool: tool.path,
    notices,
  };
  output.text(formatRestorePlan(plan, output.paint));
  const exitCode = EXIT_CODES.done;
  if (args.dryRun) {
    const json = { status: "planned", ...restorePlanToJson(plan) };
    return { json, exitCode };
  }
  await requireYes("restore this", args, hre);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const restored = await interruption.during(
    async () =>
      await withBar(
        {
          title: "Restore",
          work: async (meter) =>
            await restoreDatabase(dump, {
              ...options,
              keep,
              record: restoreRecordFile(hre),
              criticalTables: dr.database?.criticalTables ?? [],
              clock: systemClock,
              signal: interruption.signal,
              meter,
            }),
          tell: ({ database }) => `${database} is what was backed up`,
        },
        output,
      ),
  );
  output.text(formatRestored(restored, output.paint));
  const { database, aside, examination } = restored;
  return {
    json: {
      status: "done",
      ...restorePlanToJson(plan),
      restored: database,
      aside: aside ?? null,
      examination: examinationToJson(examination),
    },
    exitCode,
  };
}

/** Where it is written down how far a restore of the database has come. */
export function restoreRecordFile({
  config,
}: HardhatRuntimeEnvironment): string {
  return join(config.dr.paths.backups, ".database-restore.json");
}

/** Goes on with a restore that was broken off, as it was asked for then. */
export async function resumeDatabaseRestore(
  { path, into, options }: RestoreRecord,
  args: Pick<DatabaseRestoreArguments, "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const { jobs, noOwner, acceptUnauthenticated } = options;
  return await restoreFromBackup(
    path,
    {
      ...args,
      into,
      jobs: String(jobs),
      noOwner,
      acceptUnauthenticated,
      keep: false,
    },
    hre,
    output,
  );
}

export async function checkDump(
  path: string,
  { config: { dr } }: HardhatRuntimeEnvironment,
  acceptUnauthenticated: boolean,
  output: Output,
): Promise<Dump> {
  return await withBar(
    {
      title: "Check",
      work: async (meter) =>
        await findDump(path, {
          keys: artifactKeys(dr),
          acceptUnauthenticated,
          meter,
        }),
      tell: ({ name }) => `${name} is whole`,
    },
    output,
  );
}

async function undo(
  args: Pick<Arguments, "dryRun" | "yes">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const access = await configuredAccess(hre.config.dr);
  const incoming = await prepareUndo(access);
  const exitCode = EXIT_CODES.done;
  output.text(
    `${incoming} → ${nameOfDatabase(access)}, in the place of what is there, which is kept under another name\n`,
  );
  if (args.dryRun) {
    return { json: { status: "planned", incoming }, exitCode };
  }
  await requireYes("swap them", args, hre);
  const undone = await undoRestore({ access, clock: systemClock });
  output.text(formatUndone(undone, incoming, output.paint));
  return {
    json: {
      status: "done",
      incoming,
      restored: undone.database,
      aside: undone.aside ?? null,
    },
    exitCode,
  };
}
