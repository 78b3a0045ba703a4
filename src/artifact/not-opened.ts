import { DrError, messageOf } from "../core/errors.js";

/** Libraries say what they don't take in words of their own; they never quote a key. */
export function explainNotOpened(name: string, error: unknown): DrError {
  return error instanceof DrError
    ? error
    : new DrError(
        "ARTIFACT_NOT_OPENED",
        { name, reason: messageOf(error) },
        { cause: error },
      );
}
