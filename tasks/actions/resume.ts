import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { openEngine } from "../../src/database/open-engine.js";
import {
  readRecord,
  restoreRecordFile,
} from "../../src/database/restore-record.js";
import { rebuildPlan } from "../../src/recovery/procedures.js";
import { resumeRun } from "../../src/run/conduct.js";
import { findRun } from "../../src/run/list-runs.js";
import type { Plan } from "../../src/run/plan.js";
import { exitCodeOf } from "../../src/run/runner.js";
import { announceEnd } from "./announce-run.js";
import {
  Interruption,
  outcomeToJson,
  requireConsent,
  requireConsentPossible,
  runPorts,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { resumeBrokenOff, resumeDatabaseRestore } from "./db-restore.js";
import { runTask } from "./output.js";
import { refreshReport } from "./refresh-report.js";
import { connect, sessionOptions, type ChangingArguments } from "./session.js";

interface ResumeArguments extends ChangingArguments {
  readonly run: string;
}

const action: NewTaskActionFunction<ResumeArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const restore =
      args.run === ""
        ? await readRecord(restoreRecordFile(hre.config.dr))
        : undefined;
    if (restore !== undefined) {
      output.progress(
        `Going on with the restore of ${restore.database} that was begun at ${restore.startedAt}.`,
      );
      return await resumeDatabaseRestore(restore, args, hre, output);
    }
    const engine = await openEngine(hre.config.dr, hre.config.paths.root);
    const broken = args.run === "" ? await engine.findBrokenOff?.() : undefined;
    if (broken !== undefined) {
      output.progress(
        `Going on with the restore that was begun at ${broken.startedAt}.`,
      );
      return await resumeBrokenOff(broken, args, hre, output);
    }
    const interruption = new Interruption();
    const session = await connect(hre, {
      ...sessionOptions(args),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { ports } = session;
    const run = await findRun(ports.folder, args.run || undefined);
    let plan: Plan | undefined;
    const { outcome } = await interruption.during(
      async () =>
        await resumeRun(
          run,
          async (started) => {
            const rebuilt = await rebuildPlan(ports, started);
            showPlan(rebuilt, output);
            await requireConsent(
              "apply this plan",
              session,
              args,
              hre,
              interruption.signal,
            );
            plan = rebuilt;
            return plan;
          },
          runPorts(ports, output, interruption.signal),
        ),
    );
    if (plan !== undefined) {
      announceEnd(plan, { session, hre, output }, { run, outcome });
    }
    tellOutcome(run, outcome);
    output.text(`${run}: ${outcome.status}\n`);
    await refreshReport(ports.folder, run, hre, output);
    return {
      json: outcomeToJson(run, outcome),
      exitCode: exitCodeOf(outcome),
    };
  });

export default action;
