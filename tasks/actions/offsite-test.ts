import { randomBytes } from "node:crypto";
import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { formatTimestamp } from "../../src/artifact/name.js";
import { artifactKeys } from "../../src/backup/place.js";
import { writeAtomically } from "../../src/core/atomic-write.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { readCommit } from "../../src/core/git-commit.js";
import type { LogFile } from "../../src/core/log-file.js";
import { UNWATCHED, type Meter } from "../../src/core/meter.js";
import { writing } from "../../src/core/writing.js";
import { openEngine } from "../../src/database/open-engine.js";
import { formatRestoreTest } from "../../src/display/restore-test.js";
import { announceRestoreTest } from "../../src/restore-test/announce.js";
import {
  restoreTestReport,
  type RestoreTestReport,
} from "../../src/restore-test/report.js";
import { reserveLog } from "../../src/restore-test/reserve-log.js";
import {
  hasPassed,
  TEST_PARTS,
  testTarget,
  type TargetTest,
  type TargetTestOptions,
  type TestedPart,
} from "../../src/restore-test/test-target.js";
import { TOOL_VERSION } from "../../src/session/tool-version.js";
import { announce } from "./announce.js";
import { Interruption } from "./apply.js";
import { refreshExercises } from "./exercises.js";
import { parseJobs } from "./jobs.js";
import { chooseTargets, openTarget } from "./offsite.js";
import { runTask, type Output } from "./output.js";
import { withBar } from "./progress.js";

interface TestArguments {
  readonly target: string;
  readonly only: string | undefined;
  readonly random: boolean;
  readonly seed: string | undefined;
  readonly keep: boolean;
  readonly jobs: string | undefined;
  readonly noOwner: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<TestArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { dr } = hre.config;
    const targets = chooseTargets(dr, args.target);
    const [parts, jobs] = [parseOnly(args.only), parseJobs(args.jobs ?? "1")];
    const seed = seedOf(args);
    if (seed !== undefined) {
      output.progress(`Backups are drawn by the seed ${seed}.`);
    }
    const { log, startedAt } = await reserveLog(dr.paths.logs, systemClock);
    const interruption = new Interruption("RESTORE_INTERRUPTED");
    const { signal } = interruption;
    const options = testOptions(args, hre, { parts, jobs, seed, log, signal });
    const tested: TargetTest[] = [];
    try {
      await interruption.during(async () => {
        // One after the other: the disk need hold but one.
        for (const target of targets) {
          const open = async () => await openTarget(target, signal);
          const work = async (meter: Meter) =>
            await testTarget(target, open, { ...options, meter });
          tested.push(await withTestBar(target.name, work, output));
        }
      });
    } catch (error) {
      log.add(`stopped: ${String(error)}`);
      await log.finish();
      throw error;
    }
    const report = restoreTestReport(tested, {
      startedAt,
      logFile: log.path,
      tool: `hardhat-dr ${TOOL_VERSION}`,
      project: dr.project,
      commit: await readCommit(hre.config.paths.root),
      ...(seed === undefined ? {} : { seed }),
    });
    const path = join(
      dr.paths.backups,
      "reports",
      `offsite_restore_test_${formatTimestamp(startedAt)}.json`,
    );
    try {
      await writeReport(path, report);
      await refreshExercises(dr);
    } finally {
      const news = announceRestoreTest(report, dr.project, startedAt);
      log.add(news.title);
      output.afterwards(announce(hre, news, output));
      await log.finish();
    }
    output.text(formatRestoreTest(tested, report, path, output.paint));
    return {
      json: { ...report, report: path },
      exitCode:
        report.status === "SUCCESS" ? EXIT_CODES.done : EXIT_CODES.error,
    };
  });

export default action;

function testOptions(
  { keep, noOwner }: TestArguments,
  hre: HardhatRuntimeEnvironment,
  {
    parts,
    jobs,
    seed,
    log,
    signal,
  }: {
    readonly parts: readonly TestedPart[];
    readonly jobs: number;
    readonly seed: string | undefined;
    readonly log: LogFile;
    readonly signal: AbortSignal;
  },
): TargetTestOptions {
  const { dr } = hre.config;
  return {
    project: dr.project,
    parts,
    keys: artifactKeys(dr),
    folder: dr.paths.backups,
    keep,
    keepAs: `${dr.project}_restore_test`,
    clock: systemClock,
    now: () => systemClock.now(),
    signal,
    meter: UNWATCHED,
    tell: (line) => {
      log.add(line);
    },
    openTrial: async () => ({
      engine: await openEngine(dr, hre.config.paths.root),
      criticalTables: dr.database?.criticalTables ?? [],
      jobs,
      noOwner,
    }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function seedOf({
  random,
  seed,
}: Pick<TestArguments, "random" | "seed">): string | undefined {
  return seed ?? (random ? randomBytes(8).toString("hex") : undefined);
}

/** @throws {DrError} OPTION_INVALID. */
function parseOnly(value: string | undefined): readonly TestedPart[] {
  if (value === undefined) {
    return TEST_PARTS;
  }
  const part = TEST_PARTS.find((one) => one === value);
  if (part === undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "--only",
      value,
      expected: TEST_PARTS.join(" or "),
    });
  }
  return [part];
}

async function withTestBar(
  title: string,
  work: (meter: Meter) => Promise<TargetTest>,
  output: Output,
): Promise<TargetTest> {
  return await withBar(
    {
      title,
      work,
      tell: (tested) =>
        `tested, and ${hasPassed(tested) ? "passed" : "failed"}`,
    },
    output,
  );
}

async function writeReport(
  path: string,
  report: RestoreTestReport,
): Promise<void> {
  await writing(path, async () => {
    await writeAtomically(path, `${JSON.stringify(report, undefined, 2)}\n`);
  });
}
