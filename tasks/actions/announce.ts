import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { ChannelName } from "../../src/config/notify-names.js";
import type { NotifyConfig } from "../../src/config/types.js";
import type { Announcement } from "../../src/core/announcement.js";
import { messageOf } from "../../src/core/errors.js";
import type { Delivery } from "../../src/notify/deliver.js";
import type { Output } from "./output.js";

/**
 * Tells people, and writes down whether they were reached. Nothing when no
 * channel is set up.
 *
 * @param channels - Default: those of the announcement's severity.
 * @returns what became of it in each channel, after at most
 * `dr.notify.timeoutSeconds`. Never throws: whatever is announced has happened.
 */
export async function announce(
  { config: { dr } }: HardhatRuntimeEnvironment,
  announcement: Announcement,
  output: Pick<Output, "progress">,
  channels?: readonly ChannelName[],
): Promise<readonly Delivery[]> {
  if (!hasChannels(dr.notify)) {
    return [];
  }
  try {
    // Loaded here: most commands tell nobody.
    const [{ notify }, { logDeliveries }] = await Promise.all([
      import("../../src/notify/notify.js"),
      import("../../src/notify/delivery-log.js"),
    ]);
    const deliveries = await notify(
      { config: dr.notify },
      announcement,
      channels,
    );
    for (const { error } of deliveries) {
      if (error !== undefined) {
        output.progress(`${error.message} ${error.fix}`);
      }
    }
    await logging(output, async () => {
      const path = join(dr.paths.logs, "notifications.ndjson");
      await logDeliveries(path, announcement, deliveries);
    });
    return deliveries;
  } catch (error) {
    output.progress(`Nobody was told: ${messageOf(error)}`);
    return [];
  }
}

export function hasChannels({
  slack,
  pagerduty,
  email,
  webhook,
}: NotifyConfig): boolean {
  return [slack, pagerduty, email, webhook].some(Boolean);
}

/** That it can't be written down changes nothing about who was told. */
async function logging(
  output: Pick<Output, "progress">,
  log: () => Promise<void>,
): Promise<void> {
  try {
    await log();
  } catch (error) {
    output.progress(messageOf(error));
  }
}
