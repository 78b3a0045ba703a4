import type { DrError } from "../core/errors.js";
import type { Paint } from "./text.js";

/** What went wrong, its code, and the way out. */
export function formatError(error: DrError, paint: Paint): string {
  const { code, message, fix } = error;
  return `${paint("red", code)}: ${message}\n  ${fix}\n`;
}

/** For `--json`. */
export function errorToJson({ code, message, fix }: DrError): {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
} {
  return { code, message, fix };
}
