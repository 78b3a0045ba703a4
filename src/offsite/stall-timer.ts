/** Aborts what it watches when nothing moves for a while. */
export class StallTimer {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasFired(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Why it fired, for people. */
  get reason(): string {
    return `nothing came or went for ${String(this.#milliseconds / 1000)} s`;
  }

  /** Begins to count, or begins anew: something has moved. */
  touch(): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#controller.abort();
    }, this.#milliseconds);
  }

  /** Nothing need move any more, or for now. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
