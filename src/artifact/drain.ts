import type { Readable } from "node:stream";

/** Reads a stream to its end, where it fails unless all of it came through. */
export async function drain(
  stream: Readable,
  signal?: AbortSignal,
): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    while ((await chunks.next()).done !== true) {
      signal?.throwIfAborted();
    }
  } finally {
    stream.destroy();
  }
}
