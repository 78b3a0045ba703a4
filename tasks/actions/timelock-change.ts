import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { planToJson } from "../../src/display/plan.js";
import type { ConductedRun } from "../../src/run/conduct.js";
import type { Plan } from "../../src/run/plan.js";
import { exitCodeOf } from "../../src/run/runner.js";
import type { Session } from "../../src/session/open-session.js";
import { conductAnnounced } from "./announce-run.js";
import {
  Interruption,
  requireConsent,
  requireConsentPossible,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { runTask } from "./output.js";
import { connect, sessionOptions, type ChangingArguments } from "./session.js";

/** What a task is about to do, and what it says of it. */
export interface OperationChange {
  /** Undefined when there is nothing left to do. */
  readonly plan: Plan | undefined;
  /** In `--json`, whatever becomes of it. */
  readonly facts: Readonly<Record<string, Json>>;
  /** How it stands afterwards, for people and for `--json`. */
  readonly tell: (conducted: ConductedRun | undefined) => Promise<{
    readonly text: string;
    readonly json: Readonly<Record<string, Json>>;
  }>;
}

/** The course of `dr:timelock:schedule`, `:execute` and `:cancel`. */
export async function changeOperation(
  args: ChangingArguments,
  hre: HardhatRuntimeEnvironment,
  prepare: (session: Session) => Promise<OperationChange>,
): Promise<Json> {
  return await runTask(args, async (output) => {
    requireConsentPossible(args);
    const interruption = new Interruption();
    const session = await connect(hre, {
      ...sessionOptions(args),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { plan, facts, tell } = await prepare(session);
    if (plan === undefined) {
      const { text, json } = await tell(undefined);
      output.text(text);
      return {
        json: { run: null, status: "done", ...facts, ...json },
        exitCode: EXIT_CODES.done,
      };
    }
    showPlan(plan, output);
    if (args.dryRun) {
      return {
        json: {
          run: null,
          status: "planned",
          plan: planToJson(plan),
          ...facts,
        },
        exitCode: EXIT_CODES.done,
      };
    }
    await requireConsent("apply this plan", session, args, hre);
    const conducted = await conductAnnounced(
      plan,
      { session, hre, output },
      interruption,
    );
    const { run, outcome } = conducted;
    tellOutcome(run, outcome);
    const { text, json } = await tell(conducted);
    if (outcome.status === "done") {
      output.text(text);
    }
    return {
      json: { run, status: outcome.status, ...facts, ...json },
      exitCode: exitCodeOf(outcome),
    };
  });
}
