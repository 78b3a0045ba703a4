import {
  PASSING_RATE,
  type CheckReport,
  type DrillReport,
  type IssueReport,
  type TestCounts,
} from "./report.js";

export function countTests(checks: readonly CheckReport[]): TestCounts {
  const count = (status: CheckReport["status"]) =>
    checks.filter((check) => check.status === status).length;
  const [passed, failed] = [count("passed"), count("failed")];
  const measured = passed + failed;
  return {
    total: checks.length,
    passed,
    failed,
    skipped: count("skipped"),
    // Not rounded up to what it isn't.
    successRate:
      measured === 0 ? 0 : Math.floor((passed / measured) * 1000) / 10,
  };
}

/** Where nothing was drilled, nothing has passed. */
export function judge({
  tests,
  checks,
  scenarios,
}: Pick<DrillReport, "tests" | "checks" | "scenarios">): DrillReport["status"] {
  const isBroken = checks.some(
    ({ status, critical }) => status === "failed" && critical,
  );
  const isDrilled =
    scenarios.some(({ status }) => status === "passed") &&
    scenarios.every(({ status }) => status !== "failed");
  return tests.successRate >= PASSING_RATE && !isBroken && isDrilled
    ? "PASSED"
    : "FAILED";
}

/** @param warnings - Sentences. */
export function findIssues(
  checks: readonly CheckReport[],
  scenarios: DrillReport["scenarios"],
  warnings: readonly string[],
): readonly IssueReport[] {
  const failures = checks
    .filter(({ status }) => status === "failed")
    .toSorted((a, b) => Number(b.critical) - Number(a.critical))
    .map(({ id, title, reason, measured }) => ({
      severity: "failure" as const,
      text: `${title}: ${reason ?? measured ?? "nothing was measured"}`,
      check: id,
    }));
  const skipped = scenarios
    .filter(({ status }) => status === "skipped")
    .map(({ title, reason }) => `${title} wasn't drilled: ${reason ?? ""}`);
  return [
    ...failures,
    ...[...skipped, ...warnings].map((text) => ({
      severity: "warning" as const,
      text,
      check: null,
    })),
  ];
}
