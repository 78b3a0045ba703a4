import { constants, type BigIntStats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { DrError, hasCode } from "../core/errors.js";
import { unreadable } from "./reading.js";

/** Read whole before they are packed, so that they can be read again. */
const SMALL_BYTES = 1024 * 1024;
const ATTEMPTS = 3;
const CHUNK_BYTES = 256 * 1024;

/** A file that is open: whatever happens to its name, it stays the same one. */
export interface OpenFile {
  /** Before any of it was read; its size is what is read of it. */
  readonly stats: BigIntStats;
  readonly sizeBytes: number;
  /** Exactly so many bytes, once. */
  read(): AsyncIterable<Buffer>;
  /** Whether nobody has written to it since; once all of it was read. */
  isSteady(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens a file that others may be writing to. A small one is read until it
 * holds still, a few times at most; of a large one the bytes it has now are
 * read, whatever is added meanwhile.
 *
 * @param path - For the errors.
 * @returns undefined when it is gone.
 * @throws {DrError} BACKUP_SOURCE_UNREADABLE, FILE_CHANGING when it became
 * something else, or `read` when it became shorter.
 */
export async function openSteadily(
  at: string,
  path: string,
): Promise<OpenFile | undefined> {
  const handle = await openFile(at, path);
  if (handle === undefined) {
    return undefined;
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      throw new DrError("FILE_CHANGING", { path });
    }
    return stats.size > SMALL_BYTES
      ? streamed(handle, stats, path)
      : await held(handle, stats);
  } catch (error) {
    await handle.close();
    throw unreadable(path, error);
  }
}

async function openFile(
  at: string,
  path: string,
): Promise<FileHandle | undefined> {
  // Not through a link, nor waiting for a pipe's other end, that took its place.
  // Windows has neither, and then they count for nothing.
  const { O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return await open(at, O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw hasCode(error, "ELOOP", "ENXIO")
      ? new DrError("FILE_CHANGING", { path }, { cause: error })
      : unreadable(path, error);
  }
}

async function held(handle: FileHandle, first: BigIntStats): Promise<OpenFile> {
  let before = first;
  let [bytes, after] = await readOnce(handle, before);
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    if (isSame(before, after)) {
      break;
    }
    before = after;
    [bytes, after] = await readOnce(handle, before);
  }
  const isSteady = isSame(before, after);
  return {
    stats: before,
    sizeBytes: bytes.length,
    read: async function* () {
      yield await Promise.resolve(bytes);
    },
    isSteady: async () => await Promise.resolve(isSteady),
    close: async () => {
      await handle.close();
    },
  };
}

async function readOnce(
  handle: FileHandle,
  { size }: BigIntStats,
): Promise<[bytes: Buffer, after: BigIntStats]> {
  const buffer = Buffer.alloc(Number(size));
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    const rest = buffer.length - length;
    ({ bytesRead: read } = await handle.read(buffer, length, rest, length));
  }
  return [buffer.subarray(0, length), await handle.stat({ bigint: true })];
}

function streamed(
  handle: FileHandle,
  stats: BigIntStats,
  path: string,
): OpenFile {
  const sizeBytes = Number(stats.size);
  return {
    stats,
    sizeBytes,
    read: async function* () {
      let left = sizeBytes;
      const stream = handle.createReadStream({
        autoClose: false,
        start: 0,
        end: sizeBytes - 1,
        highWaterMark: CHUNK_BYTES,
      });
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        left -= chunk.length;
        yield chunk;
      }
      if (left > 0) {
        throw new DrError("FILE_CHANGING", { path });
      }
    },
    isSteady: async () => isSame(stats, await handle.stat({ bigint: true })),
    close: async () => {
      await handle.close();
    },
  };
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return stampOf(a) === stampOf(b) && a.size === b.size;
}

/**
 * What changes whenever anybody changes a file, its contents or its
 * permissions: its times and its number. The time of the last change can't be
 * set by anybody but the clock.
 */
export function stampOf({ mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${String(mtimeNs)}-${String(ctimeNs)}-${String(ino)}`;
}
