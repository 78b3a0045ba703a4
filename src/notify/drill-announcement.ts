import type { Announcement } from "../core/announcement.js";

/** How a drill ended, as people are told of it. */
export interface DrillNews {
  /** The project's name. */
  readonly project: string;
  readonly network: string;
  /** `DR_DRILL_20251126_112822` */
  readonly drillId: string;
  readonly isPassed: boolean;
  readonly passed: number;
  /** Checks that were made: those that passed, and those that failed. */
  readonly made: number;
  /** Failures first: sentences. */
  readonly issues: readonly string[];
  /** When the next is due; ISO 8601, UTC. */
  readonly nextDue: string;
  readonly at: Date;
}

/** A drill is a change, and wakes nobody, whatever came of it. */
export function drillAnnouncement({
  project,
  network,
  drillId,
  isPassed,
  passed,
  made,
  issues,
  nextDue,
  at,
}: DrillNews): Announcement {
  return {
    key: `drill/${project}/${drillId}`,
    action: "change",
    severity: isPassed ? "low" : "medium",
    title: `${isPassed ? "✅ Drill passed" : "❌ Drill failed"}: ${passed} of ${made} checks`,
    text: [
      `${drillId} on a fork of ${network} and copies of the rest.`,
      ...issues,
      `The next is due by ${nextDue}.`,
    ].join("\n"),
    source: project,
    at,
  };
}
