import { isDrError, messageOf } from "../../src/core/errors.js";
import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import { errorToJson, formatError } from "../../src/display/error.js";
import { paintFor, type Paint } from "../../src/display/text.js";

/** Where a task prints: what it is for on stdout, how it goes on stderr. */
export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  /** For people; nothing in `--json` mode. */
  readonly text: (text: string) => void;
  /** How it goes. */
  readonly progress: (line: string) => void;
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
  { json }: { readonly json: boolean },
  work: (output: Output) => Promise<TaskResult>,
): Promise<Json> {
  const output = createOutput(json);
  const result = await settle(work(output), json);
  if (json) {
    process.stdout.write(`${JSON.stringify(result.json)}\n`);
  }
  process.exitCode = result.exitCode;
  return result.json;
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
      json: { error: { code: "UNEXPECTED", message: messageOf(error) } },
      exitCode: EXIT_CODES.error,
    };
  }
}

function createOutput(json: boolean): Output {
  return {
    json,
    paint: paintFor(process.stdout),
    text: (text) => {
      if (!json) {
        process.stdout.write(text);
      }
    },
    progress: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}
