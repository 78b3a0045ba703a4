import type { CheckBook, CheckPlace } from "./check-book.js";
import { chooseParts, type Configured } from "./configured.js";
import { copiesOf, type Copies, type Copy, type Part } from "./copies.js";
import { PART_NAMES } from "./copies/copy.js";
import { inject, partBroken, titleOf } from "./injections.js";
import { measureBroken, measureNone, measureWithin } from "./measurement.js";
import { partRecovered, recover, taskOf } from "./recoveries.js";
import type {
  ObjectiveReport,
  RecoveryReport,
  ScenarioReport,
} from "./report.js";
import type {
  CustomInjection,
  CustomRecovery,
  InjectionSpec,
  RecoverySpec,
  Scenario,
} from "./scenario.js";
import { round } from "./stopwatch.js";
import type { Stopwatch } from "./stopwatch.js";
import { withCopies, type CopiesScene } from "./with-copies.js";

export interface ScenarioScene extends CopiesScene {
  readonly configured: Configured;
  readonly book: CheckBook;
  readonly watch: Stopwatch;
}

/** What recovering is for; backups and offsite targets are what it is done with. */
const ENDS: readonly Part[] = [
  "database",
  "contracts",
  "deployments",
  "files",
  "service",
];

/** What became of it, as it goes. */
interface Course {
  readonly injections: string[];
  /** What each copy had otherwise than before when it was last measured. */
  readonly known: Map<Part, readonly string[]>;
  readonly recoveries: RecoveryReport[];
  /** Since the drill began: all was broken. */
  failedAt: number | undefined;
  /** What the real chain adds: its blocks and delays. */
  onChainSeconds: number;
  /** From then until all was measured to be as it was. */
  rtoSeconds: number | undefined;
  rpoSeconds: number | undefined;
}

/**
 * Breaks copies and brings them back, and measures that. Whatever goes wrong is
 * a failed check.
 */
export async function runScenario(
  scene: ScenarioScene,
  scenario: Scenario,
): Promise<ScenarioReport> {
  const { configured, book, ports } = scene;
  const { name, title } = scenario;
  const chosen = chooseParts(scenario, configured);
  const course: Course = {
    injections: [],
    known: new Map(),
    recoveries: [],
    failedAt: undefined,
    onChainSeconds: 0,
    rtoSeconds: undefined,
    rpoSeconds: undefined,
  };
  const place: CheckPlace = { phase: "failure", scenario: name };
  const whole = { id: "scenario", title, critical: true };
  if ("reason" in chosen) {
    book.skip(place, whole, chosen.reason);
    return reportOf(scene, scenario, course, "skipped", chosen.reason);
  }
  ports.progress(`Scenario ${name}: ${title}`);
  const before = book.checks.length;
  try {
    await withCopies(scene, chosen.parts, async (copies) => {
      await drill(scene, scenario, copies, course);
    });
  } catch (error) {
    ports.signal.throwIfAborted();
    book.fail(place, whole, error);
  }
  const failed = book.checks
    .slice(before)
    .find(({ status, critical }) => status === "failed" && critical);
  const reason =
    failed === undefined
      ? null
      : `${failed.title}: ${failed.reason ?? failed.measured ?? ""}`;
  const status = failed === undefined ? "passed" : "failed";
  return reportOf(scene, scenario, course, status, reason);
}

async function drill(
  scene: ScenarioScene,
  scenario: Scenario,
  copies: Copies,
  course: Course,
): Promise<void> {
  const { watch, ports } = scene;
  const { name } = scenario;
  const phases = [
    ["baseline", requireCopies],
    ["failure", breakAll],
    ["recovery", recoverAll],
    ["proof", prove],
  ] as const;
  for (const [phase, work] of phases) {
    ports.signal.throwIfAborted();
    const isToGoOn = await watch.during(
      phase,
      name,
      async () => await work(scene, scenario, copies, course),
    );
    if (!isToGoOn) {
      return;
    }
  }
}

