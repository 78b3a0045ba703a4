import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { Json } from "../../src/core/canonical-json.js";
import type { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { errorToJson } from "../../src/display/error.js";
import type { ChangeIntent } from "../../src/recovery/change-intent.js";
import {
  readChangeResults,
  type ChangeResult,
} from "../../src/recovery/change-result.js";
import { exitCodeOf } from "../../src/run/runner.js";
import type {
  Session,
  SessionOptions,
} from "../../src/session/open-session.js";
import type { Prepared } from "../../src/session/procedure.js";
import { snapshotOf } from "../../src/session/snapshot.js";
import { planToJson } from "../../src/display/plan.js";
import { conductAnnounced } from "./announce-run.js";
import {
  Interruption,
  outcomeToJson,
  requireConsent,
  requireConsentPossible,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { runTask, type Output } from "./output.js";
import { connect, sessionOptions, type ChangingArguments } from "./session.js";

interface Change<Resolution> {
  /** What comes before the network is opened for it. */
  readonly before?: (
    hre: HardhatRuntimeEnvironment,
    output: Output,
  ) => Promise<SessionOptions>;
  readonly prepare: (session: Session) => Promise<Prepared<Resolution>>;
  /** What there is to read before the plan is approved. */
  readonly explain?: (resolution: Resolution, output: Output) => void;
  /** What comes after the run, done or not; added to `--json`. */
  readonly after?: (
    run: string,
    hre: HardhatRuntimeEnvironment,
    output: Output,
  ) => Promise<Readonly<Record<string, Json>>>;
  /** Added to each contract in `--json`. */
  readonly extend?: (
    name: string,
    resolution: Resolution,
  ) => Readonly<Record<string, Json>>;
}

/** A contract that couldn't be done while others could. */
interface Refusal {
  readonly name: string;
  readonly error: DrError;
}

/** The course of `dr:rollback` and `dr:upgrade`. */
export async function runChange<
  Resolution extends {
    readonly intent: ChangeIntent;
    readonly refused?: readonly Refusal[];
  },
>(
  args: ChangingArguments,
  hre: HardhatRuntimeEnvironment,
  { before, prepare, explain, after, extend }: Change<Resolution>,
): Promise<Json> {
  return await runTask(args, async (output) => {
    requireConsentPossible(args);
    const interruption = new Interruption();
    const session = await connect(hre, {
      ...sessionOptions(args),
      ...(await before?.(hre, output)),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { plan, resolution } = await prepare(session);
    explain?.(resolution, output);
    showPlan(plan, output);
    const toJson = (result: ChangeResult): Json => ({
      ...result,
      txs: result.txs.map((tx) => ({ ...tx })),
      ...extend?.(result.name, resolution),
    });
    const { refused = [] } = resolution;
    const refusals = refused.map(({ name, error }) => ({
      name,
      error: errorToJson(error),
    }));
    if (args.dryRun) {
      const before = await readChangeResults(
        session.ports,
        resolution.intent,
        [],
      );
      const json = {
        run: null,
        status: "planned",
        plan: planToJson(plan),
        contracts: before.map(toJson),
        refused: refusals,
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
    const results = await readChangeResults(
      session.ports,
      resolution.intent,
      records,
    );
    const snapshot = snapshotOf(records);
    output.text(results.map(formatResult).join(""));
    output.text(snapshot === undefined ? "" : `Snapshot: ${snapshot}\n`);
    output.text(refused.map(formatRefusal).join(""));
    const more = await after?.(run, hre, output);
    const isPartial = outcome.status === "done" && refused.length > 0;
    return {
      json: {
        ...outcomeToJson(run, outcome),
        ...(isPartial ? { status: "partial" } : {}),
        contracts: results.map(toJson),
        refused: refusals,
        ...(snapshot === undefined ? {} : { snapshot }),
        ...more,
      },
      exitCode: isPartial ? EXIT_CODES.partial : exitCodeOf(outcome),
    };
  });
}

function formatRefusal({ name, error }: Refusal): string {
  return `${name}: left out  ${error.code}\n`;
}

function formatResult({
  name,
  now,
  versionAfter,
  paused,
}: ChangeResult): string {
  const state = paused === true ? ", paused" : "";
  return `${name}: ${versionAfter ?? "no version()"} at ${now}${state}\n`;
}
