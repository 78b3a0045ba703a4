import { createHash } from "node:crypto";
import { Transform } from "node:stream";

import { CHUNK_BYTES } from "../core/chunk-bytes.js";
import { DrError } from "../core/errors.js";
import type { Extent } from "./manifest.js";
import { through, type Stage } from "./stage.js";

/** Size and digest of bytes as they come. */
export class Measure {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  add(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** So far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Once, at the end. */
  extent(): Extent {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest("hex") };
  }
}

/** Of bytes that are all there. */
export function extentOf(bytes: Uint8Array): Extent {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { sizeBytes: bytes.length, sha256 };
}

/**
 * A stage that changes nothing.
 *
 * @param onProgress - Told how many bytes have passed so far.
 */
export function measuring(
  measure: Measure,
  onProgress?: (sizeBytes: number) => void,
): Stage {
  return through(
    new Transform({
      highWaterMark: CHUNK_BYTES,
      transform: (chunk: Buffer, _, done) => {
        measure.add(chunk);
        onProgress?.(measure.sizeBytes);
        done(null, chunk);
      },
    }),
  );
}

/** @throws {DrError} ARTIFACT_DAMAGED. */
export function requireExtent(
  name: string,
  expected: Extent,
  found: Extent,
): void {
  const { sizeBytes, sha256 } = expected;
  demand(name, "size", String(sizeBytes), String(found.sizeBytes));
  demand(name, "SHA-256", sha256, found.sha256);
}

/** @throws {DrError} ARTIFACT_DAMAGED. */
export function demand(
  name: string,
  what: string,
  expected: string,
  found: string,
): void {
  if (found !== expected) {
    throw new DrError("ARTIFACT_DAMAGED", { name, what, expected, found });
  }
}
