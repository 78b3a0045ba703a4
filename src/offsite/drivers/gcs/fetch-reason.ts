import { messageOf } from "../../../core/errors.js";

/** Why fetch failed, for people. It hides that in `cause`; neither quotes a URL. */
export function fetchReasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) {
    // Where several addresses were tried there is a code and no message.
    return cause.message === "" && "code" in cause
      ? String(cause.code)
      : cause.message;
  }
  return messageOf(error);
}
