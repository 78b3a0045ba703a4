import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { writeAtomically } from "../core/atomic-write.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import {
  assembleDocument,
  markOf,
  updateDocument,
  type DocumentPart,
} from "./document.js";
import type { ProposalPlace } from "../safe/proposal.js";
import type { Incident } from "./incident.js";
import { readIncident } from "./read-incident.js";
import { slugOf } from "./title.js";

/** The folder holds runs, proposals, deploy.json. */
export interface IncidentPorts extends ProposalPlace {
  /** Where the documents go. */
  readonly incidents: string;
  readonly format: (incident: Incident) => readonly DocumentPart[];
}

/** A document, and what became of it. */
export interface WrittenIncident {
  readonly path: string;
  readonly status: "created" | "updated" | "unchanged";
  /** The one left as it was, because somebody has changed its generated parts. */
  readonly leftAlone?: string;
}

interface FoundDocument {
  readonly path: string;
  readonly text: string;
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
): Promise<WrittenIncident> {
  const incident = await readIncident(place, run, title);
  try {
    const { names, documents } = await listDocuments(incidents, run);
    const parts = format(incident);
    for (const document of documents) {
      const updated = updateDocument(document.text, parts);
      if (updated !== undefined) {
        return await update(document, updated);
      }
    }
    const path = join(incidents, freeName(incident, names));
    await write(path, undefined, assembleDocument(run, parts));
    const [damaged] = documents;
    return {
      path,
      status: "created",
      ...(damaged === undefined ? {} : { leftAlone: damaged.path }),
    };
  } catch (error) {
    if (isDrError(error)) {
      throw error;
    }
    throw new DrError(
      "INCIDENT_NOT_WRITTEN",
      { folder: incidents, reason: messageOf(error) },
      { cause: error },
    );
  }
}

/**
 * Brings the document of a run up to date, where it has one.
 *
 * @throws {DrError} as {@link writeIncident} does.
 */
export async function refreshIncident(
  ports: IncidentPorts,
  run: string,
): Promise<WrittenIncident | undefined> {
  const { documents } = await listDocuments(ports.incidents, run);
  return documents.length === 0
    ? undefined
    : await writeIncident(ports, { run });
}

async function update(
  { path, text }: FoundDocument,
  updated: string,
): Promise<WrittenIncident> {
  if (updated === text) {
    return { path, status: "unchanged" };
  }
  await write(path, text, updated);
  return { path, status: "updated" };
}

/** All names that are taken, and this run's documents. */
async function listDocuments(
  folder: string,
  run: string,
): Promise<{
  readonly names: readonly string[];
  readonly documents: readonly FoundDocument[];
}> {
  const names = await readdir(folder).catch(() => []);
  const documents = await Promise.all(
    names
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map(async (name) => {
        const path = join(folder, name);
        return { path, text: await readFile(path, "utf8") };
      }),
  );
  const mark = markOf(run);
  return {
    names,
    documents: documents.filter(({ text }) =>
      text.split(/\r?\n/).some((line) => line.trim() === mark),
    ),
  };
}

/** `2026-11-20-rollback-of-skillprofile-on-mainnet.md`, or with a number. */
function freeName(
  { startedAt, title }: Incident,
  taken: readonly string[],
): string {
  const base = `${startedAt.slice(0, 10)}-${slugOf(title)}`;
  let name = `${base}.md`;
  for (let number = 2; taken.includes(name); number += 1) {
    name = `${base}-${String(number)}.md`;
  }
  return name;
}

/**
 * @param before - What was there when it was read; somebody may be writing too.
 * @throws {DrError} INCIDENT_NOT_WRITTEN.
 */
async function write(
  path: string,
  before: string | undefined,
  text: string,
): Promise<void> {
  await writeAtomically(path, text, {
    beforeRename: async () => {
      const now = await readFile(path, "utf8").catch(() => undefined);
      if (now !== before) {
        throw new DrError("INCIDENT_NOT_WRITTEN", {
          folder: path,
          reason: "somebody else wrote it meanwhile",
        });
      }
    },
  });
}
