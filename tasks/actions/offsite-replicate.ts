import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { formatTimestamp } from "../../src/artifact/name.js";
import { requireEncryption } from "../../src/backup/place.js";
import { writeAtomically } from "../../src/core/atomic-write.js";
import type { DrConfig, OffsiteTarget } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { LogFile } from "../../src/core/log-file.js";
import { writing } from "../../src/core/writing.js";
import {
  formatLocalArtifacts,
  formatReplications,
  replicationReport,
  type ReplicationReport,
} from "../../src/display/offsite.js";
import {
  listLocalArtifacts,
  type LocalArtifact,
} from "../../src/offsite/local-artifacts.js";
import {
  replicateToTarget,
  type ReplicationOptions,
  type TargetReplication,
} from "../../src/offsite/replication.js";
import { Throttle } from "../../src/offsite/throttle.js";
import { announcingReplication } from "./announce-replication.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import {
  chooseTargets,
  openTarget,
  parseAge,
  requireRetentionDays,
} from "./offsite.js";
import { runTask, type Output } from "./output.js";
import { valuesOf, withProgress, type Job } from "./progress.js";

interface ReplicateArguments {
  readonly since: string;
  readonly target: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<ReplicateArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const { report, path } = await announcingReplication(
      args,
      hre,
      output,
      async () => await prepareAndReplicate(args, hre, output),
    );
    return {
      json: { ...report, report: path },
      exitCode:
        report.status === "SUCCESS" ? EXIT_CODES.done : EXIT_CODES.partial,
    };
  });

export default action;

/** What there is to replicate is shown and agreed to first. */
async function prepareAndReplicate(
  args: ReplicateArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<Replication> {
  const { dr } = hre.config;
  const targets = chooseTargets(dr, args.target);
  requireRetentionDays(dr);
  await requireEncryption(dr.encryption);
  const since = new Date(Date.now() - parseAge("--since", args.since));
  const { backups } = dr.paths;
  const artifacts = await listLocalArtifacts(backups, dr.project, since);
  output.text(formatLocalArtifacts(artifacts));
  const interruption = new Interruption("OFFSITE_INTERRUPTED");
  if (!args.dryRun) {
    const names = targets.map(({ name }) => name).join(", ");
    await requireYes(`replicate these to ${names}`, args, hre);
  }
  return await replicateAll(artifacts, args, hre, output, interruption);
}

/** To all targets at once, with a report and a log of it. */
export async function replicateAll(
  artifacts: readonly LocalArtifact[],
  args: Pick<ReplicateArguments, "target" | "dryRun">,
  { config: { dr } }: HardhatRuntimeEnvironment,
  output: Output,
  interruption: Interruption,
): Promise<Replication> {
  const at = systemClock.now();
  const name = `offsite_replication_${formatTimestamp(at)}`;
  const log = new LogFile(join(dr.paths.logs, `${name}.log`), systemClock);
  const jobs = chooseTargets(dr, args.target).map((target) =>
    createJob(target, artifacts, dr, {
      clock: systemClock,
      isDryRun: args.dryRun,
      signal: interruption.signal,
      tell: (line) => {
        log.add(line);
      },
      ...throttleOf(dr),
    }),
  );
  const results = await interruption.during(async () =>
    valuesOf(await withProgress(jobs, output)),
  );
  const report = replicationReport(results, {
    at,
    isDryRun: args.dryRun,
    logFile: log.path,
  });
  log.add(report.summary);
  await log.finish();
  const path = join(dr.paths.backups, "reports", `${name}.json`);
  await writing(path, async () => {
    await writeAtomically(path, `${JSON.stringify(report, undefined, 2)}\n`);
  });
  output.text(formatReplications(results, report, output.paint));
  return { report, path };
}

/** How a replication went, and where that is written down. */
export interface Replication {
  readonly report: ReplicationReport;
  readonly path: string;
}

type JobOptions = Omit<
  ReplicationOptions,
  "project" | "trusted" | "retentionDays" | "meter"
> & { readonly signal: AbortSignal };

function createJob(
  target: OffsiteTarget,
  artifacts: readonly LocalArtifact[],
  dr: DrConfig,
  options: JobOptions,
): Job<TargetReplication> {
  const open = async () => await openTarget(target, options.signal);
  return {
    title: target.name,
    work: async (meter) =>
      await replicateToTarget(target, open, artifacts, {
        ...options,
        project: dr.project,
        trusted: dr.signing.trusted,
        retentionDays: requireRetentionDays(dr),
        meter,
      }),
    tell: ({ isDone }) => (isDone ? "done" : "not done"),
    isGood: ({ isDone }) => isDone,
  };
}

/** One for all targets. */
function throttleOf({ offsite }: DrConfig): Pick<ReplicationOptions, "slow"> {
  if (offsite.bytesPerSecond === undefined) {
    return {};
  }
  const throttle = new Throttle(offsite.bytesPerSecond, systemClock);
  return { slow: (source) => throttle.slow(source) };
}
