import { Transform } from "node:stream";

/** Passes bytes on and tells how many have passed so far. */
export function reporting(
  onProgress: ((sizeBytes: number) => void) | undefined,
): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      sizeBytes += chunk.length;
      onProgress?.(sizeBytes);
      done(null, chunk);
    },
  });
}
