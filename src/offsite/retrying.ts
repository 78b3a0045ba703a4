import { Readable } from "node:stream";

import type { Clock } from "../core/clock.js";
import { isDrError } from "../core/errors.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StoredObject,
} from "./storage.js";

/** How long a store is given to come back. */
export interface Patience {
  readonly clock: Clock;
  /** Of one request, or of one stretch of a stream; the first included. */
  readonly attempts: number;
  /** Before the second attempt, at most; doubled for each one after it. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** From 0 up to 1: those who failed together don't come back together. */
  readonly random: () => number;
  readonly signal?: AbortSignal;
}

/** About two minutes. */
export const DEFAULT_PATIENCE: Omit<Patience, "clock"> = {
  attempts: 7,
  firstDelayMs: 1000,
  longestDelayMs: 60_000,
  random: Math.random,
};

/**
 * Asks again when a store can't be reached, and only then. All that a storage
 * does may be done twice: an object that a lost answer left behind is found,
 * and a stream goes on where it broke off.
 */
export class RetryingStorage implements Storage {
  readonly address: string;
  readonly capabilities: Storage["capabilities"];
  readonly #storage: Storage;
  readonly #patience: Patience;

  constructor(storage: Storage, patience: Patience) {
    this.#storage = storage;
    this.#patience = patience;
    this.address = storage.address;
    this.capabilities = storage.capabilities;
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    return await this.#retry(
      async () => await this.#storage.listPage(prefix, from),
    );
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    return await this.#retry(async () => await this.#storage.stat(key));
  }

  /** An upload that goes on is given as much patience again as a new one. */
  async put(
    key: string,
    source: Source,
    options: PutOptions = {},
  ): Promise<void> {
    const tries = new Tries(this.#patience);
    let [isRepeated, furthest] = [false, 0];
    const watched: PutOptions = {
      ...options,
      onProgress: (sizeBytes) => {
        if (sizeBytes > furthest) {
          furthest = sizeBytes;
          tries.reset();
        }
        options.onProgress?.(sizeBytes);
      },
    };
    await this.#retry(async () => {
      try {
        await this.#storage.put(key, source, watched);
      } catch (error) {
        const isOurs =
          isRepeated &&
          isDrError(error, "OFFSITE_EXISTS") &&
          (await this.#holds(key, source));
        isRepeated = true;
        if (!isOurs) {
          throw error;
        }
      }
    }, tries);
  }

  /** Whether an earlier attempt got through after all. */
  async #holds(key: string, source: Source): Promise<boolean> {
    const found = await this.#storage.stat(key);
    return (
      found?.sizeBytes === source.sizeBytes && found.sha256 === source.sha256
    );
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const first = await this.#retry(
      async () => await this.#storage.get(key, range),
    );
    return Readable.from(this.#stretches(key, first, range), {
      objectMode: false,
    });
  }

  async *#stretches(
    key: string,
    first: Readable,
    range: ByteRange = { start: 0, end: Infinity },
  ): AsyncGenerator<Buffer> {
    const tries = new Tries(this.#patience);
    let { start } = range;
    let stretch = first;
    for (;;) {
      try {
        for await (const chunk of stretch as AsyncIterable<Buffer>) {
          start += chunk.length;
          tries.reset();
          yield chunk;
        }
        return;
      } catch (error) {
        await tries.next(error);
      }
      const end = range.end === Infinity ? await this.#endOf(key) : range.end;
      if (start >= end) {
        return;
      }
      stretch = await this.#retry(
        async () => await this.#storage.get(key, { start, end }),
      );
    }
  }

  async #endOf(key: string): Promise<number> {
    return (await this.stat(key))?.sizeBytes ?? 0;
  }

  async delete(key: string): Promise<void> {
    await this.#retry(async () => {
      await this.#storage.delete(key);
    });
  }

  async #retry<T>(
    work: () => Promise<T>,
    tries = new Tries(this.#patience),
  ): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await tries.next(error);
      }
    }
  }
}

/** Counts failures in a row, and waits longer after each. */
class Tries {
  readonly #patience: Patience;
  #failures = 0;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Waits before another attempt. @throws the error when there is none to come. */
  async next(error: unknown): Promise<void> {
    const { attempts, firstDelayMs, longestDelayMs, random, clock, signal } =
      this.#patience;
    this.#failures += 1;
    if (
      !isDrError(error, "OFFSITE_UNREACHABLE") ||
      this.#failures >= attempts
    ) {
      throw error;
    }
    const longest = Math.min(
      firstDelayMs * 2 ** (this.#failures - 1),
      longestDelayMs,
    );
    await clock.sleep(longest * random(), signal);
  }
}
