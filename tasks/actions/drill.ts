import { randomInt } from "node:crypto";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { readCommit } from "../../src/core/git-commit.js";
import { formatDrill, formatDrillPlan } from "../../src/display/drill.js";
import { formatDrillHtml } from "../../src/display/drill-html.js";
import { formatDrillJunit } from "../../src/display/drill-junit.js";
import { reportsFolder, runDrill } from "../../src/drill/drill.js";
import {
  loadScenarios,
  selectScenarios,
} from "../../src/drill/load-scenarios.js";
import { planDrill } from "../../src/drill/plan.js";
import type { DrillPorts } from "../../src/drill/ports.js";
import { readDrillReports } from "../../src/drill/read-reports.js";
import type { DrillReport } from "../../src/drill/report.js";
import {
  writeDrillReport,
  type ReportFiles,
} from "../../src/drill/write-report.js";
import { drillAnnouncement } from "../../src/notify/drill-announcement.js";
import { TOOL_VERSION } from "../../src/session/tool-version.js";
import { announce } from "./announce.js";
import { Interruption } from "./apply.js";
import { recoveryTasks } from "./drill-tasks.js";
import { refreshExercises } from "./exercises.js";
import { runTask, type Output } from "./output.js";
import { sourceOf } from "./session.js";
import { simulationOf } from "./simulation.js";

interface DrillArguments {
  readonly scenario: string;
  readonly seed: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<DrillArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { dr } = hre.config;
    const seed = parseSeed(args.seed);
    const names = args.scenario.split(",").filter((name) => name !== "");
    const all = await loadScenarios(dr.drill.scenarios);
    const scenarios = selectScenarios(all, names);
    const source = await sourceOf(hre);
    if (args.dryRun) {
      const made = await planDrill(source, scenarios);
      output.text(formatDrillPlan(scenarios, seed, made));
      const titles = scenarios.map(({ name }) => name);
      const json = { status: "planned", seed, scenarios: titles, made };
      return { json, exitCode: EXIT_CODES.done };
    }
    const interruption = new Interruption("DRILL_INTERRUPTED");
    const report = await interruption.during(
      async () =>
        await runDrill(
          { scenarios, seed },
          await portsOf(hre, interruption.signal, output),
        ),
    );
    const files = await keep(report, hre);
    await refreshExercises(dr);
    output.text(formatDrill(report, files, output.paint));
    const isPassed = report.status === "PASSED";
    const announcement = drillAnnouncement({
      ...report,
      isPassed,
      passed: report.tests.passed,
      made: report.tests.passed + report.tests.failed,
      issues: report.issues.map(({ text }) => text),
      at: new Date(report.endedAt),
    });
    output.afterwards(announce(hre, announcement, output));
    return {
      json: { ...report, files } as unknown as Json,
      exitCode: isPassed ? EXIT_CODES.done : EXIT_CODES.error,
    };
  });

export default action;

async function portsOf(
  hre: HardhatRuntimeEnvironment,
  signal: AbortSignal,
  output: Output,
): Promise<DrillPorts> {
  const source = await sourceOf(hre);
  return {
    source,
    createSimulation: simulationOf(hre, source.networkConfig),
    tasks: recoveryTasks(hre),
    clock: systemClock,
    monotonicMs: () => performance.now(),
    toolVersion: TOOL_VERSION,
    commit: await readCommit(hre.config.paths.root),
    signal,
    progress: output.progress,
  };
}

/** As many of the last drills as are shown beside this one. */
const SHOWN_DRILLS = 12;

async function keep(
  report: DrillReport,
  { config }: HardhatRuntimeEnvironment,
): Promise<ReportFiles> {
  const folder = reportsFolder(config.dr);
  const earlier = await readDrillReports(folder, SHOWN_DRILLS - 1);
  return await writeDrillReport(folder, report, {
    junit: formatDrillJunit(report),
    html: formatDrillHtml(report, [...earlier, report]),
  });
}

const SEEDS = 2 ** 32;

/** @throws {DrError} OPTION_INVALID. */
function parseSeed(value: string | undefined): number {
  if (value === undefined) {
    return randomInt(SEEDS);
  }
  if (!/^\d{1,10}$/.test(value) || Number(value) >= SEEDS) {
    const expected = "a whole number below 4294967296";
    throw new DrError("OPTION_INVALID", { option: "--seed", value, expected });
  }
  return Number(value);
}
