import { Transform } from "node:stream";

import type { Clock } from "../core/clock.js";
import type { Source } from "./storage.js";

/** So many bytes a second, for everybody who shares it. */
export class Throttle {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  /** Unix milliseconds from when on the next bytes may go. */
  #freeAt = 0;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Waits until bytes may go. */
  async take(sizeBytes: number): Promise<void> {
    const now = this.#clock.now().getTime();
    const from = Math.max(this.#freeAt, now);
    this.#freeAt = from + (sizeBytes / this.#bytesPerSecond) * 1000;
    if (from > now) {
      await this.#clock.sleep(from - now);
    }
  }

  /** The same bytes, slower. */
  slow(source: Source): Source {
    return {
      ...source,
      open: (range) => {
        const input = source.open(range);
        const slow = new Transform({
          transform: (chunk: Buffer, _, done) => {
            this.take(chunk.length).then(
              () => {
                done(null, chunk);
              },
              (error: unknown) => {
                done(error as Error);
              },
            );
          },
        });
        input.once("error", (error) => slow.destroy(error));
        slow.once("close", () => input.destroy());
        return input.pipe(slow);
      },
    };
  }
}
