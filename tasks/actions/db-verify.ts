import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { DrConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { FoundBackup } from "../../src/database/engine.js";
import { measureRestore } from "../../src/database/measure-restore.js";
import { openEngine } from "../../src/database/open-engine.js";
import {
  examinationToJson,
  formatVerified,
  tellRestored,
} from "../../src/display/database-restore.js";
import { Interruption } from "./apply.js";
import { findBackup } from "./db-restore.js";
import { parseJobs } from "./jobs.js";
import { keepReport } from "./keep-report.js";
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
    const engine = await openEngine(hre.config.dr, hre.config.paths.root);
    const wanted = {
      what: args.file,
      acceptUnauthenticated,
      purpose: "verify" as const,
    };
    const backup = await findBackup(engine, wanted, output);
    if (args.fast) {
      const { name, isAuthentic } = backup;
      output.text(
        `${name} lies there as it was written${isAuthentic ? ", by somebody who has a key" : "; nothing proves who made it"}. Whether it can be restored isn't proven by that.\n`,
      );
      const json = { status: "checked", name, isAuthentic };
      return { json, exitCode: EXIT_CODES.done };
    }
    return await verify(backup, hre.config.dr, args, output);
  });

export default action;

async function verify(
  backup: FoundBackup,
  config: DrConfig,
  args: VerifyArguments,
  output: Output,
): Promise<TaskResult> {
  const { noOwner, acceptUnauthenticated, keep } = args;
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const startedAt = systemClock.now();
  const { examination, kept } = await interruption.during(
    async () =>
      await withBar(
        {
          title: "Restore on trial",
          work: async (meter) =>
            await backup.verify({
              jobs: parseJobs(args.jobs ?? "1"),
              noOwner,
              acceptUnauthenticated,
              keep,
              clock: systemClock,
              signal: interruption.signal,
              meter,
            }),
          tell: () => tellRestored(backup, backup.name),
        },
        output,
      ),
  );
  const { tables, rows } = examination;
  const at = systemClock.now();
  const measures = measureRestore(backup, startedAt, at);
  const { seconds } = measures;
  const by = "dr:db:verify";
  const how = { restored: true, by, tables, rows, seconds };
  const proof = await backup.recordProof(at, how);
  const left = { proof, ...(kept === undefined ? {} : { kept }) };
  output.text(formatVerified(backup.name, examination, left, output.paint));
  const json = {
    status: "proven",
    name: backup.name,
    schema: backup.fingerprint?.schema ?? null,
    at: at.toISOString(),
    measures: { ...measures },
    examination: examinationToJson(examination),
    ...left,
  };
  const exitCode = EXIT_CODES.done;
  const what = "database_verification";
  return await keepReport({ config, what, startedAt, json, exitCode }, output);
}
