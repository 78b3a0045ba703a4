import { createHash, type Hash } from "node:crypto";
import { addAbortSignal } from "node:stream";

import { demand } from "../../../artifact/measure.js";
import { DrError, isDrError, messageOf } from "../../../core/errors.js";
import { crc32c } from "../../crc32c.js";
import type { ByteRange, PutOptions, Source } from "../../storage.js";
import type { Chunk, GcsBucket, Progress, Session } from "./bucket.js";
import type { GcsObject } from "./object.js";

/** A new object, and the digest of what was sent for it. */
export interface Uploaded {
  readonly object: GcsObject;
  readonly crc32c: number;
}

/** An upload in chunks. */
interface Begun {
  readonly session: Session;
  /** Of the chunks that have arrived and are done with. */
  sizeBytes: number;
  /** Of the same. */
  crc32c: number;
  /** Of the same. */
  readonly sha256: Hash;
  /** As last heard; undefined after a failure: the store must be asked. */
  progress: Progress | undefined;
}

/**
 * Uploads objects in one request, or a chunk at a time. When a connection
 * breaks the store is asked what has arrived, and the upload goes on as long as
 * that becomes more; else the next upload of the same goes on with it.
 */
export class GcsUploads {
  readonly #storage: string;
  readonly #bucket: GcsBucket;
  readonly #chunkBytes: number;
  /** What broke off, by what it is of. Sessions are secrets, and stay in here. */
  readonly #brokenOff = new Map<string, Begun>();

  /** @param chunkBytes - A multiple of 256 KiB. So much is in memory. */
  constructor(storage: string, bucket: GcsBucket, chunkBytes: number) {
    this.#storage = storage;
    this.#bucket = bucket;
    this.#chunkBytes = chunkBytes;
  }

  async upload(
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<Uploaded> {
    return source.sizeBytes <= this.#chunkBytes
      ? await this.#atOnce(key, source, options)
      : await this.#inChunks(key, source, options);
  }

  async #atOnce(
    key: string,
    source: Source,
    { signal }: PutOptions,
  ): Promise<Uploaded> {
    const all = { start: 0, end: source.sizeBytes };
    const into = Buffer.allocUnsafe(source.sizeBytes);
    const bytes = await this.#read(key, source, all, into, signal);
    const crc = crc32c(bytes);
    requireSha256(key, source, createHash("sha256").update(bytes));
    try {
      const object = await this.#bucket.insert(key, source, bytes, crc, signal);
      return { object, crc32c: crc };
    } catch (error) {
      const object = isDrError(error, "OFFSITE_UNREACHABLE")
        ? await this.#findOurs(key, source, signal)
        : undefined;
      if (object === undefined) {
        throw error;
      }
      return { object, crc32c: crc };
    }
  }

  async #inChunks(
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<Uploaded> {
    const id = JSON.stringify([key, source.sizeBytes, source.sha256]);
    const brokenOff = this.#brokenOff.get(id);
    // Two don't go on with the same.
    this.#brokenOff.delete(id);
    const begun = brokenOff ?? (await this.#begin(key, source, options));
    try {
      return await this.#goOn(begun, key, source, options);
    } catch (error) {
      if (!isDrError(error, "OFFSITE_UNREACHABLE")) {
        await this.#bucket.cancel(begun.session);
      } else if (begun.progress?.status !== "ended") {
        this.#brokenOff.set(id, begun);
      }
      throw error;
    }
  }

  async #begin(
    key: string,
    source: Source,
    { signal }: PutOptions,
  ): Promise<Begun> {
    return {
      session: await this.#bucket.begin(key, source, signal),
      sizeBytes: 0,
      crc32c: 0,
      sha256: createHash("sha256"),
      progress: { status: "sending", arrivedBytes: 0 },
    };
  }

