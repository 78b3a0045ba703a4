import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { Clock } from "../core/clock.js";
import { DrError, messageOf } from "../core/errors.js";
import type { ApprovedStep } from "./plan.js";

/** What happened, in the order it happened. The first record says what was approved. */
export type JournalEvent =
  | {
      readonly type: "run-started";
      readonly run: string;
      readonly procedure: string;
      readonly network: string;
      readonly chainId: number;
      readonly intent: Json;
      readonly steps: readonly ApprovedStep[];
      /** Of the plan: SHA-256, hexadecimal. */
      readonly digest: string;
      readonly toolVersion: string;
      /** `user@host` who ran it; journals before this was written have none. */
      readonly by?: string;
    }
  | {
      readonly type: "run-resumed";
      readonly pid: number;
      readonly by?: string;
    }
  /** Intent: from here on the step may have had an effect. */
  | { readonly type: "step-started"; readonly step: string }
  /** The step's own record, usually an intent of its own. */
  | { readonly type: "step-entry"; readonly step: string; readonly entry: Json }
  /** Result: verified, never to be done again. */
  | {
      readonly type: "step-done";
      readonly step: string;
      readonly already: boolean;
    }
  | {
      readonly type: "step-failed";
      readonly step: string;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: "run-waiting";
      readonly step: string;
      readonly reason: string;
    }
  | { readonly type: "run-done" };

/** An event as it stands in the journal: numbered, dated, chained. */
export type JournalRecord = JournalEvent & {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** `hash` of the record before; 64 zeros in the first. */
  readonly prev: string;
  /** SHA-256 of the record without this field, canonical JSON, hexadecimal. */
  readonly hash: string;
};

export interface Journal {
  readonly records: readonly JournalRecord[];
  /** On disk when it resolves. */
  append(event: JournalEvent): Promise<void>;
  close(): Promise<void>;
}

const FIRST_PREV = "0".repeat(64);

/** The next record of a journal. */
export function chainRecord(
  event: JournalEvent,
  last: JournalRecord | undefined,
  at: Date,
): JournalRecord {
  const body = {
    seq: (last?.seq ?? -1) + 1,
    at: at.toISOString(),
    prev: last?.hash ?? FIRST_PREV,
    ...event,
  };
  return { ...body, hash: hashRecord(body) };
}

function hashRecord(body: object): string {
  return createHash("sha256")
    .update(canonicalJson(body as Json))
    .digest("hex");
}

/**
 * The records of a journal's text. A last line without an end is a write that
 * a crash cut off: it was never acted upon and is left out.
 *
 * @returns the records and how many bytes they take.
 * @throws {DrError} JOURNAL_TAMPERED when a record isn't what was written.
 */
export function parseJournal(
  text: string,
  path: string,
): { readonly records: JournalRecord[]; readonly bytes: number } {
  const end = text.lastIndexOf("\n") + 1;
  const lines = text.slice(0, end).split("\n").slice(0, -1);
  const records: JournalRecord[] = [];
  for (const [index, line] of lines.entries()) {
    const record = parseRecord(line);
    if (record === undefined || !follows(record, records.at(-1), index)) {
      throw new DrError("JOURNAL_TAMPERED", { path, line: index + 1 });
    }
    records.push(record);
  }
  return { records, bytes: Buffer.byteLength(text.slice(0, end)) };
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null
      ? (parsed as JournalRecord)
      : undefined;
  } catch {
    return undefined;
  }
}

function follows(
  record: JournalRecord,
  last: JournalRecord | undefined,
  seq: number,
): boolean {
  const { hash, ...body } = record;
  return (
    record.seq === seq &&
    record.prev === (last?.hash ?? FIRST_PREV) &&
    hash === hashRecord(body)
  );
}

/** A journal in a file: one record a line, each written through to the disk. */
export class FileJournal implements Journal {
  readonly #records: JournalRecord[];
  readonly #file: FileHandle;
  readonly #clock: Clock;

  private constructor(
    file: FileHandle,
    records: JournalRecord[],
    clock: Clock,
  ) {
    this.#file = file;
    this.#records = records;
    this.#clock = clock;
  }

  /** A new journal; the file must not exist yet. */
  static async create(path: string, clock: Clock): Promise<FileJournal> {
    await mkdir(dirname(path), { recursive: true });
    const flags = constants.O_CREAT | constants.O_EXCL;
    const file = await openForAppend(path, flags);
    await syncFolder(dirname(path));
    return new FileJournal(file, [], clock);
  }

  /** An existing journal, checked, to go on with. */
  static async open(path: string, clock: Clock): Promise<FileJournal> {
    const { records, bytes } = await readJournal(path);
    const file = await openForAppend(path, 0);
    await file.truncate(bytes);
    return new FileJournal(file, records, clock);
  }

  get records(): readonly JournalRecord[] {
    return this.#records;
  }

  async append(event: JournalEvent): Promise<void> {
    const last = this.#records.at(-1);
    const record = chainRecord(event, last, this.#clock.now());
    await this.#file.appendFile(`${JSON.stringify(record)}\n`);
    this.#records.push(record);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A journal that is gone with the process, for rehearsals. */
export class MemoryJournal implements Journal {
  readonly #records: JournalRecord[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get records(): readonly JournalRecord[] {
    return this.#records;
  }

  append(event: JournalEvent): Promise<void> {
    const last = this.#records.at(-1);
    this.#records.push(chainRecord(event, last, this.#clock.now()));
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** @throws {DrError} JOURNAL_UNREADABLE, JOURNAL_TAMPERED. */
export async function readJournal(
  path: string,
): Promise<{ readonly records: JournalRecord[]; readonly bytes: number }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new DrError(
      "JOURNAL_UNREADABLE",
      { path, reason: messageOf(error) },
      { cause: error },
    );
  }
  return parseJournal(text, path);
}

async function openForAppend(path: string, flags: number): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_DSYNC } = constants;
  return await open(path, O_WRONLY | O_APPEND | O_DSYNC | flags, 0o600);
}

/** So that the new file's name survives a power cut too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
