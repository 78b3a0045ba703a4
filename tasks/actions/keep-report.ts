import { writeReport } from "../../src/backup/write-report.js";
import type { DrConfig } from "../../src/config/types.js";
import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import { anyErrorToJson, formatAnyError } from "../../src/display/error.js";
import { paintFor } from "../../src/display/text.js";
import type { Output } from "./output.js";

interface ReportedResult {
  readonly json: Readonly<Record<string, Json>>;
  readonly exitCode: ExitCode;
}

/** What a task did, to be kept. */
export interface Kept {
  readonly config: DrConfig;
  /** `backup`, `database_restore`. */
  readonly what: string;
  readonly startedAt: Date;
  readonly json: Readonly<Record<string, Json>>;
  readonly exitCode: ExitCode;
}

/** Keeps a report. What the task did is done all the same where that can't be written. */
export async function keepReport(
  { config, what, startedAt, json, exitCode }: Kept,
  output: Output,
): Promise<ReportedResult> {
  try {
    const path = await writeReport(config, what, startedAt, json);
    output.text(`Report: ${path}\n`);
    return { json: { ...json, report: path }, exitCode };
  } catch (error) {
    return butFor(error, json, exitCode);
  }
}

/** All was done but for something that went wrong beside it, which is told. */
export function butFor(
  error: unknown,
  json: Readonly<Record<string, Json>>,
  exitCode: ExitCode,
): ReportedResult {
  tellError(error);
  return {
    json: { ...json, error: anyErrorToJson(error) },
    exitCode: exitCode === EXIT_CODES.done ? EXIT_CODES.partial : exitCode,
  };
}

/** On stderr, whether or not stdout is for people. */
export function tellError(error: unknown): void {
  process.stderr.write(formatAnyError(error, paintFor(process.stderr)));
}
