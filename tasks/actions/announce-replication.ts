import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { systemClock } from "../../src/core/clock.js";
import { isDrError, messageOf } from "../../src/core/errors.js";
import {
  replicationAnnouncement,
  type ReplicationNews,
} from "../../src/notify/replication-announcement.js";
import { announce } from "./announce.js";
import type { Replication } from "./offsite-replicate.js";
import type { Output } from "./output.js";

/**
 * Replicates, and tells people how it ended; also when it never began, such as
 * for a key that is gone: nobody looks at what cron prints.
 *
 * @throws what the work throws.
 */
export async function announcingReplication(
  { target, dryRun }: { readonly target: string; readonly dryRun: boolean },
  hre: HardhatRuntimeEnvironment,
  output: Output,
  work: () => Promise<Replication>,
): Promise<Replication> {
  const tell = (end: ReplicationNews["end"]): void => {
    if (!dryRun) {
      const announcement = replicationAnnouncement({
        project: hre.config.dr.project,
        ...(target === "" ? {} : { target }),
        end,
        at: systemClock.now(),
      });
      output.afterwards(announce(hre, announcement, output));
    }
  };
  try {
    const replication = await work();
    tell(endOf(replication));
    return replication;
  } catch (error) {
    // Whoever says no, or mistypes, sits before it.
    const isKnown = isDrError(
      error,
      "NOT_CONFIRMED",
      "OPTION_INVALID",
      "OFFSITE_TARGET_UNKNOWN",
    );
    if (!isKnown) {
      tell({ status: "failed", reason: reasonOf(messageOf(error)) });
    }
    throw error;
  }
}

function endOf({ report, path }: Replication): ReplicationNews["end"] {
  const { status, summary, offsite_provider: providers } = report;
  return status === "SUCCESS"
    ? { status: "completed", providers: providers, report: path }
    : { status: "failed", reason: reasonOf(summary) };
}

/** Without the words that the title has already. */
function reasonOf(text: string): string {
  return text.replace(/^Offsite replication failed: /, "").replace(/\.$/, "");
}
