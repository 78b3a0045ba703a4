import type { Announcement } from "../core/announcement.js";

/** How a replication ended, as people are told of it. */
export interface ReplicationNews {
  /** The project's name. */
  readonly project: string;
  /** When only one was replicated to: its name. */
  readonly target?: string;
  readonly end:
    | {
        readonly status: "completed";
        /** `s3`, or `s3, gcs`. */
        readonly providers: string;
        /** Where more of it stands. */
        readonly report: string;
      }
    | { readonly status: "failed"; readonly reason: string };
  readonly at: Date;
}

/**
 * A failure is to be looked into within hours, and the next success settles
 * it: both have the same key.
 */
export function replicationAnnouncement({
  project,
  target,
  end,
  at,
}: ReplicationNews): Announcement {
  const common = {
    key: ["offsite-replication", project, target]
      .filter((part) => part !== undefined)
      .join("/"),
    source: project,
    at,
  };
  return end.status === "completed"
    ? {
        ...common,
        action: "resolve",
        severity: "low",
        title: `✅ Offsite replication completed: All backups replicated to ${end.providers}`,
        text: `Report: ${end.report}`,
      }
    : {
        ...common,
        action: "trigger",
        severity: "medium",
        title: `❌ Offsite replication failed: ${end.reason}`,
        text: "The backups are on this machine only, or not everywhere they should be. Run `npx hardhat dr:offsite:replicate` when the cause is mended: it sends only what is missing.",
      };
}
