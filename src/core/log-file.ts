import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import type { Clock } from "./clock.js";
import { writing } from "./writing.js";

/** A file of lines with their times, for whoever looks on, or back. */
export class LogFile {
  readonly path: string;
  readonly #clock: Clock;
  #written: Promise<void>;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
    this.#written = mkdir(dirname(path), { recursive: true }).then(
      () => undefined,
    );
    // Told by whoever asks whether all is written.
    this.#written.catch(() => undefined);
  }

  add(line: string): void {
    const at = this.#clock.now().toISOString();
    this.#written = this.#written.then(async () => {
      await appendFile(this.path, `${at} ${line}\n`);
    });
    this.#written.catch(() => undefined);
  }

  /** @throws {DrError} NOT_WRITABLE when a line couldn't be written. */
  async finish(): Promise<void> {
    await writing(this.path, async () => {
      await this.#written;
    });
  }
}
