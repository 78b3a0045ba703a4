import { isDrError, messageOf, type DrError } from "../core/errors.js";
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

/** Any error for `--json`, ours or not. */
export function anyErrorToJson(error: unknown): {
  readonly code: string;
  readonly message: string;
} {
  return isDrError(error)
    ? errorToJson(error)
    : { code: "UNEXPECTED", message: messageOf(error) };
}

/** Any error, ours or not, with the way out where there is one. */
export function formatAnyError(error: unknown, paint: Paint): string {
  return isDrError(error) ? formatError(error, paint) : `${messageOf(error)}\n`;
}
