import { randomBytes } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";

import { syncFolder } from "../../core/atomic-write.js";
import type { Clock } from "../../core/clock.js";
import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { namesIn } from "../../core/names-in.js";
import { removeTree } from "../../core/remove-tree.js";
import { removeAbandoned, temporaryBeside } from "../../core/temporary-file.js";
import { writing } from "../../core/writing.js";
import { chainRecord, FileJournal, readJournal } from "../../run/journal.js";
import { acquireLock, type Lock } from "../../run/lock.js";
import {
  describeDeclared,
  type DeclaredIncident,
} from "./declared-incident.js";
import type { IncidentEvent, IncidentRecord } from "./event.js";

/** Where incidents are kept, a folder for each. */
export interface IncidentPlace {
  /** `docs/incidents` */
  readonly incidents: string;
  readonly clock: Clock;
}

/** One of the folder; a damaged one is told of and hides no other. */
export type FoundIncident =
  | { readonly id: string; readonly incident: DeclaredIncident }
  | { readonly id: string; readonly error: DrError };

/** What an incident's first record says besides its id. */
export type OpeningRecord = Omit<
  Extract<IncidentEvent, { type: "opened" }>,
  "type" | "incident"
>;

const JOURNAL = "journal.ndjson";
const ID = /^INC-\d{8}-\d{6}-[0-9a-f]{4}$/;
/** It is documentation, for everybody who may read the repository. */
const PUBLIC_MODE = 0o666;
/** As long as somebody's append can take, with room. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 25;

/** The folder of an incident: its journal and its documents. */
export function folderOf(incidents: string, id: string): string {
  return join(incidents, id);
}

/** Whether something can be the id of an incident. */
export function isIncidentId(text: string): boolean {
  return ID.test(text);
}

/**
 * Begins an incident's journal. Its folder appears with its first record, or not
 * at all.
 *
 * @throws {DrError} NOT_WRITABLE, JOURNAL_NOT_WRITTEN.
 */
export async function createIncident(
  { incidents, clock }: IncidentPlace,
  opening: OpeningRecord,
): Promise<DeclaredIncident> {
  const id = newId(clock.now());
  const folder = folderOf(incidents, id);
  return await writing(folder, async () => {
    await mkdir(incidents, { recursive: true });
    await removeAbandoned(incidents);
    const temporary = temporaryBeside(folder);
    try {
      const path = join(temporary, JOURNAL);
      const journal = await FileJournal.create<IncidentEvent>(
        path,
        clock,
        PUBLIC_MODE,
      );
      try {
        await journal.append({ type: "opened", incident: id, ...opening });
      } finally {
        await journal.close();
      }
      await rename(temporary, folder);
      await syncFolder(incidents);
      return requireDeclared(journal.records, folder);
    } catch (error) {
      await removeTree(temporary);
      throw error;
    }
  });
}

/** An incident as it would begin: without an id and a journal. */
export function draftIncident(
  clock: Clock,
  opening: OpeningRecord,
): DeclaredIncident {
  const id = "(not opened)";
  const event = { type: "opened", incident: id, ...opening } as const;
  const record = chainRecord<IncidentEvent>(event, undefined, clock.now());
  return { ...requireDeclared([record], id), records: [], head: "" };
}

/** Sorts by time: `INC-20261120-031500-1f0c`. */
function newId(now: Date): string {
  const [date = "", time = ""] = now.toISOString().split("T");
  const stamp = `${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}`;
  return `INC-${stamp}-${randomBytes(2).toString("hex")}`;
}

/**
 * An incident, its journal checked.
 *
 * @throws {DrError} INCIDENT_UNKNOWN, INCIDENT_TAMPERED, INCIDENT_UNREADABLE.
 */
export async function readDeclared(
  incidents: string,
  id: string,
): Promise<DeclaredIncident> {
  const known = await idsIn(incidents);
  if (!known.includes(id)) {
    throw new DrError("INCIDENT_UNKNOWN", {
      incident: id,
      folder: incidents,
      known: known.join(", ") || "(none)",
    });
  }
  const folder = folderOf(incidents, id);
  const { records } = await told(async () =>
    readJournal<IncidentEvent>(join(folder, JOURNAL)),
  );
  return requireDeclared(records, folder);
}

