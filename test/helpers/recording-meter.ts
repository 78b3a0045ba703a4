import type { Meter } from "../../src/core/meter.js";

/** Writes down what it is told. */
export class RecordingMeter implements Meter {
  /** What was gone through, of how many bytes, and how far that was told, in order. */
  readonly passes: {
    readonly what: string;
    readonly totalBytes: number | undefined;
    readonly reached: number[];
  }[] = [];

  readonly begin = (what: string, totalBytes: number | undefined): void => {
    this.passes.push({ what, totalBytes, reached: [] });
  };

  readonly reach = (doneBytes: number): void => {
    this.passes.at(-1)!.reached.push(doneBytes);
  };

  /** What was gone through to its very end, and no further. */
  get complete(): readonly string[] {
    return this.passes
      .filter(({ totalBytes, reached }) => reached.at(-1) === totalBytes)
      .map(({ what }) => what);
  }
}
