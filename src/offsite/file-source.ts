import { createReadStream } from "node:fs";
import { Readable } from "node:stream";

import type { Extent } from "../artifact/manifest.js";
import { Measure } from "../artifact/measure.js";
import type { Source } from "./storage.js";

/** Large reads: a part of a file is read in few of them. */
const READ_BYTES = 1_048_576;

/** A file whose size and digest are known. */
export function fileSource(path: string, extent: Extent): Source {
  return {
    ...extent,
    open: ({ start, end } = { start: 0, end: extent.sizeBytes }) =>
      start >= end
        ? Readable.from([])
        : createReadStream(path, {
            start,
            end: end - 1,
            highWaterMark: READ_BYTES,
          }),
  };
}

/** A text, for what is small. */
export function textSource(text: string): Source {
  const bytes = Buffer.from(text);
  const measure = new Measure();
  measure.add(bytes);
  return {
    ...measure.extent(),
    open: ({ start, end } = { start: 0, end: bytes.length }) =>
      Readable.from([bytes.subarray(start, end)], { objectMode: false }),
  };
}
