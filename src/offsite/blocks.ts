import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import type { Source } from "./storage.js";

/** How finely it is seen whether a request moves. */
const CHUNK_BYTES = 65_536;

/**
 * The size of the blocks that an object is sent in: the same for the same
 * object each time, so that an interrupted upload can go on.
 *
 * @param leastBytes - Unless there would be more than `most` of them.
 */
export function blockBytesOf(
  sizeBytes: number,
  leastBytes: number,
  most: number,
): number {
  return Math.max(leastBytes, Math.ceil(sizeBytes / most));
}

/** One after the other; the last may be smaller. Nothing is read ahead. */
export async function* blocksOf(
  source: Source,
  blockBytes: number,
): AsyncGenerator<Buffer> {
  let block: Buffer | undefined;
  let filled = 0;
  for await (const chunk of source.open() as AsyncIterable<Buffer>) {
    for (let taken = 0; taken < chunk.length;) {
      block ??= Buffer.allocUnsafe(blockBytes);
      const copied = chunk.copy(block, filled, taken);
      taken += copied;
      filled += copied;
      if (filled === blockBytes) {
        yield block;
        [block, filled] = [undefined, 0];
      }
    }
  }
  if (block !== undefined) {
    yield block.subarray(0, filled);
  }
}

/** A body for a request, in chunks, so that it is seen to move. */
export function chunked(bytes: Buffer): () => Readable {
  return () => Readable.from(chunksOf(bytes), { objectMode: false });
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

export function md5Of(bytes: Buffer): Buffer {
  return createHash("md5").update(bytes).digest();
}
