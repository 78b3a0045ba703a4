import type { Timing } from "../../src/notify/deliver.js";

export const NOW = new Date("2026-11-20T03:15:00.000Z");

/** Time that stands still, except when it is slept through. */
export class FakeTiming implements Timing {
  /** Milliseconds, of each pause between attempts. */
  readonly pauses: number[] = [];
  /** Milliseconds, of each time limit. */
  readonly limits: number[] = [];
  #elapsedMs = 0;
  readonly #controllers: AbortController[] = [];

  readonly clock: Timing["clock"] = {
    now: () => new Date(NOW.getTime() + this.#elapsedMs),
    sleep: async (milliseconds) => {
      this.pauses.push(milliseconds);
      this.pass(milliseconds);
      await Promise.resolve();
    },
  };

  readonly elapsedMs = (): number => this.#elapsedMs;

  readonly limit = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    this.limits.push(milliseconds);
    this.#controllers.push(controller);
    return controller.signal;
  };

  /** All limits are reached, as when the machine has slept. */
  expireAll(): void {
    this.pass(Math.max(...this.limits));
    for (const controller of this.#controllers) {
      controller.abort();
    }
  }

  pass(milliseconds: number): void {
    this.#elapsedMs += milliseconds;
  }

  /** The limit that was set last is reached. */
  expire(): void {
    this.pass(this.limits.at(-1)!);
    this.#controllers.at(-1)!.abort();
  }
}