/** That the copies are what they were copied from: or else nothing that follows would mean anything. */
async function requireCopies(
  { book }: ScenarioScene,
  { name }: Scenario,
  copies: Copies,
): Promise<boolean> {
  const place: CheckPlace = { phase: "baseline", scenario: name };
  const passed: boolean[] = [];
  for (const copy of copiesOf(copies)) {
    passed.push(
      await book.run(place, {
        id: `copy-${copy.part}`,
        title: `The copy of the ${PART_NAMES[copy.part]} is like what it was made of`,
        critical: true,
        measure: async () =>
          measureNone(await copy.differences(), copy.summary),
      }),
    );
  }
  return passed.every(Boolean);
}

async function breakAll(
  scene: ScenarioScene,
  scenario: Scenario,
  copies: Copies,
  course: Course,
): Promise<boolean> {
  const { watch, baseline } = scene;
  const begin = watch.seconds;
  for (const [index, injection] of scenario.inject.entries()) {
    if (!(await breakOne(scene, scenario, copies, course, injection, index))) {
      return false;
    }
  }
  course.failedAt = watch.seconds;
  const points = baseline.backups
    .filter(({ kind }) => scenarioUses(scenario, kind))
    .map(({ atSeconds }) => atSeconds);
  course.rpoSeconds = points.length === 0 ? 0 : begin - Math.min(...points);
  return true;
}

/** Whether a scenario recovers from a backup of a kind; a rollback needs none. */
function scenarioUses(
  { recover: recoveries }: Scenario,
  kind: "database" | "contracts" | "files",
): boolean {
  const part = kind === "contracts" ? "deployments" : kind;
  return recoveries.some(
    (one) => partRecovered(one) === part || partRecovered(one) === undefined,
  );
}

/** @returns whether something is broken that wasn't before. */
async function breakOne(
  { book, ports }: ScenarioScene,
  { name, optional = [] }: Scenario,
  copies: Copies,
  { injections, known }: Course,
  injection: InjectionSpec | CustomInjection,
  index: number,
): Promise<boolean> {
  const place: CheckPlace = { phase: "failure", scenario: name };
  const part = partBroken(injection);
  const check = {
    id: `broken-${String(index + 1)}-${part}`,
    title: `${titleOf(injection)} breaks the copy of the ${PART_NAMES[part]}`,
    critical: true,
  };
  const copy: Copy | undefined = copies[part];
  if (copy === undefined) {
    if (optional.includes(part)) {
      book.skip(place, check, `There is no copy of the ${PART_NAMES[part]}.`);
      return true;
    }
    return await book.run(place, {
      ...check,
      measure: async () => await Promise.resolve(measureBroken([])),
    });
  }
  return await book.run(place, {
    ...check,
    measure: async () => {
      ports.signal.throwIfAborted();
      const before = known.get(part) ?? [];
      await copy.requireOwn();
      const what = await inject(injection, copies);
      const after = await copy.differences();
      known.set(part, after);
      const isNew = after.join("\n") !== before.join("\n");
      injections.push(what);
      ports.progress(`Broken: ${what}`);
      return measureBroken(isNew ? after : []);
    },
  });
}

async function recoverAll(
  scene: ScenarioScene,
  scenario: Scenario,
  copies: Copies,
  course: Course,
): Promise<boolean> {
  for (const recovery of scenario.recover) {
    const part = partRecovered(recovery);
    const isLeftOut =
      part !== undefined &&
      copies[part] === undefined &&
      scenario.optional?.includes(part) === true;
    if (!isLeftOut) {
      await recoverOne(scene, scenario, copies, course, recovery);
    }
  }
  // What came back is measured even where one of them failed.
  return true;
}

