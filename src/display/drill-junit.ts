import type { CheckReport, DrillReport } from "../drill/report.js";
import { escapeMarkup } from "./escape-markup.js";

/**
 * A drill as JUnit's XML, as CI systems read it: a suite for each scenario, and
 * one for each phase that is no scenario's.
 *
 * @see https://github.com/testmoapp/junitxml
 */
export function formatDrillJunit(report: DrillReport): string {
  const { drillId, tests, durationSeconds, startedAt, checks } = report;
  const suites = Map.groupBy(
    checks,
    ({ scenario, phase }) => scenario ?? phase,
  );
  const body = [...suites].map(([name, cases]) =>
    formatSuite(name, cases, startedAt),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${escapeMarkup(drillId)}" ${counts(checks)} time="${durationSeconds.toFixed(3)}" timestamp="${escapeMarkup(startedAt)}">
  <!-- success rate ${tests.successRate.toFixed(1)} %, ${report.status} -->
${body.join("")}</testsuites>
`;
}

function formatSuite(
  name: string,
  checks: readonly CheckReport[],
  startedAt: string,
): string {
  const seconds = checks.reduce((sum, one) => sum + one.seconds, 0);
  return `  <testsuite name="${escapeMarkup(name)}" ${counts(checks)} time="${seconds.toFixed(3)}" timestamp="${escapeMarkup(startedAt)}">
${checks.map(formatCase).join("")}  </testsuite>
`;
}

function counts(checks: readonly CheckReport[]): string {
  const count = (status: CheckReport["status"]) =>
    String(checks.filter((check) => check.status === status).length);
  return `tests="${String(checks.length)}" failures="${count("failed")}" errors="0" skipped="${count("skipped")}"`;
}

function formatCase(check: CheckReport): string {
  const { id, title, phase, scenario, seconds } = check;
  const head = `    <testcase name="${escapeMarkup(`${title} [${id}]`)}" classname="${escapeMarkup(`${scenario ?? "drill"}.${phase}`)}" time="${seconds.toFixed(3)}"`;
  const inside = formatOutcome(check);
  return inside === ""
    ? `${head}/>\n`
    : `${head}>\n      ${inside}\n    </testcase>\n`;
}

function formatOutcome(check: CheckReport): string {
  const { status, measured, expected, reason, critical } = check;
  const why = escapeMarkup(reason ?? measured ?? "");
  switch (status) {
    case "passed":
      return measured === null
        ? ""
        : `<system-out>${escapeMarkup(measured)}</system-out>`;
    case "skipped":
      return `<skipped message="${why}"/>`;
    case "failed":
      return `<failure message="${why}" type="${critical ? "critical" : "check"}">${escapeMarkup(`expected ${expected ?? "its post-condition"}`)}</failure>`;
  }
}
