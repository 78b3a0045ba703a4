import type { Announcement } from "../../core/announcement.js";
import { ROLE_TITLES, type Contact, type Role } from "../../core/contact.js";
import { formatDuration } from "../../core/duration.js";
import { presentOf, type DeclaredIncident } from "./declared-incident.js";
import { NEWS, type IncidentRecord, type News } from "./event.js";
import { responseTime } from "./response.js";

/**
 * Tells people; who and by which channels is its own business.
 *
 * @returns whether anybody was reached.
 */
export type Announce = (announcement: Announcement) => Promise<boolean>;

type Words = Pick<Announcement, "action" | "title" | "text">;

/** An event that people are to be told of. */
type NewsRecord = Extract<IncidentRecord, { readonly type: News }>;

/** Whoever announces something has so long before somebody else takes it for dead. */
const GRACE_MS = 60_000;
/** After that the end of an incident is news to nobody. */
const STALE_MS = 86_400_000;

/** What people should know by now: the newest makes the ones before needless. */
export function newsOf({ records }: DeclaredIncident): NewsRecord {
  const news = records.findLast(isNews);
  // The first record is one.
  return news ?? (records[0] as NewsRecord);
}

function isNews(record: IncidentRecord): record is NewsRecord {
  return NEWS.some((type) => type === record.type);
}

/**
 * Whether people were never told of the newest: who entered it was killed before
 * that, or no channel took it.
 */
export function isUntold(incident: DeclaredIncident, now: Date): boolean {
  const news = newsOf(incident);
  const ageMs = presentOf(incident, now).getTime() - Date.parse(news.at);
  return (
    ageMs >= GRACE_MS &&
    !(news.type === "closed" && ageMs > STALE_MS) &&
    !incident.records.some(
      (record) => record.type === "announced" && record.of >= news.seq,
    )
  );
}

/** What is said of an incident's newest event. */
export function announcementOf(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
  at: Date,
): Announcement {
  // One key for all that is said of an incident: its id is like no other's.
  const { id, severity, source } = incident;
  const { action, title, text } = wordsFor(incident, contacts, at);
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

function wordsFor(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
  at: Date,
): Words {
  switch (newsOf(incident).type) {
    case "opened":
      return wordsOfOpening(incident, contacts);
    case "escalated":
      return wordsOfEscalation(incident, contacts, at);
    case "acknowledged":
      return {
        action: "acknowledge",
        title: `${incident.title}: acknowledged`,
        text: `By ${incident.acknowledged?.by ?? ""}.`,
      };
    case "closed":
      return wordsOfClosing(incident);
  }
}

function wordsOfOpening(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
): Words {
  const { title, severity, openedBy, impact, detection, responders } = incident;
  const [first] = responders;
  return {
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
  };
}

/** Nobody has acknowledged it in time: who is next. */
function wordsOfEscalation(
  incident: DeclaredIncident,
  contacts: readonly Contact[],
  at: Date,
): Words {
  const { title, severity, openedAt, responders, level } = incident;
  const missed = responders
    .slice(0, level)
    .map(({ role }) => nameOf(role, contacts));
  const next = responders[level];
  const ageMs = presentOf(incident, at).getTime() - openedAt.getTime();
  return {
    action: "trigger",
    title: `${title} (${severity}), not acknowledged${next === undefined ? "" : `: ${nameOf(next.role, contacts)}, please`}`,
    text: [
      `Open for ${formatDuration(BigInt(Math.floor(ageMs / 1000)))}; not acknowledged by ${missed.join(", ")}.`,
      ...(next === undefined
        ? []
        : [
            `Next: ${nameOf(next.role, contacts)}, by ${formatTime(next.respondBy)}.`,
          ]),
    ].join("\n"),
  };
}

function wordsOfClosing({ title, closed }: DeclaredIncident): Words {
  return {
    action: "resolve",
    title: `${title}: closed`,
    text: [
      `By ${closed?.by ?? ""}.`,
      ...(closed?.resolution === undefined ? [] : [closed.resolution]),
      ...(closed === undefined
        ? []
        : [`The post-mortem is due by ${formatTime(closed.postMortemDueAt)}.`]),
    ].join("\n"),
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
