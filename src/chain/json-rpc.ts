import { isRevert, RpcResponseError, type RpcOutcome } from "./rpc.js";

/** One answer, as far as it has been looked at. */
export interface JsonRpcAnswer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: JsonRpcError | null;
}

interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Of geth, for what no longer fits into the answer to a batch. */
const RESPONSE_TOO_LARGE = -32003;
const TOO_MANY_REQUESTS = 429;

/** A result or an error as JSON-RPC has them; a gateway's own JSON is neither. */
export function isAnswer(value: unknown): value is JsonRpcAnswer {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  return "result" in value || ("error" in value && isError(value.error));
}

function isError(value: unknown): value is JsonRpcError {
  return (
    typeof value === "object" &&
    value !== null &&
    "code" in value &&
    typeof value.code === "number" &&
    "message" in value &&
    typeof value.message === "string"
  );
}

/** Whether it is for this request; an error may not know for which. */
export function answers(
  { id, error }: JsonRpcAnswer,
  request: number,
): boolean {
  return id === request || (isError(error) && (id ?? null) === null);
}

export function toOutcome(
  { result, error }: JsonRpcAnswer,
  redact: (text: string) => string,
): RpcOutcome {
  if (!isError(error)) {
    return { ok: true, result };
  }
  const { message, code, data } = error;
  return {
    ok: false,
    error: new RpcResponseError(redact(message), code, data),
  };
}

/** Whether a request was left out because the answers to its batch are too long. */
export function isLeftOut(outcome: RpcOutcome): boolean {
  return (
    !outcome.ok &&
    outcome.error.code === RESPONSE_TOO_LARGE &&
    /response too large/i.test(outcome.error.message)
  );
}

/** Some providers refuse for their rate limit with HTTP 200, one request of a batch alone. */
export function isRateLimited(outcome: RpcOutcome): boolean {
  if (outcome.ok) {
    return false;
  }
  const { code, message } = outcome.error;
  return (
    !isRevert(outcome.error) &&
    (code === TOO_MANY_REQUESTS ||
      /rate limit|too many requests|request rate|request limit reached|requests per second|compute units per second/i.test(
        message,
      ))
  );
}
