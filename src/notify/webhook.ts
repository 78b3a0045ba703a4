import { createHmac } from "node:crypto";

import type { Announcement } from "../core/announcement.js";
import { DrError } from "../core/errors.js";
import { redacting, secretsInUrl } from "../core/redact.js";
import type { Channel } from "./channel.js";
import { parseSecretUrl, refusal, sendByHttp } from "./http.js";
import { pageLinks } from "./links.js";

const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;
const SHORTEST_KEY_BYTES = 24;
const LONGEST_KEY_BYTES = 64;

/**
 * A URL of the user's own, signed as Standard Webhooks says.
 *
 * @param secret - `whsec_` and the key in base64.
 * @throws {DrError} NOTIFY_SETTING_INVALID.
 * @see https://www.standardwebhooks.com
 */
export function openWebhook(address: string, secret: string): Channel {
  const url = parseSecretUrl("webhook", "dr.notify.webhook.url", address);
  const key = decodeSecret(secret);
  const redact = redacting([address, secret, ...secretsInUrl(url)]);
  const endpoint = { channel: "webhook", url, redact } as const;
  return {
    name: "webhook",
    address: url.host,
    redact,
    send: async (announcement, attempt) => {
      const body = JSON.stringify(webhookBody(announcement));
      const timestamp = String(Math.floor(attempt.at.getTime() / 1000));
      return await sendByHttp(
        endpoint,
        {
          headers: {
            "content-type": "application/json",
            "webhook-id": attempt.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signWebhook(key, attempt.id, timestamp, body),
          },
          body,
        },
        attempt,
        (answer) => {
          if (answer.status >= 300) {
            throw refusal(endpoint, answer);
          }
          return `HTTP ${answer.status}`;
        },
      );
    },
  };
}

/** docs/formats.md describes it. */
export function webhookBody(announcement: Announcement): object {
  const { action, at, key, severity, title, text, source } = announcement;
  const links = pageLinks(announcement);
  return {
    type: `dr.${action}`,
    timestamp: at.toISOString(),
    data: { key, severity, title, text, source, links },
  };
}

/** `v1,` and HMAC-SHA256 of `id.timestamp.body` in base64. */
export function signWebhook(
  key: Buffer,
  id: string,
  timestamp: string,
  body: string,
): string {
  const digest = createHmac("sha256", key)
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64");
  return `v1,${digest}`;
}

function decodeSecret(secret: string): Buffer {
  const [, text = ""] = SECRET.exec(secret) ?? [];
  const key = Buffer.from(text, "base64");
  if (key.length < SHORTEST_KEY_BYTES || key.length > LONGEST_KEY_BYTES) {
    throw new DrError("NOTIFY_SETTING_INVALID", {
      channel: "webhook",
      setting: "dr.notify.webhook.secret",
      reason: "it must be `whsec_` and 24 to 64 bytes in base64",
    });
  }
  return key;
}
