import { createHash } from "node:crypto";

import type { Announcement } from "../core/announcement.js";
import type { Json } from "../core/canonical-json.js";
import { redacting } from "../core/redact.js";
import type { Severity } from "../core/severity.js";
import type { Channel } from "./channel.js";
import {
  invalidAnswer,
  parseSecretUrl,
  refusal,
  sendByHttp,
  type Answer,
  type Endpoint,
} from "./http.js";
import { pageLinks } from "./links.js";
import { clip, lines, oneLine } from "./text.js";

/**
 * What PagerDuty takes at most, in characters.
 *
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview
 */
const LIMITS = { summary: 1024, dedupKey: 255 } as const;

/** Of an event's 512 kB there is plenty left for the rest. */
const LONGEST_TEXT = 20_000;
const MOST_LINKS = 20;

const SEVERITIES: Readonly<Record<Severity, string>> = {
  critical: "critical",
  high: "error",
  medium: "warning",
  low: "info",
};

const NAME = "hardhat-dr";

/** @throws {DrError} NOTIFY_SETTING_INVALID. */
export function openPagerDuty(routingKey: string, base: string): Channel {
  const origin = parseSecretUrl("pagerduty", "dr.notify.pagerduty.url", base);
  const redact = redacting([routingKey]);
  return {
    name: "pagerduty",
    address: origin.host,
    redact,
    send: async (announcement, attempt) => {
      const { path, event } = pagerDutyEvent(announcement, routingKey);
      const url = new URL(path, origin);
      const endpoint = { channel: "pagerduty", url, redact } as const;
      return await sendByHttp(
        endpoint,
        {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(event),
        },
        attempt,
        (answer) => readAnswer(endpoint, answer),
      );
    },
  };
}

/** An alert event, or a change event, which wakes nobody. */
export function pagerDutyEvent(
  announcement: Announcement,
  routingKey: string,
): { readonly path: string; readonly event: Readonly<Record<string, Json>> } {
  const { action, key, severity, title, text, source, at } = announcement;
  const summary = clip(oneLine(title), LIMITS.summary);
  const common = {
    summary,
    source: oneLine(source),
    timestamp: at.toISOString(),
    custom_details: { text: clip(lines(text), LONGEST_TEXT), key },
  };
  const links = pageLinks(announcement)
    .slice(0, MOST_LINKS)
    .map(({ title: words, url }) => ({ href: url, text: oneLine(words) }));
  if (action === "change") {
    return {
      path: "/v2/change/enqueue",
      event: { routing_key: routingKey, payload: common, links },
    };
  }
  return {
    path: "/v2/enqueue",
    event: {
      routing_key: routingKey,
      event_action: action,
      dedup_key: dedupKey(key),
      client: NAME,
      payload: { ...common, severity: SEVERITIES[severity] },
      links,
    },
  };
}

/** The key as it is; of one that is too long, its digest: two must never become one. */
function dedupKey(key: string): string {
  return key.length <= LIMITS.dedupKey
    ? key
    : createHash("sha256").update(key).digest("hex");
}

function readAnswer(endpoint: Endpoint, answer: Answer): string {
  const said = parseAnswer(answer.text);
  if (answer.status !== 202) {
    throw answer.status < 300
      ? invalidAnswer(endpoint, answer, "it hasn't accepted the event")
      : refusal(endpoint, answer, said?.words);
  }
  if (said?.status !== "success") {
    throw invalidAnswer(endpoint, answer, "it isn't PagerDuty's answer");
  }
  return said.words;
}

function parseAnswer(
  text: string,
): { readonly status: unknown; readonly words: string } | undefined {
  try {
    const { status, message, errors } = JSON.parse(text) as {
      readonly status?: unknown;
      readonly message?: unknown;
      readonly errors?: unknown;
    };
    const words = [message, errors]
      .flat()
      .filter((word) => typeof word === "string");
    return { status, words: words.join("; ") };
  } catch {
    return undefined;
  }
}
