import { DrError } from "../core/errors.js";

/**
 * Compared with itself a database lacks nothing, which would look like good news.
 *
 * @returns the other one.
 * @throws {DrError} OPTION_INVALID.
 */
export function requireOther(
  name: string,
  other: string,
  live: string,
): string {
  if (other === live) {
    throw new DrError("OPTION_INVALID", {
      option: "--from-database",
      value: name,
      expected: "another database than the live one itself",
    });
  }
  return other;
}
