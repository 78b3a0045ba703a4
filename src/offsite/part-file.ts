import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";

import { canonicalJson } from "../core/canonical-json.js";
import { writeAtomically } from "../core/atomic-write.js";
import { writing } from "../core/writing.js";
import type { ByteRange, StoredObject } from "./storage.js";

/** One of the ranges that an object comes in. */
export interface Part {
  readonly index: number;
  readonly range: ByteRange;
}

/**
 * A file that arrives in parts, in any order: `path.part`, and beside it which
 * parts are there. It is under its own name when all are.
 */
export class PartFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #parts: readonly Part[];
  /** Whose parts these are: another object's aren't gone on with. */
  readonly #origin: string;
  readonly #arrived: Set<number>;
  #saved: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    handle: FileHandle,
    parts: readonly Part[],
    origin: string,
    arrived: readonly number[],
  ) {
    this.#path = path;
    this.#handle = handle;
    this.#parts = parts;
    this.#origin = origin;
    this.#arrived = new Set(arrived);
  }

  /** Goes on with what is there of the same object, or begins. @throws {DrError} NOT_WRITABLE. */
  static async open(
    path: string,
    { key, sizeBytes, modifiedAt }: StoredObject,
    partBytes: number,
  ): Promise<PartFile> {
    const at = modifiedAt.toISOString();
    const origin = canonicalJson({ key, sizeBytes, at, partBytes });
    const arrived = await readArrived(path, origin);
    const flags = arrived.length > 0 ? "r+" : "w";
    const handle = await writing(
      path,
      async () => await open(partPath(path), flags, 0o600),
    );
    const parts = partsOf(sizeBytes, partBytes);
    return new PartFile(path, handle, parts, origin, arrived);
  }

  get missing(): readonly Part[] {
    return this.#parts.filter(({ index }) => !this.#arrived.has(index));
  }

  /** Bytes of a part, at their place. @throws {DrError} NOT_WRITABLE. */
  async write(chunk: Buffer, position: number): Promise<void> {
    await writing(this.#path, async () => {
      await this.#handle.write(chunk, 0, chunk.length, position);
    });
  }

  /** All bytes of a part are written; from now on it isn't asked for again. */
  async arrive({ index }: Part): Promise<void> {
    await writing(this.#path, async () => {
      await this.#handle.datasync();
      this.#arrived.add(index);
      this.#saved = this.#saved.then(async () => {
        await this.#save();
      });
      await this.#saved;
    });
  }

  async #save(): Promise<void> {
    const record = { origin: this.#origin, arrived: [...this.#arrived] };
    await writeAtomically(recordPath(this.#path), canonicalJson(record));
  }

  /** @throws {DrError} NOT_WRITABLE. */
  async complete(): Promise<void> {
    await writing(this.#path, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(partPath(this.#path), this.#path);
      await rm(recordPath(this.#path), { force: true });
    });
  }

  /** Leaves what has arrived for another time. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Removes what an interrupted download left. */
export async function discardParts(path: string): Promise<void> {
  await rm(partPath(path), { force: true });
  await rm(recordPath(path), { force: true });
}

function partPath(path: string): string {
  return `${path}.part`;
}

function recordPath(path: string): string {
  return `${path}.part.json`;
}

/** What can't be read, or is about something else, is none: it is asked for again. */
async function readArrived(path: string, origin: string): Promise<number[]> {
  try {
    const text = await readFile(recordPath(path), "utf8");
    const record = JSON.parse(text) as { origin: string; arrived: number[] };
    return record.origin === origin ? record.arrived : [];
  } catch {
    return [];
  }
}

function partsOf(sizeBytes: number, partBytes: number): Part[] {
  const count = Math.ceil(sizeBytes / partBytes);
  return Array.from({ length: count }, (_, index) => ({
    index,
    range: {
      start: index * partBytes,
      end: Math.min((index + 1) * partBytes, sizeBytes),
    },
  }));
}
