import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { DrConfig, OffsiteTarget } from "../../src/config/types.js";
import { isDrError, type DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { errorToJson, formatError } from "../../src/display/error.js";
import { formatPruning, pruningToJson } from "../../src/display/offsite.js";
import { count } from "../../src/display/text.js";
import { DryRunStorage } from "../../src/offsite/dry-run.js";
import { pruneStorage, type Pruning } from "../../src/offsite/prune.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { chooseTargets, openTarget, requireRetentionDays } from "./offsite.js";
import { runTask, type Output } from "./output.js";

interface PruneArguments {
  readonly target: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Of one target: what went, or would go, or why it couldn't be looked at. */
type Outcome =
  | { readonly target: string; readonly pruning: Pruning }
  | { readonly target: string; readonly error: DrError };

const action: NewTaskActionFunction<PruneArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const { dr } = hre.config;
    const targets = chooseTargets(dr, args.target);
    const interruption = new Interruption("OFFSITE_INTERRUPTED");
    const { signal } = interruption;
    const planned = await pruneAll(targets, dr, { isDryRun: true, signal });
    show(planned, output, "Would be done");
    const removals = planned.flatMap((one) =>
      "pruning" in one ? one.pruning.removed : [],
    ).length;
    if (args.dryRun || removals === 0) {
      return toResult(planned);
    }
    await requireYes(`remove ${count(removals, "backup")}`, args, hre);
    const done = await interruption.during(
      async () => await pruneAll(targets, dr, { isDryRun: false, signal }),
    );
    show(done, output, "Done");
    return toResult(done);
  });

export default action;

async function pruneAll(
  targets: readonly OffsiteTarget[],
  dr: DrConfig,
  options: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<Outcome[]> {
  return await Promise.all(
    targets.map(async (target) => await pruneOne(target, dr, options)),
  );
}

async function pruneOne(
  target: OffsiteTarget,
  dr: DrConfig,
  {
    isDryRun,
    signal,
  }: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<Outcome> {
  try {
    const storage = await openTarget(target, signal);
    const pruning = await pruneStorage(
      isDryRun ? new DryRunStorage(storage) : storage,
      {
        project: dr.project,
        days: requireRetentionDays(dr),
        now: new Date(),
        signal,
      },
    );
    return { target: target.name, pruning };
  } catch (error) {
    if (isDrError(error) && !isDrError(error, "OFFSITE_INTERRUPTED")) {
      return { target: target.name, error };
    }
    throw error;
  }
}

function show(
  outcomes: readonly Outcome[],
  output: Output,
  title: string,
): void {
  for (const outcome of outcomes) {
    const text =
      "pruning" in outcome
        ? formatPruning(outcome.pruning, output.paint) ||
          "  nothing is too old\n"
        : formatError(outcome.error, output.paint);
    output.text(
      `${title} in ${output.paint("bold", outcome.target)}:\n${text}`,
    );
  }
}

function toResult(outcomes: readonly Outcome[]) {
  const isGood = outcomes.every(
    (one) => "pruning" in one && one.pruning.failed.length === 0,
  );
  return {
    json: {
      targets: outcomes.map((one) => ({
        target: one.target,
        ...("pruning" in one
          ? { retention: pruningToJson(one.pruning) }
          : { error: errorToJson(one.error) }),
      })),
    },
    exitCode: isGood ? EXIT_CODES.done : EXIT_CODES.partial,
  };
}