  async #goOn(
    begun: Begun,
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<Uploaded> {
    // One for all chunks: the collector lets several of this size add up.
    const into = Buffer.allocUnsafe(this.#chunkBytes);
    for (;;) {
      const start = begun.sizeBytes;
      const end = Math.min(start + this.#chunkBytes, source.sizeBytes);
      const range = { start, end };
      const { signal } = options;
      const bytes = await this.#read(key, source, range, into, signal);
      const crc = crc32c(bytes, begun.crc32c);
      const isLast = end === source.sizeBytes;
      if (isLast) {
        // Before it becomes an object. When this chunk fails it comes again.
        requireSha256(key, source, begun.sha256.copy().update(bytes));
      }
      const chunk = { start, bytes, ...(isLast ? { crc32c: crc } : {}) };
      const object = await this.#send(begun, chunk, source, options);
      if (isLast && object !== undefined) {
        return { object, crc32c: crc };
      }
      begun.sizeBytes = end;
      begun.crc32c = crc;
      begun.sha256.update(bytes);
    }
  }

  /** Until it has arrived. @returns the object when there is one. */
  async #send(
    begun: Begun,
    chunk: Chunk,
    source: Source,
    { onProgress, signal }: PutOptions,
  ): Promise<GcsObject | undefined> {
    const end = chunk.start + chunk.bytes.length;
    begun.progress ??= await this.#ask(begun, source, signal);
    for (;;) {
      const { progress } = begun;
      switch (progress.status) {
        case "done":
          return progress.object;
        case "ended":
          throw this.#unreachable("its upload session has ended");
        case "sending":
          onProgress?.(progress.arrivedBytes);
          if (progress.arrivedBytes >= end && chunk.crc32c === undefined) {
            return undefined;
          }
          begun.progress = await this.#advance(
            begun,
            restOf(chunk, progress.arrivedBytes),
            source,
            signal,
          );
      }
    }
  }

  /** @throws {DrError} OFFSITE_UNREACHABLE when nothing of it has arrived. */
  async #advance(
    begun: Begun,
    chunk: Chunk,
    source: Source,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    begun.progress = undefined;
    let progress: Progress;
    let failure: DrError | undefined;
    try {
      progress = await this.#bucket.append(begun.session, chunk, signal);
    } catch (error) {
      if (!isDrError(error, "OFFSITE_UNREACHABLE")) {
        throw error;
      }
      failure = error;
      progress = await this.#ask(begun, source, signal).catch(() => {
        throw error;
      });
    }
    if (progress.status === "sending" && progress.arrivedBytes <= chunk.start) {
      throw failure ?? this.#unreachable("nothing of what was sent arrives");
    }
    return progress;
  }

  /** How far it is. A session isn't known for ever, but the object is then. */
  async #ask(
    { session, sizeBytes }: Begun,
    source: Source,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    const progress = await this.#bucket.progressOf(session, signal);
    const isUsable =
      progress.status === "done" ||
      (progress.status === "sending" && progress.arrivedBytes >= sizeBytes);
    if (isUsable) {
      return progress;
    }
    const object = await this.#findOurs(session.key, source, signal);
    return object === undefined
      ? { status: "ended" }
      : { status: "done", object };
  }

  /** What an upload has left whose answer was lost. */
  async #findOurs(
    key: string,
    { sizeBytes, sha256 }: Source,
    signal: AbortSignal | undefined,
  ): Promise<GcsObject | undefined> {
    try {
      const found = await this.#bucket.find(key, signal);
      return Number(found?.size) === sizeBytes &&
        found?.metadata?.sha256 === sha256
        ? found
        : undefined;
    } catch {
      // The failure before says more.
      return undefined;
    }
  }

  async #read(
    key: string,
    source: Source,
    range: ByteRange,
    into: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const wanted = range.end - range.start;
    const bytes = into.subarray(0, wanted);
    let sizeBytes = 0;
    try {
      const input = source.open(range);
      if (signal !== undefined) {
        addAbortSignal(signal, input);
      }
      for await (const chunk of input as AsyncIterable<Buffer>) {
        chunk.copy(bytes, sizeBytes);
        sizeBytes += chunk.length;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw isDrError(error) ? error : this.#unread(error);
    }
    demand(key, "size", String(wanted), String(sizeBytes));
    return bytes;
  }

  #unread(error: unknown): DrError {
    return new DrError(
      "OFFSITE_FAILED",
      {
        storage: this.#storage,
        operation: "put",
        reason: `what was to be sent can't be read: ${messageOf(error)}`,
      },
      { cause: error },
    );
  }

  #unreachable(reason: string): DrError {
    const [storage, operation] = [this.#storage, "put"];
    return new DrError("OFFSITE_UNREACHABLE", { storage, operation, reason });
  }
}

/** @throws {DrError} ARTIFACT_DAMAGED when it isn't what its source says. */
function requireSha256(key: string, source: Source, found: Hash): void {
  demand(key, "SHA-256", source.sha256, found.digest("hex"));
}

function restOf({ start, bytes, ...chunk }: Chunk, from: number): Chunk {
  return { ...chunk, start: from, bytes: bytes.subarray(from - start) };
}
