import type { DocumentPart } from "./document.js";
import type { ProposalPlace } from "../safe/proposal.js";
import type { Incident } from "./incident.js";
import { readIncident } from "./read-incident.js";
import { slugOf } from "./title.js";
import {
  listDocuments,
  writeDocument,
  type WrittenDocument,
} from "./write-document.js";

/** The folder holds runs, proposals, deploy.json. */
export interface IncidentPorts extends ProposalPlace {
  /** Where the documents go. */
  readonly incidents: string;
  readonly format: (incident: Incident) => readonly DocumentPart[];
}

/**
 * Writes the document of a run, or brings its generated parts up to date. What
 * a person has written stays, wherever it stands.
 *
 * @param title - Of a new document; one that exists keeps its own.
 * @throws {DrError} JOURNAL_UNREADABLE, JOURNAL_TAMPERED, JOURNAL_EMPTY,
 * INCIDENT_NOT_WRITTEN.
 */
export async function writeIncident(
  { incidents, format, ...place }: IncidentPorts,
  { run, title }: { readonly run: string; readonly title?: string },
): Promise<WrittenDocument> {
  const incident = await readIncident(place, run, title);
  return await writeDocument({
    folder: incidents,
    subject: run,
    name: `${incident.startedAt.slice(0, 10)}-${slugOf(incident.title)}`,
    format: () => format(incident),
  });
}

/**
 * Brings the document of a run up to date, where it has one.
 *
 * @throws {DrError} as {@link writeIncident} does.
 */
export async function refreshIncident(
  ports: IncidentPorts,
  run: string,
): Promise<WrittenDocument | undefined> {
  const { documents } = await listDocuments(ports.incidents, run);
  return documents.length === 0
    ? undefined
    : await writeIncident(ports, { run });
}
