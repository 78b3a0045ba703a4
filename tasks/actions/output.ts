import { isDrError, messageOf } from "../../src/core/errors.js";
import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import {
  anyErrorToJson,
  errorToJson,
  formatError,
} from "../../src/display/error.js";
import { paintFor, type Paint } from "../../src/display/text.js";

/** Where a task prints: what it is for on stdout, how it goes on stderr. */
export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  /** For people; nothing in `--json` mode. */
  readonly text: (text: string) => void;
  /** How it goes. */
  readonly progress: (line: string) => void;
  /** What need not be waited for until all else is done and said; it mustn't throw. */
  readonly afterwards: (work: Promise<unknown>) => void;
}

/** What of a task's arguments decides where it prints. */
interface OutputArguments {
  readonly json: boolean;
  /** Only of tasks that change something; without either they ask. */
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** What a task leaves: for `--json`, and for the shell. */
export interface TaskResult {
  readonly json: Json;
  readonly exitCode: ExitCode;
}

/**
 * Runs a task's work, prints its result or its error, and sets the exit code.
 *
 * @returns what `--json` prints, for those who run tasks from code.
 */
export async function runTask(
  args: OutputArguments,
  work: (output: Output) => Promise<TaskResult>,
): Promise<Json> {
  const { json } = args;
  surviveLostReaders();
  const later: Promise<unknown>[] = [];
  const output = createOutput(args, later);
  try {
    const result = await settle(work(output), json);
    process.exitCode = result.exitCode;
    if (json) {
      process.stdout.write(`${JSON.stringify(result.json)}\n`);
    }
    return result.json;
  } finally {
    await Promise.all(later);
  }
}

let isOutputLost = false;

/**
 * A recovery isn't abandoned half-way because nobody reads what it prints any
 * more: `| head -1` has seen enough, a closed terminal is gone.
 */
function surviveLostReaders(): void {
  process.stdout.off("error", onStdoutError).on("error", onStdoutError);
  process.stderr.off("error", ignore).on("error", ignore);
}

/** Output that somebody may count on is gone: a failure, even where the work isn't. */
function onStdoutError({ code, message }: NodeJS.ErrnoException): void {
  if (code === "EPIPE" || code === "EIO" || isOutputLost) {
    return;
  }
  isOutputLost = true;
  process.stderr.write(`stdout can't be written: ${message}\n`);
  process.once("exit", () => {
    if (process.exitCode === EXIT_CODES.done) {
      process.exitCode = EXIT_CODES.error;
    }
  });
}

function ignore(): void {
  // There is nowhere left to say it.
}

async function settle(
  work: Promise<TaskResult>,
  json: boolean,
): Promise<TaskResult> {
  try {
    return await work;
  } catch (error) {
    if (isDrError(error)) {
      process.stderr.write(formatError(error, paintFor(process.stderr)));
      return { json: { error: errorToJson(error) }, exitCode: error.exitCode };
    }
    if (!json) {
      throw error;
    }
    process.stderr.write(`${messageOf(error)}\n`);
    return {
      json: { error: anyErrorToJson(error) },
      exitCode: EXIT_CODES.error,
    };
  }
}

function createOutput(
  { json, yes, dryRun }: OutputArguments,
  later: Promise<unknown>[],
): Output {
  // Nobody can approve what isn't shown; stdout is for the JSON alone.
  const isAsked = yes === false && dryRun === false;
  const stream = json ? process.stderr : process.stdout;
  return {
    json,
    paint: paintFor(stream),
    text: (text) => {
      if (!json || isAsked) {
        stream.write(text);
      }
    },
    progress: (line) => {
      process.stderr.write(`${line}\n`);
    },
    afterwards: (work) => {
      later.push(work);
    },
  };
}
