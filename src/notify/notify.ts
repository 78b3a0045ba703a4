import { randomUUID } from "node:crypto";

import type { ChannelName } from "../config/notify-names.js";
import type { NotifyConfig } from "../config/types.js";
import type { Announcement } from "../core/announcement.js";
import {
  deliver,
  systemTiming,
  type Delivery,
  type Timing,
} from "./deliver.js";
import { openChannel } from "./open-channel.js";
import { channelsFor } from "./routing.js";

/** What telling people needs of its surroundings. */
export interface NotifyPorts {
  readonly config: NotifyConfig;
  readonly timing?: Timing;
}

/**
 * Tells people, by all channels at the same time, so that none waits for
 * another.
 *
 * @param channels - Default: those of the announcement's severity.
 * @returns what became of it in each, after at most `timeoutSeconds`; never throws.
 */
export async function notify(
  { config, timing = systemTiming }: NotifyPorts,
  announcement: Announcement,
  channels: readonly ChannelName[] = channelsFor(announcement, config),
): Promise<Delivery[]> {
  const id = `msg_${randomUUID()}`;
  return await Promise.all(
    channels.map(
      async (name) =>
        await deliver(
          name,
          async () => await openChannel(name, config),
          announcement,
          { timing, limitMs: config.timeoutSeconds * 1000, id },
        ),
    ),
  );
}
