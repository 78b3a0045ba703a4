import { Readable } from "node:stream";

import { messageOf } from "../core/errors.js";
import { StallTimer } from "./stall-timer.js";

export interface DownloadChecks {
  /** Nothing comes for so long: it has broken off. A slow reader isn't counted. */
  readonly stallMs: number;
  /** Sees all that comes. */
  readonly onChunk?: (chunk: Buffer) => void;
  /** @returns the error when what has come isn't what it should be. */
  readonly onEnd?: () => Error | undefined;
  /** The error when it breaks off. */
  readonly broken: (reason: string, cause: unknown) => Error;
}

/** The bytes of a store's answer, which end only when they are whole. */
export function checkedDownload(
  body: Readable,
  { stallMs, onChunk, onEnd, broken }: DownloadChecks,
): Readable {
  const stall = new StallTimer(stallMs);
  stall.signal.addEventListener("abort", () => {
    body.destroy();
  });
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;

  const next = async (): Promise<Buffer | null> => {
    stall.touch();
    try {
      const result = await chunks.next();
      return result.done === true ? null : result.value;
    } catch (error) {
      throw broken(stall.hasFired ? stall.reason : messageOf(error), error);
    } finally {
      stall.stop();
    }
  };
  const check = (chunk: Buffer | null): Buffer | null => {
    if (chunk !== null) {
      onChunk?.(chunk);
      return chunk;
    }
    const error = onEnd?.();
    if (error !== undefined) {
      throw error;
    }
    return null;
  };

  return new Readable({
    read() {
      next()
        .then(check)
        .then(
          (chunk) => this.push(chunk),
          (error: unknown) => this.destroy(error as Error),
        );
    },
    destroy(error, done) {
      body.destroy();
      done(error);
    },
  });
}
