import type { Announcement } from "../../src/core/announcement.js";
import { NOW } from "./fake-timing.js";

export function announcementOf(
  changes: Partial<Announcement> = {},
): Announcement {
  return {
    key: "takumi/mainnet/INC-7",
    action: "trigger",
    severity: "critical",
    title: "SkillProfile is being drained",
    text: "All contracts are paused.\nThe multisig is on its way.",
    source: "takumi on mainnet",
    at: NOW,
    ...changes,
  };
}
