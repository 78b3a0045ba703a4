import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { DrConfig } from "../config/types.js";
import { ifThere } from "../core/if-there.js";
import type { FoundReport } from "../core/read-reports.js";
import {
  readDrills,
  readRehearsals,
  readRestoreTests,
  type DrillFacts,
  type RehearsalFacts,
  type RestoreTestFacts,
} from "../readiness/reports.js";

/** A drill, a restore test or a rehearsal, as its report has it. */
export interface Exercise {
  readonly kind: "drill" | "restore test" | "rehearsal";
  readonly at: Date;
  /** `DR_DRILL_20240115_140000`, the targets, the procedure. */
  readonly name: string;
  /** Null where it wasn't about a network. */
  readonly network: string | null;
  readonly isPassed: boolean;
  /** Null where nobody measured all of it. */
  readonly seconds: number | null;
  readonly commit: string | null;
  readonly measures: readonly Measure[];
  /** What failed, or what people should know. */
  readonly notes: readonly string[];
  /** The report's. */
  readonly file: string;
}

/** How fast something came back, and how much of it was lost. */
export interface Measure {
  /** The same from exercise to exercise. */
  readonly what: string;
  readonly isPassed: boolean;
  readonly rto: Objective;
  /** Null where nothing can be lost. */
  readonly rpo: Objective | null;
}

export interface Objective {
  /** Null when it wasn't reached. */
  readonly measuredSeconds: number | null;
  readonly objectiveSeconds: number;
  readonly isMet: boolean | null;
}

export interface History {
  readonly project: string;
  /** The newest first. */
  readonly exercises: readonly Exercise[];
  /** Reports that can't be read. */
  readonly damaged: readonly string[];
}

/** All exercises of a project, on all of its networks. */
export async function readHistory({
  project,
  paths,
  objectives,
}: Pick<DrConfig, "project" | "paths" | "objectives">): Promise<History> {
  const networks = (await ifThere(readdir(paths.deployments))) ?? [];
  const [drills, restoreTests, ...rehearsals] = await Promise.all([
    readDrills(paths.logs),
    readRestoreTests(paths.backups),
    ...networks.map(
      async (network) => await readRehearsals(join(paths.deployments, network)),
    ),
  ]);
  const { contracts, database } = objectives.rtoMinutes;
  const exercises = [
    ...drills.reports
      .filter(({ report }) => report.project === project)
      .map(fromDrill),
    ...restoreTests.reports
      .filter(({ report }) => (report.project ?? project) === project)
      .map((found) => fromRestoreTest(found, database * 60)),
    ...rehearsals.flatMap(({ reports }) =>
      reports.map((found) => fromRehearsal(found, contracts * 60)),
    ),
  ];
  return {
    project,
    exercises: exercises.toSorted((a, b) => b.at.getTime() - a.at.getTime()),
    damaged: [drills, restoreTests, ...rehearsals].flatMap(
      ({ damaged }) => damaged,
    ),
  };
}

function fromDrill({ file, report }: FoundReport<DrillFacts>): Exercise {
  const { drillId, network, status, scenarios, commit } = report;
  const tried = scenarios.filter((one) => one.status !== "skipped");
  return {
    kind: "drill",
    at: new Date(report.startedAt),
    name: drillId,
    network,
    isPassed: status === "PASSED",
    seconds: report.durationSeconds,
    commit,
    measures: tried.map(({ title, status: how, rto, rpo }) => ({
      what: title,
      isPassed: how === "passed",
      rto,
      rpo,
    })),
    notes: tried
      .filter((one) => one.status === "failed")
      .map(({ title, reason }) =>
        reason === null ? `${title} failed` : `${title}: ${reason}`,
      ),
    file,
  };
}

function fromRestoreTest(
  { file, report }: FoundReport<RestoreTestFacts>,
  objectiveSeconds: number,
): Exercise {
  const { targets, status, summary, commit } = report;
  const isPassed = status === "SUCCESS";
  const measures = targets.map(({ target, status: how, details }) => {
    const seconds =
      (details.database_restore?.seconds ?? 0) +
      (details.contract_restore?.seconds ?? 0);
    return {
      what: `Restore test of ${target}`,
      isPassed: how === "SUCCESS",
      rto: objectiveOf(how === "SUCCESS" ? seconds : null, objectiveSeconds),
      rpo: null,
    };
  });
  return {
    kind: "restore test",
    at: new Date(report.test_date),
    name: targets.map(({ target }) => target).join(", "),
    network: null,
    isPassed,
    seconds: null,
    commit: commit ?? null,
    measures,
    notes: isPassed ? [] : [summary],
    file,
  };
}

function fromRehearsal(
  { file, report }: FoundReport<RehearsalFacts>,
  objectiveSeconds: number,
): Exercise {
  const { procedure, network, time, verdict, outcome, findings } = report;
  const isPassed = verdict !== "failed" && outcome.status === "done";
  const moment = time.recovered ?? time.paused;
  return {
    kind: "rehearsal",
    at: new Date(report.startedAt),
    name: procedure,
    network,
    isPassed,
    seconds: moment?.onChainSeconds ?? null,
    commit: report.commit ?? null,
    measures: [
      {
        what: `Rehearsed ${procedure} on ${network}`,
        isPassed,
        rto: objectiveOf(moment?.onChainSeconds ?? null, objectiveSeconds),
        rpo: null,
      },
    ],
    notes: findings,
    file,
  };
}

function objectiveOf(
  measuredSeconds: number | null,
  objectiveSeconds: number,
): Objective {
  return {
    measuredSeconds,
    objectiveSeconds,
    isMet:
      measuredSeconds === null ? null : measuredSeconds <= objectiveSeconds,
  };
}
