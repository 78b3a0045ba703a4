import type { Role } from "../../core/contact.js";
import type { Severity } from "../../core/severity.js";

/** Seconds within which an incident is acknowledged; a low one has until the end of the next business day. */
const RESPONSE_SECONDS = {
  critical: 15 * 60,
  high: 60 * 60,
  medium: 4 * 60 * 60,
} as const satisfies Partial<Record<Severity, number>>;

const DAY_MS = 86_400_000;

/** A post-mortem is due so long after an incident was closed. */
export const POST_MORTEM_MS = DAY_MS;

/** Who is to acknowledge an incident, and by when. */
export interface Responder {
  readonly role: Role;
  readonly respondBy: Date;
}

/** The response time in words. */
export function responseTime(severity: Severity): string {
  switch (severity) {
    case "critical":
      return "15 minutes";
    case "high":
      return "1 hour";
    case "medium":
      return "4 hours";
    case "low":
      return "the next business day";
  }
}

/** Everybody gets the severity's response time, counted from when the one before ran out of it. */
export function respondersOf(
  severity: Severity,
  openedAt: Date,
  roles: readonly Role[],
): readonly Responder[] {
  let from = openedAt;
  return roles.map((role) => {
    from = respondBy(severity, from);
    return { role, respondBy: from };
  });
}

function respondBy(severity: Severity, from: Date): Date {
  return severity === "low"
    ? endOfNextBusinessDay(from)
    : new Date(from.getTime() + RESPONSE_SECONDS[severity] * 1000);
}

/** Monday to Friday, in UTC. */
function endOfNextBusinessDay(from: Date): Date {
  let start = Math.floor(from.getTime() / DAY_MS) * DAY_MS + DAY_MS;
  while (isWeekend(new Date(start))) {
    start += DAY_MS;
  }
  return new Date(start + DAY_MS);
}

function isWeekend(day: Date): boolean {
  return day.getUTCDay() === 0 || day.getUTCDay() === 6;
}
