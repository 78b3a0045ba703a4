import type { Announcement } from "../core/announcement.js";
import type { RestoreTestReport } from "./report.js";

/**
 * What people are told of a restore test. A failed one is looked into within
 * four hours, which is what `medium` says; one that passed ends that.
 *
 * @param source - Where it happened: `takumi`.
 */
export function announceRestoreTest(
  { status, summary }: RestoreTestReport,
  source: string,
  at: Date,
): Announcement {
  const isPassed = status === "SUCCESS";
  return {
    key: `${source} offsite restore test`,
    action: isPassed ? "resolve" : "trigger",
    severity: isPassed ? "low" : "medium",
    title: `${isPassed ? "✅" : "❌"} ${headOf(summary)}`,
    text: `${summary}.`,
    source,
    at,
  };
}

/** One line, which a phone shows whole. */
const LONGEST_TITLE = 200;

function headOf(summary: string): string {
  const line = summary.replaceAll(/\s+/g, " ");
  return line.length > LONGEST_TITLE
    ? `${line.slice(0, LONGEST_TITLE - 1)}…`
    : line;
}
