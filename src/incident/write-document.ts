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

/** A document, and what became of it. */
export interface WrittenDocument {
  readonly path: string;
  readonly status: "created" | "updated" | "unchanged";
  /** The one left as it was, because somebody has changed its generated parts. */
  readonly leftAlone?: string;
}

/** What is to be in a folder, in a document of its own. */
export interface DocumentToWrite {
  readonly folder: string;
  /** What the document is of, whatever its file is called. */
  readonly subject: string;
  /** Of a new document, without `.md`. */
  readonly name: string;
  /** Called when what is there has been read. */
  readonly format: () => readonly DocumentPart[];
}

interface FoundDocument {
  readonly path: string;
  readonly text: string;
}

/**
 * Writes a document, or brings its generated parts up to date. What a person has
 * written stays, wherever it stands.
 *
 * @throws {DrError} INCIDENT_NOT_WRITTEN.
 */
export async function writeDocument({
  folder,
  subject,
  name,
  format,
}: DocumentToWrite): Promise<WrittenDocument> {
  try {
    const { names, documents } = await listDocuments(folder, subject);
    const parts = format();
    for (const document of documents) {
      const updated = updateDocument(document.text, parts);
      if (updated !== undefined) {
        return await update(document, updated);
      }
    }
    const path = join(folder, freeName(name, names));
    await write(path, undefined, assembleDocument(subject, parts));
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
      { folder, reason: messageOf(error) },
      { cause: error },
    );
  }
}

async function update(
  { path, text }: FoundDocument,
  updated: string,
): Promise<WrittenDocument> {
  if (updated === text) {
    return { path, status: "unchanged" };
  }
  await write(path, text, updated);
  return { path, status: "updated" };
}

/** All names that are taken, and the documents of a subject. */
export async function listDocuments(
  folder: string,
  subject: string,
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
  const mark = markOf(subject);
  return {
    names,
    documents: documents.filter(({ text }) =>
      text.split(/\r?\n/).some((line) => line.trim() === mark),
    ),
  };
}

/** `2026-11-20-rollback-of-skillprofile-on-mainnet.md`, or with a number. */
function freeName(base: string, taken: readonly string[]): string {
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
