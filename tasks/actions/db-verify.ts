import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { recordLocalProof } from "../../src/backup/proof.js";
import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { parseDatabaseUrl, type Access } from "../../src/database/access.js";
import { configuredAccess } from "../../src/database/configured.js";
import { findDatabaseBackup } from "../../src/database/find-backup.js";
import type { Dump } from "../../src/database/restore-source.js";
import { verifyBackup } from "../../src/database/verify.js";
import {
  examinationToJson,
  formatVerified,
} from "../../src/display/database-restore.js";
import { Interruption } from "./apply.js";
import { checkDump, restoreRecordFile } from "./db-restore.js";
import { parseJobs } from "./jobs.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";

interface VerifyArguments {
  readonly file: string;
  readonly fast: boolean;
  readonly keep: boolean;
  readonly jobs: string | undefined;
  readonly noOwner: boolean;
  readonly acceptUnauthenticated: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<VerifyArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { acceptUnauthenticated } = args;
    const path = await findDatabaseBackup(
      hre.config.dr,
      hre.config.paths.root,
      { what: args.file, acceptUnauthenticated },
    );
    const dump = await checkDump(path, hre, acceptUnauthenticated, output);
    if (args.fast) {
      const { name, isAuthentic } = dump;
      output.text(
        `${name} lies there as it was written${isAuthentic ? ", by somebody who has a key" : "; nothing proves who made it"}. Whether it can be restored isn't proven by that.\n`,
      );
      const json = { status: "checked", name, isAuthentic };
      return { json, exitCode: EXIT_CODES.done };
    }
    return await verify(dump, args, hre, output);
  });

export default action;

async function verify(
  dump: Dump,
  args: VerifyArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const { dr } = hre.config;
  const { noOwner, acceptUnauthenticated, keep } = args;
  const access = await trialAccess(dr);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const startedAt = performance.now();
  const { examination, kept } = await interruption.during(
    async () =>
      await withBar(
        {
          title: "Restore on trial",
          work: async (meter) =>
            await verifyBackup(dump, {
              access,
              jobs: parseJobs(args.jobs ?? "1"),
              noOwner,
              acceptUnauthenticated,
              keep,
              like: access.database,
              record: restoreRecordFile(hre),
              criticalTables: dr.database?.criticalTables ?? [],
              clock: systemClock,
              signal: interruption.signal,
              meter,
            }),
          tell: () => `${dump.name} is what was backed up`,
        },
        output,
      ),
  );
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const { tables, rows } = examination;
  const at = systemClock.now();
  const how = { restored: true, tables, rows, seconds };
  const proof = await recordLocalProof(dump.path, at, how);
  const left = { proof, ...(kept === undefined ? {} : { kept }) };
  output.text(formatVerified(dump.name, examination, left, output.paint));
  return {
    json: {
      status: "proven",
      name: dump.name,
      at: at.toISOString(),
      seconds,
      examination: examinationToJson(examination),
      ...left,
    },
    exitCode: EXIT_CODES.done,
  };
}

/** The server where backups are restored on trial. */
export async function trialAccess(
  dr: HardhatRuntimeEnvironment["config"]["dr"],
): Promise<Access> {
  const url = dr.database?.verify.url;
  return url === undefined
    ? await configuredAccess(dr)
    : parseDatabaseUrl(await url.get());
}
