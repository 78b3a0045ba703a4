import type { ChannelName } from "../config/notify-names.js";
import type { Announcement } from "../core/announcement.js";
import type { DrError } from "../core/errors.js";

/** A way to tell people. */
export interface Channel {
  readonly name: ChannelName;
  /** For people: a host, never a secret. */
  readonly address: string;
  /** Takes this channel's secrets out of a text. */
  readonly redact: (text: string) => string;
  /**
   * Sends it once.
   *
   * @throws {DrError} NOTIFY_REFUSED, NOTIFY_ANSWER_INVALID, NOTIFY_TLS_FAILED,
   * NOTIFY_DENIED, NOTIFY_SETTING_INVALID: trying again won't help.
   */
  send(announcement: Announcement, attempt: Attempt): Promise<Sent>;
}

export interface Attempt {
  /** Aborted when the channel's time is over. */
  readonly signal: AbortSignal;
  /** Milliseconds that it may take; at least 1. */
  readonly limitMs: number;
  /** When it is made, by the local clock. */
  readonly at: Date;
  /** The same for all attempts to tell the same thing. */
  readonly id: string;
}

export type Sent =
  | {
      readonly status: "delivered";
      /** What the other side said. */
      readonly receipt: string;
    }
  | {
      /** Trying again may help. */
      readonly status: "postponed";
      readonly error: DrError;
      /** What the other side asks for. */
      readonly retryAfterMs?: number;
    };
