import { createReadStream, type ReadStream } from "node:fs";

import { CHUNK_BYTES } from "./chunk-bytes.js";

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
