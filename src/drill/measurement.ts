/** What there is, held against what there should be: the only way for a check to pass. */
export interface Measurement {
  readonly isMet: boolean;
  /** What there is, for people. */
  readonly measured: string;
  /** What there should be, for people. */
  readonly expected: string;
}

/** The post-condition of something, measured when its time has come. */
export interface Check {
  /** Within its scenario: `data`. */
  readonly id: string;
  readonly title: string;
  /** One that fails fails the drill, whatever the rate. */
  readonly critical: boolean;
  /** Throwing is failing. */
  readonly measure: () => Promise<Measurement>;
}

/** That two things are the same text or number. */
export function measureEqual(
  measured: string | number,
  expected: string | number,
): Measurement {
  return {
    isMet: measured === expected,
    measured: String(measured),
    expected: String(expected),
  };
}

/** Sentences that are shown of many. */
const SHOWN = 5;

/**
 * That nothing was found against it.
 *
 * @param differences - Sentences.
 * @param same - What it is when there are none: `2 tables, as they were`.
 * @param expected - What that is.
 */
export function measureNone(
  differences: readonly string[],
  same: string,
  expected = "the same as before",
): Measurement {
  const isMet = differences.length === 0;
  return {
    isMet,
    measured: isMet ? same : summarise(differences),
    expected,
  };
}

/** That something was broken: that it differs from what it was. */
export function measureBroken(differences: readonly string[]): Measurement {
  const isMet = differences.length > 0;
  return {
    isMet,
    measured: isMet ? summarise(differences) : "nothing is broken",
    expected: "something that isn't as it was before",
  };
}

/** That something took, or is, no more than it may. Seconds. */
export function measureWithin(
  seconds: number,
  objectiveSeconds: number,
): Measurement {
  return {
    isMet: seconds <= objectiveSeconds,
    measured: `${seconds.toFixed(1)} s`,
    expected: `at most ${String(objectiveSeconds)} s`,
  };
}

function summarise(sentences: readonly string[]): string {
  const shown = sentences.slice(0, SHOWN).join(" ");
  const left = sentences.length - SHOWN;
  return left > 0 ? `${shown} And ${String(left)} more.` : shown;
}

/**
 * Whether a scenario's own check, which may be JavaScript, really measured
 * something.
 */
export function isMeasurement(value: unknown): value is Measurement {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const { isMet, measured, expected } = value as Partial<
    Record<keyof Measurement, unknown>
  >;
  return (
    typeof isMet === "boolean" &&
    typeof measured === "string" &&
    measured !== "" &&
    typeof expected === "string"
  );
}