/** All incidents, the newest first. @throws {DrError} INCIDENT_UNREADABLE. */
export async function listDeclared(
  incidents: string,
): Promise<readonly FoundIncident[]> {
  const ids = await idsIn(incidents);
  return await Promise.all(
    ids.map(async (id): Promise<FoundIncident> => {
      try {
        return { id, incident: await readDeclared(incidents, id) };
      } catch (error) {
        if (isDrError(error)) {
          return { id, error };
        }
        throw error;
      }
    }),
  );
}

async function idsIn(incidents: string): Promise<string[]> {
  try {
    return (await namesIn(incidents)).filter(isIncidentId).sort().reverse();
  } catch (error) {
    throw unreadable(incidents, error);
  }
}

/** An incident after a change. */
export interface ChangedIncident {
  readonly incident: DeclaredIncident;
  /** How many events were entered. */
  readonly entered: number;
}

/**
 * Enters what has happened, while nobody else enters anything.
 *
 * @param decide - What there is to enter, as the incident stands now.
 * @param patienceMs - How long others may keep it.
 * @throws {DrError} INCIDENT_UNKNOWN, INCIDENT_TAMPERED, INCIDENT_UNREADABLE,
 * INCIDENT_BUSY, NOT_WRITABLE, JOURNAL_NOT_WRITTEN, and what `decide` throws.
 */
export async function changeIncident(
  { incidents, clock }: IncidentPlace,
  id: string,
  decide: (incident: DeclaredIncident) => readonly IncidentEvent[],
  patienceMs = PATIENCE_MS,
): Promise<ChangedIncident> {
  return await whileAlone({ incidents, clock }, id, patienceMs, async () => {
    const folder = folderOf(incidents, id);
    const journal = await told(async () =>
      FileJournal.open<IncidentEvent>(join(folder, JOURNAL), clock),
    );
    try {
      const events = decide(requireDeclared(journal.records, folder));
      for (const event of events) {
        await journal.append(event);
      }
      return {
        incident: requireDeclared(journal.records, folder),
        entered: events.length,
      };
    } finally {
      await journal.close();
    }
  });
}

/**
 * Reads an incident and does something with its folder, while nobody else does.
 *
 * @throws {DrError} INCIDENT_UNKNOWN, INCIDENT_TAMPERED, INCIDENT_UNREADABLE,
 * INCIDENT_BUSY, NOT_WRITABLE, and what the work throws.
 */
export async function withIncident<T>(
  { incidents, clock }: IncidentPlace,
  id: string,
  work: (incident: DeclaredIncident) => Promise<T>,
): Promise<T> {
  return await whileAlone(
    { incidents, clock },
    id,
    PATIENCE_MS,
    async () => await work(await readDeclared(incidents, id)),
  );
}

async function whileAlone<T>(
  { incidents, clock }: IncidentPlace,
  id: string,
  patienceMs: number,
  work: () => Promise<T>,
): Promise<T> {
  // A lock makes its folder: not that of an incident that doesn't exist.
  await readDeclared(incidents, id);
  const lock = await waitForLock(
    folderOf(incidents, id),
    id,
    clock,
    patienceMs,
  );
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function waitForLock(
  folder: string,
  incident: string,
  clock: Clock,
  patienceMs: number,
): Promise<Lock> {
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    try {
      return await acquireLock(folder, clock);
    } catch (error) {
      if (!isDrError(error, "RUN_LOCKED")) {
        throw error;
      }
      if (waitedMs >= patienceMs) {
        const { user = "", host = "", pid = "", path = "" } = error.values;
        throw new DrError(
          "INCIDENT_BUSY",
          { incident, user, host, pid, path },
          { cause: error },
        );
      }
    }
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

/** What is wrong with a journal, in words that fit an incident's. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDrError(error, "JOURNAL_TAMPERED")) {
      const { path = "", line = "" } = error.values;
      throw new DrError("INCIDENT_TAMPERED", { path, line }, { cause: error });
    }
    if (isDrError(error, "JOURNAL_UNREADABLE")) {
      throw unreadable(String(error.values.path), error.cause);
    }
    throw error;
  }
}

function unreadable(path: string, cause: unknown): DrError {
  return new DrError(
    "INCIDENT_UNREADABLE",
    { path, reason: messageOf(cause) },
    { cause },
  );
}

/** @throws {DrError} INCIDENT_TAMPERED when it doesn't begin with its opening: records were taken away. */
function requireDeclared(
  records: readonly IncidentRecord[],
  folder: string,
): DeclaredIncident {
  const incident = describeDeclared(records);
  if (incident === undefined) {
    throw new DrError("INCIDENT_TAMPERED", {
      path: join(folder, JOURNAL),
      line: 1,
    });
  }
  return incident;
}
