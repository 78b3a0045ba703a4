import type { ChannelName } from "../config/notify-names.js";
import { DrError } from "../core/errors.js";
import { parseRetryAfter } from "../core/retry-after.js";
import type { Attempt, Sent } from "./channel.js";
import { clip, oneLine } from "./text.js";

/** Where something is sent to. */
export interface Endpoint {
  /** Whose it is, for errors. */
  readonly channel: ChannelName | "banner";
  readonly url: URL;
  readonly redact: (text: string) => string;
}

export interface Message {
  readonly method?: "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a server said; of a long answer only the beginning. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

const LONGEST_ANSWER = 65_536;
const LONGEST_REASON = 300;
const BUSY: readonly number[] = [408, 425, 429];

/**
 * A URL that holds a secret and may therefore only be asked over TLS; on this
 * machine it doesn't matter.
 *
 * @throws {DrError} NOTIFY_SETTING_INVALID, which doesn't quote it.
 */
export function parseSecretUrl(
  channel: Endpoint["channel"],
  setting: string,
  text: string,
): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal =
    url?.protocol === "http:" &&
    /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url === undefined || !(url.protocol === "https:" || isLocal)) {
    throw new DrError("NOTIFY_SETTING_INVALID", {
      channel,
      setting,
      reason: "it must be a URL that begins with https://",
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new DrError("NOTIFY_SETTING_INVALID", {
      channel,
      setting,
      reason: "a URL with a user and a password in it isn't taken",
    });
  }
  return url;
}

/**
 * Sends something once.
 *
 * @param read - What the answer means, when the server isn't busy.
 * @throws {DrError} NOTIFY_REFUSED when it is a redirection; the reason of the
 * signal; and what `read` throws.
 */
export async function sendByHttp(
  endpoint: Endpoint,
  { method = "POST", headers, body }: Message,
  { signal, at }: Pick<Attempt, "signal" | "at">,
  read: (answer: Answer) => string,
): Promise<Sent> {
  const { channel, url, redact } = endpoint;
  const { host } = url;
  let [answer, retryAfter]: [Answer | undefined, string | null] = [
    undefined,
    null,
  ];
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      // Following one would carry the message and its keys to another host.
      redirect: "manual",
      signal,
    });
    retryAfter = response.headers.get("retry-after");
    answer = { status: response.status, text: await readSome(response) };
  } catch (error) {
    signal.throwIfAborted();
    const reason = reasonOf(error);
    return {
      status: "postponed",
      error: new DrError("NOTIFY_UNREACHABLE", { channel, host, reason }),
    };
  }
  if (answer.status >= 500 || BUSY.includes(answer.status)) {
    const retryAfterMs = parseRetryAfter(retryAfter, at);
    return {
      status: "postponed",
      error: new DrError("NOTIFY_BUSY", {
        channel,
        host,
        reason: `HTTP ${answer.status}`,
      }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  if (answer.status >= 300 && answer.status < 400) {
    throw refusal(endpoint, answer, "it redirects elsewhere");
  }
  return { status: "delivered", receipt: oneLine(redact(read(answer))) };
}

/** A server's own words, as far as they may be shown. */
export function refusal(
  { channel, url, redact }: Endpoint,
  { status, text }: Answer,
  reason = text,
): DrError {
  const said = clip(oneLine(redact(reason)), LONGEST_REASON);
  return new DrError("NOTIFY_REFUSED", {
    channel,
    host: url.host,
    reason: `HTTP ${status}${said === "" ? "" : `, ${said}`}`,
  });
}

/** An answer of another kind than the API's. */
export function invalidAnswer(
  { channel, url }: Endpoint,
  { status }: Answer,
  reason: string,
): DrError {
  return new DrError("NOTIFY_ANSWER_INVALID", {
    channel,
    host: url.host,
    status,
    reason,
  });
}

/** Whoever answers without end isn't listened to for ever. */
async function readSome({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk as Uint8Array);
    sizeBytes += (chunk as Uint8Array).length;
    if (sizeBytes >= LONGEST_ANSWER) {
      break;
    }
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_ANSWER).toString("utf8");
}

/** undici hides the reason in `cause`; its messages may quote the URL or a header. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error &&
    "code" in cause &&
    typeof cause.code === "string"
    ? cause.code
    : "the connection broke";
}
