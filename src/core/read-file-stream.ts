import { createReadStream, type ReadStream } from "node:fs";

/** Each chunk is a trip to another thread. */
const CHUNK_BYTES = 1_048_576;

/**
 * The bytes of a large file, in large chunks.
 *
 * @param range - Of its bytes, counted from 0; `end` is not part of it. Not
 * empty; default: all.
 */
export function readFileStream(
  path: string,
  range?: { readonly start: number; readonly end: number },
): ReadStream {
  return createReadStream(path, {
    highWaterMark: CHUNK_BYTES,
    ...(range === undefined ? {} : { start: range.start, end: range.end - 1 }),
  });
}
