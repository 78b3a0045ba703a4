import type { ChannelName } from "../config/notify-names.js";
import type { Announcement } from "../core/announcement.js";
import { systemClock, type Clock } from "../core/clock.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import type { Attempt, Channel, Sent } from "./channel.js";
import type { Endpoint } from "./http.js";

/** Time, as a delivery sees it. */
export interface Timing {
  /** For what is written, and for waiting between attempts. */
  readonly clock: Clock;
  /** Milliseconds since some moment; never goes backwards, as the clock may. */
  readonly elapsedMs: () => number;
  /** Aborted after so many milliseconds. */
  readonly limit: (milliseconds: number) => AbortSignal;
}

export const systemTiming: Timing = {
  clock: systemClock,
  elapsedMs: () => performance.now(),
  limit: (milliseconds) => AbortSignal.timeout(milliseconds),
};

export interface SendingOptions {
  readonly timing: Timing;
  /** All attempts together, and the waiting between them: milliseconds. */
  readonly limitMs: number;
  /** The same for all attempts. */
  readonly id: string;
}

/** Something that is sent, and may be sent again. */
export interface Sender {
  /** For people: a host, never a secret. */
  readonly address: string;
  readonly redact: (text: string) => string;
  readonly send: (attempt: Attempt) => Promise<Sent>;
}

/** What became of it. */
export interface Sending {
  /** A host; empty when its secrets couldn't be read. */
  readonly address: string;
  readonly attempts: number;
  /** From the beginning to the acknowledgement or to giving up. */
  readonly milliseconds: number;
  /** What the other side said. */
  readonly receipt?: string;
  /** Why it wasn't delivered. */
  readonly error?: DrError;
}

/** What became of one announcement in one channel. */
export interface Delivery extends Sending {
  readonly channel: ChannelName;
}

const ATTEMPTS = 4;
/** One attempt; another one may find a better server. */
const ATTEMPT_MS = 8000;
const FIRST_DELAY_MS = 500;

/** @param open - Gives the channel; reading its secrets takes of the time too. */
export async function deliver(
  channel: ChannelName,
  open: () => Promise<Channel>,
  announcement: Announcement,
  options: SendingOptions,
): Promise<Delivery> {
  const sending = await sendPersistently(
    channel,
    async () => {
      const opened = await open();
      const { address, redact } = opened;
      return {
        address,
        redact,
        send: async (attempt) => await opened.send(announcement, attempt),
      };
    },
    options,
  );
  return { channel, ...sending };
}

/**
 * Sends something, and again when that may help, for as long as there is time.
 * At least once, that is: an answer that is lost may mean that it came twice.
 *
 * @returns when it is over, never later than the limit, and never throws.
 */
export async function sendPersistently(
  channel: Endpoint["channel"],
  open: () => Promise<Sender>,
  options: SendingOptions,
): Promise<Sending> {
  const { timing, limitMs } = options;
  const startedMs = timing.elapsedMs();
  const spentMs = () => timing.elapsedMs() - startedMs;
  let [attempts, address] = [0, ""];
  let redact = (text: string) => text;
  const ended = (end: Pick<Sending, "receipt" | "error">): Sending => ({
    address,
    attempts,
    milliseconds: Math.round(spentMs()),
    ...end,
  });
  try {
    const sender = await within(channel, limitMs, timing, open);
    ({ address, redact } = sender);
    for (;;) {
      attempts += 1;
      const sent = await attempt(channel, sender, options, spentMs());
      if (sent.status === "delivered") {
        return ended({ receipt: sent.receipt });
      }
      const waitMs = sent.retryAfterMs ?? FIRST_DELAY_MS * 2 ** (attempts - 1);
      if (attempts === ATTEMPTS || spentMs() + waitMs >= limitMs) {
        return ended({
          error: isDrError(sent.error, "NOTIFY_TIMEOUT")
            ? timeout(channel, spentMs())
            : sent.error,
        });
      }
      await timing.clock.sleep(waitMs);
    }
  } catch (error) {
    return ended({ error: toDrError(channel, error, redact) });
  }
}

/** One attempt. That it takes too long is no reason not to try again. */
async function attempt(
  channel: Endpoint["channel"],
  { send }: Sender,
  { timing, limitMs, id }: SendingOptions,
  spentMs: number,
): Promise<Sent> {
  const leftMs = Math.min(ATTEMPT_MS, Math.max(1, limitMs - spentMs));
  const at = timing.clock.now();
  try {
    return await within(
      channel,
      Math.ceil(leftMs),
      timing,
      async (signal) =>
        await send({ signal, limitMs: Math.ceil(leftMs), at, id }),
    );
  } catch (error) {
    if (isDrError(error, "NOTIFY_TIMEOUT")) {
      return { status: "postponed", error };
    }
    throw error;
  }
}

/** Work that is left alone when it takes too long, even if it doesn't stop. @throws {DrError} NOTIFY_TIMEOUT. */
async function within<T>(
  channel: Endpoint["channel"],
  limitMs: number,
  { limit }: Pick<Timing, "limit">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = limit(limitMs);
  const working = work(signal);
  // Whoever stops later than he should has nobody listening any more.
  working.catch(() => undefined);
  const over = Promise.withResolvers<never>();
  const stop = () => {
    over.reject(timeout(channel, limitMs));
  };
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([working, over.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Without a cause: it may quote a URL or a key. */
function toDrError(
  channel: Endpoint["channel"],
  error: unknown,
  redact: (text: string) => string,
): DrError {
  return isDrError(error)
    ? error
    : new DrError("NOTIFY_FAILED", {
        channel,
        reason: redact(messageOf(error)),
      });
}

function timeout(channel: Endpoint["channel"], afterMs: number): DrError {
  const seconds = Math.round(afterMs / 100) / 10;
  return new DrError("NOTIFY_TIMEOUT", { channel, seconds });
}
