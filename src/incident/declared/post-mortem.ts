import { listDocuments } from "../write-document.js";
import { presentOf, type DeclaredIncident } from "./declared-incident.js";
import { folderOf } from "./incident-journal.js";

/** How far the post-mortem of a closed incident is. */
export interface PostMortem {
  readonly status: "done" | "due" | "overdue";
  readonly dueAt: Date;
  /** Points of its agenda without a tick. */
  readonly left: readonly string[];
}

/** What a post-mortem goes through; it is done when each has its tick. */
export const AGENDA = [
  "Review the incident's timeline",
  "Identify the root cause",
  "Document the lessons learned",
  "Create action items",
  "Update the runbooks",
] as const;

export const AGENDA_HEADING = "Agenda";

/** By which its document is known. */
export function postMortemSubject(id: string): string {
  return `${id}/post-mortem`;
}

/**
 * Read from its document, where people tick its points; one that isn't there has
 * none ticked.
 *
 * @returns undefined of an incident that isn't closed.
 */
export async function readPostMortem(
  incidents: string,
  incident: DeclaredIncident,
  now: Date,
): Promise<PostMortem | undefined> {
  const { id, closed } = incident;
  if (closed === undefined) {
    return undefined;
  }
  const { documents } = await listDocuments(
    folderOf(incidents, id),
    postMortemSubject(id),
  );
  const dueAt = closed.postMortemDueAt;
  const open = documents.map(({ text }) => untickedIn(text));
  const left = open.sort((a, b) => a.length - b.length)[0] ?? AGENDA;
  const isOver = dueAt <= presentOf(incident, now);
  return {
    status: left.length === 0 ? "done" : isOver ? "overdue" : "due",
    dueAt,
    left,
  };
}

/** All of the agenda where somebody has removed it. */
function untickedIn(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) =>
    new RegExp(`^#+ +${AGENDA_HEADING}\\s*$`).test(line),
  );
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => line.startsWith("#"));
  const section = end < 0 ? rest : rest.slice(0, end);
  const points = section.flatMap((line) => {
    const [, tick, point] = /^\s*[-*+] \[([ xX])\] +(.*)$/.exec(line) ?? [];
    return tick === undefined || point === undefined
      ? []
      : [{ isTicked: tick !== " ", point: point.trim() }];
  });
  return begin < 0 || points.length === 0
    ? AGENDA
    : points.filter(({ isTicked }) => !isTicked).map(({ point }) => point);
}
