import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatSafety, safetyToJson } from "../../src/display/safety.js";
import {
  readChangeResults,
  type ChangeResult,
} from "../../src/recovery/rollback-result.js";
import type { RollbackResolution } from "../../src/recovery/rollback.js";
import { exitCodeOf } from "../../src/run/runner.js";
import { prepareRollback } from "../../src/session/procedure.js";
import {
  conduct,
  confirmPlan,
  Interruption,
  requireConsentPossible,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { runTask } from "./output.js";
import { connect, sessionOptions, type ChangingArguments } from "./session.js";

interface RollbackArguments extends ChangingArguments {
  readonly names: string[];
  readonly all: boolean;
  readonly to: string;
  readonly noPause: boolean;
  readonly keepPaused: boolean;
  readonly acceptStorageRisk?: string | undefined;
}

const action: NewTaskActionFunction<RollbackArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const interruption = new Interruption();
    const session = await connect(hre, {
      ...sessionOptions(args),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { plan, resolution } = await prepareRollback(session, {
      ...args,
      pause: !args.noPause,
      acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
    });
    showPlan(plan, output);
    for (const [name, report] of Object.entries(resolution.safety)) {
      output.text(formatSafety(name, report, output.paint));
    }
    if (args.dryRun) {
      const json = { run: null, status: "planned", contracts: [] };
      return { json, exitCode: EXIT_CODES.done };
    }
    await confirmPlan(plan, session, args, hre);
    const { run, outcome, records } = await conduct(
      plan,
      session,
      output,
      interruption,
    );
    tellOutcome(run, outcome);
    const results = await readChangeResults(
      session.ports,
      resolution.intent,
      records,
    );
    output.text(results.map(formatResult).join(""));
    return {
      json: {
        run,
        status: outcome.status,
        contracts: results.map((result) => resultToJson(result, resolution)),
      },
      exitCode: exitCodeOf(outcome),
    };
  });

function formatResult({ name, to, versionAfter, paused }: ChangeResult): string {
  const state = paused === true ? ", paused" : "";
  return `${name}: ${versionAfter ?? "no version()"} at ${to}${state}\n`;
}

function resultToJson(
  result: ChangeResult,
  { safety }: RollbackResolution,
): Json {
  const report = safety[result.name];
  return {
    ...result,
    txs: result.txs.map((tx) => ({ ...tx })),
    safety: report === undefined ? null : safetyToJson(report),
  };
}

export default action;
