import type { Severity } from "../core/severity.js";

/** By what people are told. */
export const NOTIFY_CHANNELS = [
  "slack",
  "pagerduty",
  "email",
  "webhook",
] as const;

export type ChannelName = (typeof NOTIFY_CHANNELS)[number];

/** What an announcement goes by: its severity, or that it is a mere change. */
export type RouteName = Severity | "change";

/** The procedures whose runs are announced. */
export const ANNOUNCED = [
  "pause",
  "unpause",
  "rollback",
  "upgrade",
  "emergency",
] as const;

export type AnnouncedProcedure = (typeof ANNOUNCED)[number];

/** What there is to say of a run; `waiting` for signatures or a delay. */
export const RUN_STAGES = ["begun", "waiting", "done", "failed"] as const;

export type RunStage = (typeof RUN_STAGES)[number];
