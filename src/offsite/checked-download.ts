import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import { messageOf } from "../core/errors.js";
import { StallTimer } from "./stall-timer.js";

export interface DownloadChecks {
  /** Nothing comes for so long: it has broken off. A slow reader isn't counted. */
  readonly stallMs: number;
  /** Of all that comes; absent: it isn't known. */
  readonly md5?: Buffer;
  /** The error when it breaks off. */
  readonly broken: (reason: string, cause: unknown) => Error;
  /** The error when it isn't what it should be. */
  readonly damaged: (reason: string) => Error;
}

/** The bytes of a store's answer, which end only when they are whole. */
export function checkedDownload(
  body: Readable,
  { stallMs, md5, broken, damaged }: DownloadChecks,
): Readable {
  const hash = createHash("md5");
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
      hash.update(chunk);
    } else if (md5 !== undefined && !hash.digest().equals(md5)) {
      throw damaged("its MD5 isn't the one that the store keeps of it");
    }
    return chunk;
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
