import { DrError } from "../../src/core/errors.js";

/** @throws {DrError} OPTION_INVALID. */
export function parseJobs(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) {
    throw new DrError("OPTION_INVALID", {
      option: "--jobs",
      value: text,
      expected: "a number from 1 to 99",
    });
  }
  return Number(text);
}
