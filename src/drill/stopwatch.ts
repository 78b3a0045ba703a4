import type { PhaseName, PhasePart, PhaseReport } from "./report.js";
import { PHASES } from "./report.js";

/** Times since a drill began, by a clock that nobody sets. */
export class Stopwatch {
  readonly #monotonicMs: () => number;
  readonly #startMs: number;
  readonly #parts: (PhasePart & { readonly phase: PhaseName })[] = [];

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#startMs = monotonicMs();
  }

  /** Seconds since it began. */
  get seconds(): number {
    return (this.#monotonicMs() - this.#startMs) / 1000;
  }

  /** Measures a phase, or a scenario's part of one, whichever way it ends. */
  async during<T>(
    phase: PhaseName,
    scenario: string | null,
    work: () => Promise<T>,
  ): Promise<T> {
    const startSeconds = this.seconds;
    try {
      return await work();
    } finally {
      const seconds = this.seconds - startSeconds;
      this.#parts.push({ phase, scenario, startSeconds, seconds });
    }
  }

  /** @param failed - Phases in which a check failed. */
  report(failed: ReadonlySet<PhaseName>): readonly PhaseReport[] {
    return PHASES.map(({ name, title }, index) => {
      const parts = this.#parts
        .filter(({ phase }) => phase === name)
        .map(({ scenario, startSeconds, seconds }) => ({
          scenario,
          startSeconds: round(startSeconds),
          seconds: round(seconds),
        }));
      const [first] = parts;
      const status = failed.has(name) ? "failed" : "passed";
      return {
        number: index + 1,
        name,
        title,
        status: first === undefined ? "skipped" : status,
        startSeconds: first?.startSeconds ?? 0,
        seconds: round(parts.reduce((sum, part) => sum + part.seconds, 0)),
        parts,
      };
    });
  }
}

/** To the millisecond. */
export function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
