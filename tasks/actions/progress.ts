import type { ListrDefaultRendererLogLevels } from "listr2";

import type { Meter } from "../../src/core/meter.js";
import { formatTransfer } from "../../src/display/progress.js";
import type { Output } from "./output.js";

/** Something that takes its time. */
export interface Job<T> {
  readonly title: string;
  readonly work: (meter: Meter) => Promise<T>;
  /** What is said when it is through. */
  readonly tell: (result: T) => string;
  /** Whether it ended well; default: it did. */
  readonly isGood?: (result: T) => boolean;
}

/** Where there is no terminal to draw on, a line so often. */
const QUIET_MS = 30_000;

/** Drawing a bar takes longer than reading what it moves by. */
const REDRAW_MS = 100;

/** Columns; some terminals say that they have none. */
const NARROWEST = 20;

/**
 * Does jobs at the same time and shows on stderr how far each is: on a terminal
 * as bars with rate and time left, else as a line now and then.
 *
 * @returns how each ended, in their order.
 */
export async function withProgress<T>(
  jobs: readonly Job<T>[],
  output: Pick<Output, "progress">,
): Promise<PromiseSettledResult<T>[]> {
  return process.stderr.isTTY && process.stderr.columns >= NARROWEST
    ? await drawBars(jobs)
    : await Promise.allSettled(
        jobs.map(async (job) => await tellNowAndThen(job, output)),
      );
}

/** The same for one job. @throws what it throws. */
export async function withBar<T>(
  job: Job<T>,
  output: Pick<Output, "progress">,
): Promise<T> {
  const [end] = await withProgress([job], output);
  if (end?.status !== "fulfilled") {
    throw end?.reason;
  }
  return end.value;
}

/** @throws what failed first. */
export function valuesOf<T>(ends: readonly PromiseSettledResult<T>[]): T[] {
  return ends.map((end) => {
    if (end.status === "rejected") {
      throw end.reason;
    }
    return end.value;
  });
}

async function tellNowAndThen<T>(
  { title, work, tell, isGood = () => true }: Job<T>,
  output: Pick<Output, "progress">,
): Promise<T> {
  let told = performance.now();
  const result = await work(
    createMeter((line) => {
      if (performance.now() - told > QUIET_MS) {
        told = performance.now();
        output.progress(`… ${title}: ${line}`);
      }
    }),
  );
  output.progress(`${isGood(result) ? "✔" : "✖"} ${title}: ${tell(result)}`);
  return result;
}

async function drawBars<T>(
  jobs: readonly Job<T>[],
): Promise<PromiseSettledResult<T>[]> {
  const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
  const ends: PromiseSettledResult<T>[] = [];
  const processOutput = new ProcessOutput(process.stderr, process.stderr);
  const rendererOptions = {
    logger: new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput }),
    // Errors are told once, by the task.
    showErrorMessage: false,
  };
  const list = new Listr(
    jobs.map(({ title, work, tell, isGood = () => true }, index) => ({
      title,
      task: async (_: unknown, task: { title: string; output: string }) => {
        const meter = createMeter((line) => {
          task.output = line;
        });
        const value = await work(meter).catch((reason: unknown) => {
          ends[index] = { status: "rejected", reason };
          throw reason;
        });
        ends[index] = { status: "fulfilled", value };
        task.title = `${title}: ${tell(value)}`;
        if (!isGood(value)) {
          // Only what throws is marked as failed; nobody is shown this.
          throw new DOMException(task.title);
        }
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      // Ctrl-C is the task's own to handle.
      registerSignalListeners: false,
      renderer: "default",
      rendererOptions,
      // The same where stdout is a pipe: it is drawn on stderr.
      fallbackRenderer: "default",
      fallbackRendererOptions: rendererOptions,
    },
  );
  await list.run();
  return ends;
}

/** Rates are of this run: what was there before came without work. */
function createMeter(show: (line: string) => void): Meter {
  let what = "";
  let totalBytes: number | undefined;
  let start: { readonly at: number; readonly doneBytes: number } | undefined;
  let shownAt = -Infinity;
  return {
    begin: (name, total) => {
      [what, totalBytes, start] = [name, total, undefined];
      show(name);
    },
    reach: (doneBytes) => {
      const now = performance.now();
      start ??= { at: now, doneBytes };
      if (now - shownAt < REDRAW_MS && doneBytes !== totalBytes) {
        return;
      }
      shownAt = now;
      const seconds = (now - start.at) / 1000;
      const bytesPerSecond =
        seconds > 0 ? (doneBytes - start.doneBytes) / seconds : 0;
      const line = formatTransfer({ doneBytes, totalBytes, bytesPerSecond });
      show(`${what}  ${line}`);
    },
  };
}
