import type { ChannelName } from "../config/notify-names.js";
import type { NotifyConfig } from "../config/types.js";
import type { Announcement } from "../core/announcement.js";
import { configuredChannels } from "./open-channel.js";

/**
 * By which channels something is told: those of its severity, or of a mere
 * change. PagerDuty always learns that something is over or in somebody's
 * hands: what it never was told of, it ignores.
 */
export function channelsFor(
  { action, severity }: Pick<Announcement, "action" | "severity">,
  config: NotifyConfig,
): ChannelName[] {
  const wanted = new Set(
    config.routes[action === "change" ? "change" : severity],
  );
  if (action === "acknowledge" || action === "resolve") {
    wanted.add("pagerduty");
  }
  return configuredChannels(config).filter((name) => wanted.has(name));
}
