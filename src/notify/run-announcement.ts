import type { AnnouncedProcedure, RunStage } from "../config/notify-names.js";
import type { Announcement } from "../core/announcement.js";
import type { Severity } from "../core/severity.js";

/** A run as people are told of it. */
export interface RunNews {
  readonly procedure: AnnouncedProcedure;
  readonly stage: RunStage;
  /** The project's name. */
  readonly project: string;
  readonly network: string;
  /** Its contracts, by name. */
  readonly contracts: readonly string[];
  readonly run: string;
  /** What is waited for, or what went wrong. */
  readonly reason?: string;
  readonly at: Date;
}

const MOST_NAMES = 5;

const DEEDS: Readonly<Record<AnnouncedProcedure, string>> = {
  pause: "Pause",
  unpause: "Unpause",
  rollback: "Rollback",
  upgrade: "Upgrade",
  emergency: "Emergency upgrade",
};

/** What everybody should know of, and what is routine. */
const SEVERITIES: Readonly<
  Record<AnnouncedProcedure, { readonly course: Severity; failed: Severity }>
> = {
  pause: { course: "critical", failed: "critical" },
  unpause: { course: "medium", failed: "high" },
  rollback: { course: "critical", failed: "critical" },
  upgrade: { course: "medium", failed: "high" },
  emergency: { course: "critical", failed: "critical" },
};

const MARKS: Readonly<Record<RunStage, string>> = {
  begun: "▶️",
  waiting: "⏳",
  done: "✅",
  failed: "❌",
};

const WORDS: Readonly<Record<RunStage, string>> = {
  begun: "has begun",
  waiting: "is waiting",
  done: "is done",
  failed: "has failed",
};

/**
 * A run's begin and its standing wake nobody; its failure does, under the
 * run's own key, until `dr:resume` has brought it to its end.
 */
export function runAnnouncement(news: RunNews): Announcement {
  const { procedure, stage, project, network, contracts, run, at } = news;
  const severity = SEVERITIES[procedure];
  return {
    key: `${project}/${network}/${run}`,
    action: actionOf(stage),
    severity: stage === "failed" ? severity.failed : severity.course,
    title: `${MARKS[stage]} ${DEEDS[procedure]} of ${namesOf(contracts)} on ${network} ${WORDS[stage]}`,
    text: textOf(news),
    source: `${project} on ${network}`,
    at,
  };
}

function actionOf(stage: RunStage): Announcement["action"] {
  switch (stage) {
    case "begun":
    case "waiting":
      return "change";
    case "failed":
      return "trigger";
    case "done":
      return "resolve";
  }
}

function namesOf(contracts: readonly string[]): string {
  const more = contracts.length - MOST_NAMES;
  const shown = contracts.slice(0, MOST_NAMES).join(", ");
  return more > 0 ? `${shown} and ${String(more)} more` : shown || "nothing";
}

function textOf({ stage, contracts, run, reason }: RunNews): string {
  const goOn = stage === "waiting" || stage === "failed";
  return [
    ...(reason === undefined ? [] : [reason]),
    `Contracts: ${contracts.join(", ") || "none"}.`,
    `Run: ${run}.`,
    ...(goOn ? [`Go on with: npx hardhat dr:resume ${run}`] : []),
  ].join("\n");
}
