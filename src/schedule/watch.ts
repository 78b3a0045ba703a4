import type { ScheduledJob } from "./jobs.js";

/**
 * Every five minutes: incidents that nobody has acknowledged are escalated. It
 * needs the project's folder, where incidents are, and not a copy of it; so
 * neither a hosted runner nor a container can do it.
 */
export const WATCH: Omit<ScheduledJob, "cadence"> = {
  name: "incidents",
  title: "Escalate incidents that nobody has acknowledged in time",
  commands: [["dr:incident:list"]],
};

export const WATCH_CRON = "*/5 * * * *";
/** As systemd's `OnCalendar` wants it. */
export const WATCH_CALENDAR = "*-*-* *:00/5:00 UTC";

/** How it ends while somebody is late. They were told by the channels: it hasn't failed. */
export const LATE_STATUS = 4;
