import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { syncFolder } from "../core/atomic-write.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { Clock } from "../core/clock.js";
import { DrError, messageOf } from "../core/errors.js";
import { writing } from "../core/writing.js";
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

/** An event as it stands in a journal: numbered, dated, chained. */
export type Chained<Event extends { readonly type: string }> = Event & {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** `hash` of the record before; 64 zeros in the first. */
  readonly prev: string;
  /** SHA-256 of the record without this field, canonical JSON, hexadecimal. */
  readonly hash: string;
};

/** A record of a run's journal. */
export type JournalRecord = Chained<JournalEvent>;

/** A journal of runs, or of something else that has events of its own. */
export interface Journal<
  Event extends { readonly type: string } = JournalEvent,
> {
  readonly records: readonly Chained<Event>[];
  /**
   * On disk when it resolves.
   *
   * @throws {DrError} JOURNAL_NOT_WRITTEN, then and ever after.
   */
  append(event: Event): Promise<void>;
  close(): Promise<void>;
}

const FIRST_PREV = "0".repeat(64);

type Link = Chained<{ readonly type: string }>;

/** The next record of a journal. */
export function chainRecord<
  Event extends { readonly type: string } = JournalEvent,
>(event: Event, last: Chained<Event> | undefined, at: Date): Chained<Event> {
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

/** How a whole record ends: the hash comes last. */
const RECORD_END = /"hash":"[0-9a-f]{64}"\}./s;

/**
 * The records of a journal's text. A last line without an end is a write that
 * a crash cut off: it was never acted upon and is left out. A whole record
 * with something else than a line's end behind it was damaged later.
 *
 * @returns the records and how many bytes they take.
 * @throws {DrError} JOURNAL_TAMPERED when a record isn't what was written.
 */
export function parseJournal<
  Event extends { readonly type: string } = JournalEvent,
>(
  text: string,
  path: string,
): { readonly records: Chained<Event>[]; readonly bytes: number } {
  const end = text.lastIndexOf("\n") + 1;
  const lines = text.slice(0, end).split("\n").slice(0, -1);
  const records: Chained<Event>[] = [];
  for (const [index, line] of lines.entries()) {
    const record = parseRecord<Event>(line);
    if (record === undefined || !follows(record, records.at(-1), index)) {
      throw new DrError("JOURNAL_TAMPERED", { path, line: index + 1 });
    }
    records.push(record);
  }
  if (RECORD_END.test(text.slice(end))) {
    throw new DrError("JOURNAL_TAMPERED", { path, line: lines.length + 1 });
  }
  return { records, bytes: Buffer.byteLength(text.slice(0, end)) };
}

/** undefined unless it is, byte for byte, what {@link FileJournal} writes. */
function parseRecord<Event extends { readonly type: string }>(
  line: string,
): Chained<Event> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" &&
      parsed !== null &&
      JSON.stringify(parsed) === line
      ? (parsed as Chained<Event>)
      : undefined;
  } catch {
    return undefined;
  }
}

function follows(record: Link, last: Link | undefined, seq: number): boolean {
  const { hash, ...body } = record;
  return (
    record.seq === seq &&
    record.prev === (last?.hash ?? FIRST_PREV) &&
    hash === hashRecord(body)
  );
}

/** A journal in a file: one record a line, each written through to the disk. */
export class FileJournal<
  Event extends { readonly type: string } = JournalEvent,
> implements Journal<Event> {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #records: Chained<Event>[];
  readonly #clock: Clock;
  #failure: DrError | undefined;
  #lastAppend: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    file: FileHandle,
    records: Chained<Event>[],
    clock: Clock,
  ) {
    this.#path = path;
    this.#file = file;
    this.#records = records;
    this.#clock = clock;
  }

  /**
   * A new journal; the file must not exist yet.
   *
   * @param mode - Of the file: a run's is its owner's alone.
   * @throws {DrError} NOT_WRITABLE.
   */
  static async create<Event extends { readonly type: string } = JournalEvent>(
    path: string,
    clock: Clock,
    mode = 0o600,
  ): Promise<FileJournal<Event>> {
    return await writing(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      const flags = constants.O_CREAT | constants.O_EXCL;
      const file = await openForAppend(path, flags, mode);
      // So that the new file's name, and its folder's, survive a power cut too.
      await syncFolder(dirname(path));
      await syncFolder(dirname(dirname(path)));
      return new FileJournal<Event>(path, file, [], clock);
    });
  }

  /**
   * An existing journal, checked, to go on with.
   *
   * @throws {DrError} JOURNAL_UNREADABLE, JOURNAL_TAMPERED, NOT_WRITABLE.
   */
  static async open<Event extends { readonly type: string } = JournalEvent>(
    path: string,
    clock: Clock,
  ): Promise<FileJournal<Event>> {
    const { records, bytes } = await readJournal<Event>(path);
    return await writing(path, async () => {
      const file = await openForAppend(path, 0);
      await file.truncate(bytes);
      return new FileJournal<Event>(path, file, records, clock);
    });
  }

  get records(): readonly Chained<Event>[] {
    return this.#records;
  }

  async append(event: Event): Promise<void> {
    const append = this.#lastAppend.then(async () => {
      await this.#appendNext(event);
    });
    // Whoever asked for it meets the error; after it nothing is written any more.
    this.#lastAppend = append.catch(() => undefined);
    await append;
  }

  async #appendNext(event: Event): Promise<void> {
    const last = this.#records.at(-1);
    const record = chainRecord(event, last, this.#clock.now());
    await this.#write(`${JSON.stringify(record)}\n`);
    this.#records.push(record);
  }

  /** A full disk takes the beginning of a line; nothing may be glued to that. */
  async #write(line: string): Promise<void> {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    try {
      await this.#file.appendFile(line);
    } catch (error) {
      this.#failure = new DrError(
        "JOURNAL_NOT_WRITTEN",
        { path: this.#path, reason: messageOf(error) },
        { cause: error },
      );
      throw this.#failure;
    }
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
export async function readJournal<
  Event extends { readonly type: string } = JournalEvent,
>(
  path: string,
): Promise<{ readonly records: Chained<Event>[]; readonly bytes: number }> {
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
  return parseJournal<Event>(text, path);
}

async function openForAppend(
  path: string,
  flags: number,
  mode?: number,
): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_DSYNC } = constants;
  return await open(path, O_WRONLY | O_APPEND | O_DSYNC | flags, mode);
}
