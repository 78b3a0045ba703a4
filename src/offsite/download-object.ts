import { dirname } from "node:path";

import { DrError, isDrError } from "../core/errors.js";
import { freeBytes } from "../core/free-bytes.js";
import { inParallel } from "../core/in-parallel.js";
import { discardParts, PartFile, type Part } from "./part-file.js";
import type { PutOptions, Storage, StoredObject } from "./storage.js";

export interface DownloadOptions extends PutOptions {
  /** Of what is asked for at once. Default: 64 MiB. */
  readonly partBytes?: number;
  /** At the same time. Default: 4. */
  readonly connections?: number;
}

const PART_BYTES = 67_108_864;
const CONNECTIONS = 4;
/** Left to everybody else on the disk. */
const RESERVE_BYTES = 16_777_216;

/**
 * Downloads an object in parts, several at once. What an interrupted download
 * has brought isn't asked for again. What has arrived isn't proven: hold it
 * against its digest.
 *
 * @throws {DrError} DISK_TOO_SMALL before a byte is asked for, NOT_WRITABLE
 * (nothing is left then), and what {@link Storage.get} throws.
 */
export async function downloadObject(
  storage: Storage,
  object: StoredObject,
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const { partBytes = PART_BYTES, connections = CONNECTIONS } = options;
  const file = await PartFile.open(path, object, partBytes);
  try {
    const { missing } = file;
    await requireSpace(path, sizeOf(missing));
    const arriving = countFrom(object.sizeBytes - sizeOf(missing), options);
    await inParallel(missing, connections, async (part) => {
      await fetchPart(storage, object, part, file, arriving, options.signal);
    });
    await file.complete();
  } catch (error) {
    await file.close();
    if (isDrError(error, "NOT_WRITABLE", "DISK_TOO_SMALL")) {
      await discardParts(path);
    }
    throw error;
  }
}

async function fetchPart(
  storage: Storage,
  { key, sizeBytes }: StoredObject,
  part: Part,
  file: PartFile,
  arriving: (sizeBytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { range } = part;
  const isWhole = range.start === 0 && range.end === sizeBytes;
  let position = range.start;
  signal?.throwIfAborted();
  // Some stores prove only what they give as a whole.
  for await (const chunk of await storage.get(
    key,
    isWhole ? undefined : range,
  )) {
    const bytes = chunk as Buffer;
    await file.write(bytes, position);
    position += bytes.length;
    arriving(bytes.length);
    signal?.throwIfAborted();
  }
  if (position !== range.end) {
    const reason = `it ended after ${String(position)} of ${String(range.end)} bytes`;
    const { address } = storage;
    throw new DrError("OFFSITE_DAMAGED", { storage: address, key, reason });
  }
  await file.arrive(part);
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { range }) => sum + range.end - range.start, 0);
}

function countFrom(
  sizeBytes: number,
  { onProgress }: DownloadOptions,
): (more: number) => void {
  let total = sizeBytes;
  onProgress?.(total);
  return (more) => {
    total += more;
    onProgress?.(total);
  };
}

/** @throws {DrError} DISK_TOO_SMALL. */
async function requireSpace(path: string, neededBytes: number): Promise<void> {
  const folder = dirname(path);
  const free = await freeBytes(folder);
  if (free < neededBytes + RESERVE_BYTES) {
    const values = { folder, neededBytes, freeBytes: free };
    throw new DrError("DISK_TOO_SMALL", values);
  }
}
