import { Readable } from "node:stream";

import type { Extent } from "../artifact/manifest.js";
import { Measure } from "../artifact/measure.js";
import { readFileStream } from "../core/read-file-stream.js";
import type { Source } from "./storage.js";

/** A file whose size and digest are known. */
export function fileSource(path: string, extent: Extent): Source {
  return {
    ...extent,
    open: ({ start, end } = { start: 0, end: extent.sizeBytes }) =>
      start >= end ? Readable.from([]) : readFileStream(path, { start, end }),
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
