import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { planToJson } from "../../src/display/plan.js";
import { formatProposal, proposalToJson } from "../../src/display/safe.js";
import { minedTransactions } from "../../src/route/direct/mined.js";
import { exitCodeOf } from "../../src/run/runner.js";
import {
  buildSafeExecutePlan,
  resolveSafeExecution,
} from "../../src/recovery/safe/execute-plan.js";
import { openProposal } from "../../src/recovery/safe/proposal-view.js";
import { DANGERS } from "../../src/safe/danger.js";
import { conductAnnounced } from "./announce-run.js";
import {
  Interruption,
  requireConsent,
  requireConsentPossible,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { runTask } from "./output.js";
import { acceptedDangers } from "./safe-sign.js";
import {
  connectWithSimulator,
  sessionOptions,
  type ChangingArguments,
} from "./session.js";

interface ExecuteArguments extends ChangingArguments {
  readonly proposal: string;
  readonly acceptDanger?: string | undefined;
}

const action: NewTaskActionFunction<ExecuteArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const accepted = acceptedDangers(args);
    const interruption = new Interruption();
    const session = await connectWithSimulator(hre, {
      ...sessionOptions(args),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { ports } = session;
    const view = await openProposal(ports, args.proposal);
    output.text(formatProposal(view, DANGERS, output.paint));
    const intent = await resolveSafeExecution(ports, view, accepted);
    const { chainId, safeTxHash } = view.proposal;
    const plan = buildSafeExecutePlan(ports, chainId, intent);
    showPlan(plan, output);
    if (args.dryRun) {
      const json = {
        run: null,
        status: "planned",
        plan: planToJson(plan),
        proposal: proposalToJson(view),
      };
      return { json, exitCode: EXIT_CODES.done };
    }
    await requireConsent("apply this plan", session, args, hre);
    const { run, outcome, records } = await conductAnnounced(
      plan,
      { session, hre, output },
      interruption,
    );
    tellOutcome(run, outcome);
    const [mined] = minedTransactions(records);
    const tx = mined?.hash ?? null;
    output.text(
      `${safeTxHash}: ${outcome.status}${tx === null ? "" : `, ${tx}`}\n`,
    );
    return {
      json: { run, status: outcome.status, safeTxHash, tx },
      exitCode: exitCodeOf(outcome),
    };
  });

export default action;
