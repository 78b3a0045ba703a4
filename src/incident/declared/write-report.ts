import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { writeAtomically } from "../../core/atomic-write.js";
import { isDrError } from "../../core/errors.js";
import { readIfThere } from "../../core/if-there.js";
import { writing } from "../../core/writing.js";
import { readJournal } from "../../run/journal.js";
import type { DocumentPart } from "../document.js";
import { writeDocument, type WrittenDocument } from "../write-document.js";
import type { DeclaredIncident } from "./declared-incident.js";
import {
  folderOf,
  withIncident,
  type IncidentPlace,
} from "./incident-journal.js";
import {
  backwardSteps,
  latestAccounts,
  measureIncident,
  type Measurements,
} from "./measure.js";
import { AGENDA, AGENDA_HEADING, postMortemSubject } from "./post-mortem.js";
import type { RunAccount } from "./run-account.js";

/** What the report of an incident tells. */
export interface IncidentReport {
  readonly incident: DeclaredIncident;
  readonly measured: Measurements;
  readonly runs: readonly ReportedRun[];
  /** Entries older than what stands before them, and by how much. */
  readonly backward: ReturnType<typeof backwardSteps>;
}

/** A run that was entered, and what its own journal says today. */
export interface ReportedRun extends RunAccount {
  readonly journalState: "as entered" | "gone on since" | "gone" | "altered";
}

export interface PostMortemToWrite {
  readonly incident: DeclaredIncident;
  readonly agendaHeading: string;
  readonly agenda: readonly string[];
}

export interface ReportPorts extends IncidentPlace {
  readonly formatReport: (report: IncidentReport) => readonly DocumentPart[];
  readonly formatPostMortem: (
    postMortem: PostMortemToWrite,
  ) => readonly DocumentPart[];
  /** A whole page of a document in Markdown. */
  readonly toHtml: (markdown: string, title: string) => string;
}

/** The documents of an incident. */
export interface WrittenReport {
  readonly incident: DeclaredIncident;
  readonly report: WrittenDocument;
  /** The same as a page that opens from the disk. */
  readonly html: string;
  /** Of a closed incident. */
  readonly postMortem?: WrittenDocument;
}

/**
 * Writes the documents of an incident, or brings their generated parts up to
 * date: report.md, report.html, and post-mortem.md once it is closed.
 *
 * @throws {DrError} INCIDENT_NOT_WRITTEN, NOT_WRITABLE, INCIDENT_UNKNOWN,
 * INCIDENT_TAMPERED, INCIDENT_UNREADABLE, INCIDENT_BUSY.
 */
export async function writeReport(
  ports: ReportPorts,
  id: string,
): Promise<WrittenReport> {
  const { incidents, formatReport, formatPostMortem, toHtml } = ports;
  const folder = folderOf(incidents, id);
  return await withIncident(ports, id, async (incident) => {
    const { records } = incident;
    const told: IncidentReport = {
      incident,
      measured: measureIncident(incident),
      runs: await Promise.all(
        latestAccounts(records).map(async (run) => ({
          ...run,
          journalState: await compareJournal(folder, run),
        })),
      ),
      backward: backwardSteps(records),
    };
    const report = await writeDocument({
      folder,
      subject: id,
      name: "report",
      format: () => formatReport(told),
    });
    const html = report.path.replace(/\.md$/, ".html");
    const page = toHtml(await readFile(report.path, "utf8"), incident.title);
    if ((await readIfThere(html)) !== page) {
      await writing(html, async () => {
        await writeAtomically(html, page);
      });
    }
    return {
      incident,
      report,
      html,
      ...(incident.closed === undefined
        ? {}
        : {
            postMortem: await writeDocument({
              folder,
              subject: postMortemSubject(id),
              name: "post-mortem",
              format: () =>
                formatPostMortem({
                  incident,
                  agendaHeading: AGENDA_HEADING,
                  agenda: AGENDA,
                }),
            }),
          }),
    };
  });
}

/** The incident has the head of the run's journal: what it was then must still be in it. */
async function compareJournal(
  folder: string,
  { journal, head }: RunAccount,
): Promise<ReportedRun["journalState"]> {
  try {
    const { records } = await readJournal(join(folder, journal));
    if (records.at(-1)?.hash === head) {
      return "as entered";
    }
    return records.some(({ hash }) => hash === head)
      ? "gone on since"
      : "altered";
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    return error.code === "JOURNAL_TAMPERED" ? "altered" : "gone";
  }
}
