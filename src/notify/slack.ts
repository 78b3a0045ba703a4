import type { Json } from "../core/canonical-json.js";
import type { Announcement } from "../core/announcement.js";
import { redacting, secretsInUrl } from "../core/redact.js";
import type { Channel } from "./channel.js";
import { parseSecretUrl, refusal, invalidAnswer, sendByHttp } from "./http.js";
import { pageLinks } from "./links.js";
import { clip, lines, oneLine, split } from "./text.js";

/**
 * What Slack takes at most.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */
const LIMITS = {
  header: 150,
  section: 3000,
  context: 2000,
  blocks: 50,
} as const;

/** Whoever must read more opens the report. */
const MOST_TEXT_SECTIONS = 10;
const MOST_LINKS = 20;
const LONGEST_LINK_TITLE = 200;
const LONGEST_URL = 1000;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

const ACTIONS: Readonly<Record<Announcement["action"], string>> = {
  trigger: "triggered",
  acknowledge: "acknowledged",
  resolve: "resolved",
  change: "for your information",
};

/**
 * An incoming webhook.
 *
 * @param webhook - Its URL: all of the path is the key.
 * @throws {DrError} NOTIFY_SETTING_INVALID.
 */
export function openSlack(webhook: string): Channel {
  const url = parseSecretUrl("slack", "dr.notify.slack.url", webhook);
  const redact = redacting([webhook, url.pathname, ...secretsInUrl(url)]);
  const endpoint = { channel: "slack", url, redact } as const;
  return {
    name: "slack",
    address: url.host,
    redact,
    send: async (announcement, attempt) =>
      await sendByHttp(
        endpoint,
        {
          headers: { "content-type": "application/json; charset=utf-8" },
          body: JSON.stringify(slackMessage(announcement)),
        },
        attempt,
        (answer) => {
          if (answer.status !== 200) {
            throw refusal(endpoint, answer);
          }
          if (answer.text.trim() !== "ok") {
            throw invalidAnswer(endpoint, answer, "it isn't Slack's \"ok\"");
          }
          return "ok";
        },
      ),
  };
}

/**
 * In Block Kit, within Slack's limits. Texts are plain, so that nothing in them
 * is a mention, a channel or a format; only links are `mrkdwn`, escaped.
 */
export function slackMessage(announcement: Announcement): {
  readonly text: string;
  readonly blocks: readonly Json[];
} {
  const { title, text, severity, action, source, at } = announcement;
  const heading = oneLine(title);
  const header = clip(heading, LIMITS.header, escape);
  // What the heading has no room for isn't lost.
  const body = lines(
    header === escapeAll(heading) ? text : `${heading}\n\n${text}`,
  );
  const sections = split(body, LIMITS.section, escape).slice(
    0,
    MOST_TEXT_SECTIONS,
  );
  const facts = `${severity} · ${ACTIONS[action]} · ${oneLine(source)} · ${at.toISOString()}`;
  const blocks = [
    ...(header === "" ? [] : [{ type: "header", text: plainText(header) }]),
    ...sections.map((section) => ({
      type: "section",
      text: plainText(section),
    })),
    ...linkSections(announcement),
    {
      type: "context",
      elements: [plainText(clip(facts, LIMITS.context, escape))],
    },
  ];
  return {
    // What notifications and screen readers say instead of the blocks.
    text: clip(`${heading} (${oneLine(source)})`, LIMITS.section, escape),
    blocks: blocks.slice(0, LIMITS.blocks),
  };
}

function plainText(text: string): Json {
  return { type: "plain_text", text, emoji: true };
}

function linkSections(announcement: Announcement): Json[] {
  return pageLinks(announcement)
    .filter(({ url }) => url.length <= LONGEST_URL)
    .slice(0, MOST_LINKS)
    .map(({ title, url }) => ({
      type: "section",
      text: {
        type: "mrkdwn",
        // `|` ends the URL, and a title can't hold one either.
        text: `<${escapeAll(url.replaceAll("|", "%7C"))}|${clip(oneLine(title).replaceAll("|", "/") || "link", LONGEST_LINK_TITLE, escape)}>`,
        verbatim: true,
      },
    }));
}

/** The three characters by which Slack tells text from commands such as `<!channel>`. */
function escape(character: string): string {
  return ENTITIES[character] ?? character;
}

function escapeAll(text: string): string {
  return Array.from(text, escape).join("");
}
