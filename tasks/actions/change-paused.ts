import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import { errorToJson } from "../../src/display/error.js";
import { formatProof, proofToJson } from "../../src/display/proof.js";
import {
  readPauseResults,
  type PauseResult,
} from "../../src/recovery/pause-result.js";
import { exitCodeOf } from "../../src/run/runner.js";
import type { ConductedRun } from "../../src/run/conduct.js";
import {
  preparePause,
  readProxyAddresses,
} from "../../src/session/procedure.js";
import { conductAnnounced } from "./announce-run.js";
import {
  Interruption,
  outcomeToJson,
  requireConsent,
  requireConsentPossible,
  showPlan,
  tellOutcome,
} from "./apply.js";
import { refreshBanner } from "./banner.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import {
  connect,
  sessionOptions,
  sourceOf,
  type ChangingArguments,
} from "./session.js";
import { simulationOf } from "./simulation.js";

export interface PauseArguments extends ChangingArguments {
  readonly names: string[];
  readonly all: boolean;
  /** Of `dr:pause` only; empty for none. */
  readonly prove?: string;
}

/** `dr:pause` and `dr:unpause`. */
export async function changePaused(
  paused: boolean,
  args: PauseArguments,
  hre: HardhatRuntimeEnvironment,
): Promise<Json> {
  return await runTask(args, async (output): Promise<TaskResult> => {
    requireConsentPossible(args);
    const interruption = new Interruption();
    const session = await connect(hre, {
      ...sessionOptions(args),
      progress: output.progress,
      signal: interruption.signal,
    });
    const { plan, resolution } = await preparePause(session, {
      ...args,
      paused,
    });
    showPlan(plan, output);
    const proven = await prove(args, hre, output);
    if (args.dryRun) {
      return {
        json: { ...planned(resolution), ...proven },
        exitCode: EXIT_CODES.done,
      };
    }
    let conducted: ConductedRun | undefined;
    if (plan.steps.length > 0) {
      await requireConsent("apply this plan", session, args, hre);
      conducted = await conductAnnounced(
        plan,
        { session, hre, output },
        interruption,
      );
      tellOutcome(conducted.run, conducted.outcome);
    } else {
      // Something else may have paused them, and the banner not know it.
      output.afterwards(refreshBanner({ session, hre, output }));
    }
    const proxies = await readProxyAddresses(session, args);
    const results = await readPauseResults(
      session.ports,
      resolution,
      conducted?.records ?? [],
      (name) => proxies.get(name) ?? "0x",
    );
    output.text(formatResults(results));
    return {
      json: {
        ...(conducted === undefined
          ? { run: null }
          : outcomeToJson(conducted.run, conducted.outcome)),
        status: statusOf(conducted, results),
        contracts: results.map(resultToJson),
        ...proven,
      },
      exitCode: exitCodeFor(conducted, results),
    };
  });
}

/** `--prove`, on a fork, before anything is sent. */
async function prove(
  args: PauseArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<{ readonly proof?: Json }> {
  if (args.prove === undefined || args.prove === "") {
    return {};
  }
  const { proveOnFork } = await import("../../src/session/prove-on-fork.js");
  const source = await sourceOf(hre);
  const proof = await proveOnFork(
    source,
    simulationOf(hre, source.networkConfig),
    args,
    args.prove,
    sessionOptions(args),
  );
  output.text(formatProof(proof, output.paint));
  return { proof: proofToJson(proof) };
}

function planned(resolution: {
  readonly intent: { readonly contracts: readonly { readonly name: string }[] };
  readonly already: readonly string[];
}): Readonly<Record<string, Json>> {
  const { intent, already } = resolution;
  return {
    run: null,
    status: "planned",
    contracts: [
      ...intent.contracts.map(({ name }) => ({ name, already: false })),
      ...already.map((name) => ({ name, already: true })),
    ],
  };
}

function exitCodeFor(
  conducted: ConductedRun | undefined,
  results: readonly PauseResult[],
): ExitCode {
  if (conducted !== undefined && conducted.outcome.status !== "done") {
    return exitCodeOf(conducted.outcome);
  }
  return results.some(({ error }) => error !== undefined)
    ? EXIT_CODES.partial
    : EXIT_CODES.done;
}

function statusOf(
  conducted: ConductedRun | undefined,
  results: readonly PauseResult[],
): string {
  if (conducted !== undefined && conducted.outcome.status !== "done") {
    return conducted.outcome.status;
  }
  return results.some(({ error }) => error !== undefined) ? "partial" : "done";
}

function formatResults(results: readonly PauseResult[]): string {
  return results
    .map(({ name, paused, tx, block, already, error }) => {
      const state =
        paused === null ? "can't be paused" : paused ? "paused" : "not paused";
      const how =
        tx === null
          ? already
            ? "already"
            : (error?.code ?? "")
          : `${tx} in block ${String(block)}`;
      return `${name}: ${state}  ${how}\n`;
    })
    .join("");
}

function resultToJson({ error, ...result }: PauseResult): Json {
  return error === undefined
    ? { ...result }
    : { ...result, error: errorToJson(error) };
}
