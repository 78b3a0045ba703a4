import type { Announcement } from "../../core/announcement.js";
import { ROLE_TITLES, type Contact, type Role } from "../../core/contact.js";
import { formatDuration } from "../../core/duration.js";
import type { DeclaredIncident } from "./declared-incident.js";
import { presentOf } from "./declared-incident.js";
import { responseTime } from "./response.js";

/** Tells people; who and by which channels is its own business. */
export type Announce = (announcement: Announcement) => Promise<void>;

type Words = Pick<Announcement, "action" | "title" | "text">;

/** The incident is open: whoever is on call wakes up. */
export function announceOpening(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
  at: Date,
): Announcement {
  const { title, severity, openedBy, impact, detection, responders } = incident;
  const [first] = responders;
  return announcementOf(incident, at, {
    action: "trigger",
    title: `${title} (${severity})`,
    text: [
      `Opened by ${openedBy}.`,
      ...(impact === undefined ? [] : [`Impact: ${impact}`]),
      ...(detection === undefined ? [] : [`First sign: ${detection}`]),
      ...(first === undefined
        ? []
        : [
            `To be acknowledged within ${responseTime(severity)}, by ${formatTime(first.respondBy)}: ${nameOf(first.role, contacts)}.`,
          ]),
    ].join("\n"),
  });
}

/** Nobody has acknowledged it in time: who is next. */
export function announceEscalation(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
  at: Date,
): Announcement {
  const { title, severity, openedAt, responders, level } = incident;
  const missed = responders
    .slice(0, level)
    .map(({ role }) => nameOf(role, contacts));
  const next = responders[level];
  const age = presentOf(incident, at).getTime() - openedAt.getTime();
  return announcementOf(incident, at, {
    action: "trigger",
    title: `${title} (${severity}), not acknowledged: ${next === undefined ? "" : nameOf(next.role, contacts)}, please`,
    text: [
      `Open for ${formatDuration(BigInt(Math.floor(age / 1000)))}; not acknowledged by ${missed.join(", ")}.`,
      ...(next === undefined
        ? []
        : [
            `Next: ${nameOf(next.role, contacts)}, by ${formatTime(next.respondBy)}.`,
          ]),
    ].join("\n"),
  });
}

export function announceAcknowledgement(
  incident: DeclaredIncident,
  at: Date,
): Announcement {
  return announcementOf(incident, at, {
    action: "acknowledge",
    title: `${incident.title}: acknowledged`,
    text: `By ${incident.acknowledged?.by ?? ""}.`,
  });
}

export function announceClosing(
  incident: DeclaredIncident,
  at: Date,
): Announcement {
  const { title, closed } = incident;
  return announcementOf(incident, at, {
    action: "resolve",
    title: `${title}: closed`,
    text: [
      `By ${closed?.by ?? ""}.`,
      ...(closed?.resolution === undefined ? [] : [closed.resolution]),
      ...(closed === undefined
        ? []
        : [`The post-mortem is due by ${formatTime(closed.postMortemDueAt)}.`]),
    ].join("\n"),
  });
}

/** One key for all that is said of an incident: its id is like no other's. */
function announcementOf(
  { id, severity, source }: DeclaredIncident,
  at: Date,
  { action, title, text }: Words,
): Announcement {
  return {
    key: id,
    action,
    severity,
    title,
    text: `${id}: ${text}`,
    source,
    at,
  };
}

/** `DevOps lead Ada Lovelace`; how to reach people is nobody's business but the reader's of `dr.contacts`. */
function nameOf(role: Role, contacts: readonly Contact[]): string {
  const name = contacts.find((contact) => contact.role === role)?.name;
  return name === undefined
    ? ROLE_TITLES[role]
    : `${ROLE_TITLES[role]} ${name}`;
}

function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
