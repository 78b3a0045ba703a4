import { isDrError, messageOf, type ErrorCode } from "../core/errors.js";

/** What must hold, whether it did, and how that is known. */
export interface Criterion<Name extends string = string> {
  readonly name: Name;
  /** What comes after a failure often can't be measured: then nothing is said of it. */
  readonly status: "passed" | "failed" | "not_measured";
  /** What was seen. */
  readonly detail?: string;
  /** Of what failed it, where it was an error of ours. */
  readonly code?: ErrorCode;
  /** The way out, likewise. */
  readonly fix?: string;
}

/** Criteria in the order in which they are measured; none holds before it was. */
export class Checklist<Name extends string = string> {
  readonly #criteria: Map<Name, Criterion<Name>>;

  constructor(names: readonly Name[]) {
    this.#criteria = new Map(
      names.map((name) => [name, { name, status: "not_measured" }]),
    );
  }

  get criteria(): readonly Criterion<Name>[] {
    return [...this.#criteria.values()];
  }

  /** Whether all were measured, and hold. */
  get isPassed(): boolean {
    return this.criteria.every(({ status }) => status === "passed");
  }

  record(name: Name, isHeld: boolean, detail: string): void {
    const status = isHeld ? "passed" : "failed";
    this.#criteria.set(name, { name, status, detail });
  }

  pass(name: Name, detail: string): void {
    this.record(name, true, detail);
  }

  /** @param name - Default: the first that isn't measured yet, which is what was being measured. */
  fail(error: unknown, name: Name | undefined = this.#next()): void {
    if (name === undefined) {
      return;
    }
    this.#criteria.set(name, {
      name,
      status: "failed",
      detail: messageOf(error),
      ...(isDrError(error) ? { code: error.code, fix: error.fix } : {}),
    });
  }

  #next(): Name | undefined {
    return this.criteria.find(({ status }) => status === "not_measured")?.name;
  }
}

/** Where what was measured is written down. */
export type Recorder<Name extends string> = Pick<
  Checklist<Name>,
  "record" | "pass" | "fail"
>;