async function recoverOne(
  { book, ports, watch, baseline }: ScenarioScene,
  { name }: Scenario,
  copies: Copies,
  course: Course,
  recovery: RecoverySpec | CustomRecovery,
): Promise<void> {
  ports.signal.throwIfAborted();
  const task = taskOf(recovery);
  const part = partRecovered(recovery);
  const kind = part === "deployments" ? "contracts" : part;
  const used = baseline.backups.find((one) => one.kind === kind);
  const from = task === "dr:rollback" ? null : (used?.name ?? null);
  ports.progress(`Recovering with ${task}`);
  const start = watch.seconds;
  const end = (status: RecoveryReport["status"], onChainSeconds = 0) => {
    const seconds = round(watch.seconds - start + onChainSeconds);
    course.recoveries.push({ task, status, seconds, from });
  };
  try {
    const onChainSeconds = await recover(recovery, copies);
    course.onChainSeconds += onChainSeconds;
    end("done", onChainSeconds);
  } catch (error) {
    end("failed");
    ports.signal.throwIfAborted();
    book.fail(
      { phase: "recovery", scenario: name },
      {
        id: `recovered-${String(course.recoveries.length)}`,
        title: `${task} recovers the ${part === undefined ? "copies" : PART_NAMES[part]}`,
        critical: true,
      },
      error,
    );
  }
}

/** By what there is now, whatever the recoveries said. */
async function prove(
  scene: ScenarioScene,
  scenario: Scenario,
  copies: Copies,
  course: Course,
): Promise<boolean> {
  const { book, watch } = scene;
  const { name, checks = [] } = scenario;
  const place: CheckPlace = { phase: "proof", scenario: name };
  const passed: boolean[] = [];
  for (const copy of copiesOf(copies).filter(({ part }) =>
    ENDS.includes(part),
  )) {
    passed.push(
      await book.run(place, {
        id: `same-${copy.part}`,
        title: `The copy of the ${PART_NAMES[copy.part]} is what it was before`,
        critical: true,
        measure: async () =>
          measureNone(await copy.differences(), copy.summary),
      }),
    );
  }
  for (const { id, title, critical = false, measure } of checks) {
    passed.push(
      await book.run(place, {
        id,
        title,
        critical,
        measure: async () => await measure(copies),
      }),
    );
  }
  const { failedAt = watch.seconds, onChainSeconds } = course;
  if (passed.every(Boolean)) {
    course.rtoSeconds = watch.seconds - failedAt + onChainSeconds;
  }
  await judgeObjectives(scene, scenario, course, place);
  return true;
}

async function judgeObjectives(
  { book, source }: ScenarioScene,
  { objective }: Scenario,
  { rtoSeconds, rpoSeconds }: Course,
  place: CheckPlace,
): Promise<void> {
  const { rtoMinutes, rpoHours } = source.config.objectives;
  const objectives = [
    ["rto", "recovery time", rtoSeconds, rtoMinutes[objective] * 60],
    ["rpo", "recovery point", rpoSeconds, rpoHours * 3600],
  ] as const;
  for (const [id, what, seconds, objectiveSeconds] of objectives) {
    const check = {
      id,
      title: `The ${what} is within its objective`,
      critical: false,
    };
    await book.run(place, {
      ...check,
      measure: async () =>
        await Promise.resolve(
          seconds === undefined
            ? {
                isMet: false,
                measured: "not recovered",
                expected: `at most ${String(objectiveSeconds)} s`,
              }
            : measureWithin(seconds, objectiveSeconds),
        ),
    });
  }
}

function reportOf(
  { source }: ScenarioScene,
  { name, title, objective }: Scenario,
  { injections, recoveries, rtoSeconds, rpoSeconds }: Course,
  status: ScenarioReport["status"],
  reason: string | null,
): ScenarioReport {
  const { rtoMinutes, rpoHours } = source.config.objectives;
  return {
    name,
    title,
    status,
    reason,
    objective,
    rto: toObjective(rtoSeconds, rtoMinutes[objective] * 60),
    rpo: toObjective(rpoSeconds, rpoHours * 3600),
    injections,
    recoveries,
  };
}

function toObjective(
  seconds: number | undefined,
  objectiveSeconds: number,
): ObjectiveReport {
  return {
    measuredSeconds: seconds === undefined ? null : round(seconds),
    objectiveSeconds,
    isMet: seconds === undefined ? null : seconds <= objectiveSeconds,
  };
}
