import { messageOf, isDrError } from "../core/errors.js";
import { isMeasurement, type Check } from "./measurement.js";
import type { CheckReport, PhaseName } from "./report.js";
import { round } from "./stopwatch.js";

/** What checks belong to. */
export interface CheckPlace {
  readonly phase: PhaseName;
  /** Null: no scenario's. */
  readonly scenario: string | null;
}

/** All checks of a drill, as they are measured. */
export class CheckBook {
  readonly #checks: CheckReport[] = [];
  readonly #monotonicMs: () => number;
  readonly #tell: (line: string) => void;

  constructor(monotonicMs: () => number, tell: (line: string) => void) {
    this.#monotonicMs = monotonicMs;
    this.#tell = tell;
  }

  get checks(): readonly CheckReport[] {
    return this.#checks;
  }

  /**
   * Measures one. What throws has failed, and so has what returned no measurement.
   *
   * @returns whether it passed.
   */
  async run(place: CheckPlace, check: Check): Promise<boolean> {
    const start = this.#monotonicMs();
    const outcome = await measure(check);
    const seconds = round((this.#monotonicMs() - start) / 1000);
    this.#add({ ...describe(place, check), ...outcome, seconds });
    return outcome.status === "passed";
  }

  /** It is neither passed nor failed. @param reason - A sentence. */
  skip(
    place: CheckPlace,
    check: Pick<Check, "id" | "title" | "critical">,
    reason: string,
  ): void {
    const nothing = { measured: null, expected: null, seconds: 0 };
    const status = "skipped";
    this.#add({ ...describe(place, check), ...nothing, status, reason });
  }

  /** Something that should have been done couldn't be. */
  fail(
    place: CheckPlace,
    check: Pick<Check, "id" | "title" | "critical">,
    error: unknown,
  ): void {
    const nothing = { measured: null, expected: null, seconds: 0 };
    const [status, reason] = ["failed", reasonOf(error)] as const;
    this.#add({ ...describe(place, check), ...nothing, status, reason });
  }

  #add(check: CheckReport): void {
    this.#checks.push(check);
    const sign = { passed: "✔", failed: "✘", skipped: "–" }[check.status];
    const why = check.reason ?? check.measured ?? "";
    this.#tell(`${sign} ${check.id}: ${check.title} (${why})`);
  }
}

function describe(
  { phase, scenario }: CheckPlace,
  { id, title, critical }: Pick<Check, "id" | "title" | "critical">,
): Pick<CheckReport, "id" | "phase" | "scenario" | "title" | "critical"> {
  return {
    id: `${scenario ?? phase}/${id}`,
    phase,
    scenario,
    title,
    critical,
  };
}

type Outcome = Pick<CheckReport, "status" | "measured" | "expected" | "reason">;

async function measure(check: Check): Promise<Outcome> {
  try {
    const measurement: unknown = await check.measure();
    if (!isMeasurement(measurement)) {
      const reason = "It returned no measurement.";
      return { status: "failed", measured: null, expected: null, reason };
    }
    const { isMet, measured, expected } = measurement;
    const status = isMet ? "passed" : "failed";
    return { status, measured, expected, reason: null };
  } catch (error) {
    const nothing = { measured: null, expected: null };
    return { status: "failed", ...nothing, reason: reasonOf(error) };
  }
}

/** Without a way out: that is in the log. */
function reasonOf(error: unknown): string {
  return isDrError(error)
    ? `${error.code}: ${error.message}`
    : messageOf(error);
}
