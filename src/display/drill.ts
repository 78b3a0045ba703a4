import type { DrillReport, ObjectiveReport } from "../drill/report.js";
import type { Scenario } from "../drill/scenario.js";
import type { ReportFiles } from "../drill/write-report.js";
import { formatSeconds } from "./drill-charts.js";
import { count, formatDuration, type Paint } from "./text.js";

/** A drill for the terminal: the summary, the phases, then what is wrong. */
export function formatDrill(
  report: DrillReport,
  files: ReportFiles,
  paint: Paint,
): string {
  const { drillId, status, tests, durationSeconds, phases } = report;
  const verdict = paint(status === "PASSED" ? "green" : "red", status);
  return `
${drillId}  ${verdict}  ${tests.successRate.toFixed(1)} % of ${count(tests.passed + tests.failed, "check")}, ${String(tests.skipped)} skipped  ${formatDuration(durationSeconds * 1000)}

${phases.map((phase) => `  ${String(phase.number)}  ${phase.title.padEnd(26)} ${paintStatus(phase.status, paint)}  ${formatDuration(phase.seconds * 1000).padStart(9)}`).join("\n")}

${report.scenarios.map((one) => formatScenario(one, paint)).join("\n")}
${formatIssues(report, paint)}
Seed ${String(report.seed)}; ${report.absent === null ? "nobody was absent" : `absent: ${report.absent.kind} ${report.absent.name}`}. Next drill due ${report.nextDue.slice(0, 10)}.
Report: ${files.html}
        ${files.json}
        ${files.junit}
`;
}

function paintStatus(
  status: "passed" | "failed" | "skipped",
  paint: Paint,
): string {
  const styles = { passed: "green", failed: "red", skipped: "yellow" } as const;
  return paint(styles[status], status.padEnd(7));
}

function formatScenario(
  {
    title,
    status,
    rto,
    rpo,
    reason,
    recoveries,
  }: DrillReport["scenarios"][number],
  paint: Paint,
): string {
  const first = `  ${paintStatus(status, paint)}  ${title}`;
  if (status === "skipped") {
    return `${first}: ${reason ?? ""}`;
  }
  const tasks = recoveries.map(({ task }) => task).join(", ");
  return [
    first,
    `recovery time ${formatObjective(rto)}, lost ${formatObjective(rpo)}`,
    ...(tasks === "" ? [] : [`by ${tasks}`]),
  ].join("\n           ");
}

/** `4.2 s of 30 min` */
function formatObjective({
  measuredSeconds,
  objectiveSeconds,
  isMet,
}: ObjectiveReport): string {
  const objective = formatSeconds(objectiveSeconds);
  return measuredSeconds === null
    ? `not measured, objective ${objective}`
    : `${formatSeconds(measuredSeconds)} ${isMet === true ? "of" : "instead of"} ${objective}`;
}

function formatIssues({ issues }: DrillReport, paint: Paint): string {
  return issues
    .map(({ severity, text }) =>
      severity === "failure"
        ? `${paint("red", "✘")} ${text}\n`
        : `${paint("yellow", "!")} ${text}\n`,
    )
    .join("");
}

/** What a drill would do. */
export function formatDrillPlan(
  scenarios: readonly Scenario[],
  seed: number,
  made: readonly string[],
): string {
  const lines = scenarios.map(
    ({ name, title, inject, recover }) =>
      `  ${name}: ${title}\n    breaks    ${inject.map((one) => ("kind" in one ? one.kind : one.title)).join(", ")}\n    recovers  ${recover.map((one) => ("task" in one ? one.task : one.title)).join(", ")}\n`,
  );
  return `1  Pre-drill validation
2  Baseline backups
3  Failure injection, 4  Recovery, 5  Post-recovery validation, of each scenario:
${lines.join("")}6  Summary and report

Seed ${String(seed)}. What would be made, and removed again:
${made.map((one) => `  ${one}\n`).join("")}Dry run: nothing was.
`;
}
