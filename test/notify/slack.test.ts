import { expect } from "chai";

import { deliver } from "../../src/notify/deliver.js";
import { openSlack, slackMessage } from "../../src/notify/slack.js";
import { announcementOf } from "./announcements.js";
import { FakeTiming } from "./fake-timing.js";
import { HttpRecorder, SLACK_OK } from "./http-recorder.js";

const SECRET = "/services/T0000/B0000/5ecretWebhookKey";

interface Block {
  readonly type: string;
  readonly text?: { readonly type: string; readonly text: string };
  readonly elements?: readonly { readonly type: string; text: string }[];
}

function blocksOf(changes: Parameters<typeof announcementOf>[0]): Block[] {
  return slackMessage(announcementOf(changes)).blocks as unknown as Block[];
}

describe("Slack", () => {
  let server: HttpRecorder;
  let timing: FakeTiming;

  beforeEach(async () => {
    server = await HttpRecorder.start(SLACK_OK);
    timing = new FakeTiming();
  });

  afterEach(async () => {
    await server.stop();
  });

  const send = async (changes = {}, limitMs = 20_000) =>
    await deliver(
      "slack",
      async () => await Promise.resolve(openSlack(`${server.url}${SECRET}`)),
      announcementOf(changes),
      { timing, limitMs, id: "msg_1" },
    );

  it("gets a message in Block Kit", async () => {
    const delivery = await send({
      links: [{ title: "Report", url: "https://takumi.io/report?a=1&b=2" }],
    });
    expect(delivery).to.deep.equal({
      channel: "slack",
      address: server.host,
      attempts: 1,
      milliseconds: 0,
      receipt: "ok",
    });
    const [request] = server.requests;
    expect(request).to.include({ method: "POST", path: SECRET });
    expect(server.json()).to.deep.equal({
      text: "SkillProfile is being drained (takumi on mainnet)",
      blocks: [
        {
          type: "header",
          text: {
            type: "plain_text",
            text: "SkillProfile is being drained",
            emoji: true,
          },
        },
        {
          type: "section",
          text: {
            type: "plain_text",
            text: "All contracts are paused.\nThe multisig is on its way.",
            emoji: true,
          },
        },
        {
          type: "section",
          text: {
            type: "mrkdwn",
            text: "<https://takumi.io/report?a=1&amp;b=2|Report>",
            verbatim: true,
          },
        },
        {
          type: "context",
          elements: [
            {
              type: "plain_text",
              text: "critical · triggered · takumi on mainnet · 2026-11-20T03:15:00.000Z",
              emoji: true,
            },
          ],
        },
      ],
    });
  });

  it("is never told to shout, to link or to format by what others wrote", () => {
    const evil =
      "<!channel> <!here|x> <@U1> & *bold* <https://evil.example|ok>";
    const message = slackMessage(
      announcementOf({
        title: evil,
        text: `${evil}\n${evil}`,
        source: evil,
        links: [
          { title: `${evil}|x>`, url: "https://takumi.io/<!channel>|>" },
          { title: "code", url: "javascript:alert(1)" },
          { title: "file", url: "file:///etc/passwd" },
        ],
      }),
    );
    const texts = (message.blocks as unknown as Block[]).flatMap((block) => [
      ...(block.text === undefined ? [] : [block.text]),
      ...(block.elements ?? []),
    ]);
    const marked = texts.filter(({ type }) => type === "mrkdwn");
    expect(marked).to.have.length(1);
    // Of its own it has two angle brackets and one bar.
    expect(marked[0]!.text.match(/[<>|]/g)).to.deep.equal(["<", "|", ">"]);
    const others = texts.filter(({ type }) => type === "plain_text");
    for (const { text } of [...others, message]) {
      expect(text).to.include("&lt;!channel&gt;");
      expect(text).to.not.match(/[<>]|&(?!amp;|lt;|gt;)/);
    }
  });

  it("gets no more than it takes, and no half characters", () => {
    const long = `${"&".repeat(140)}👩‍🚒${"x".repeat(100_000)}`;
    const blocks = blocksOf({
      title: long,
      text: long,
      links: Array.from({ length: 100 }, () => ({
        title: long,
        url: `https://takumi.io/${"y".repeat(900)}`,
      })),
    });
    expect(blocks.length).to.be.at.most(50);
    for (const { type, text, elements = [] } of blocks) {
      const limit = type === "header" ? 150 : 3000;
      for (const each of [...(text ? [text] : []), ...elements]) {
        expect(each.text.length).to.be.within(1, limit);
        expect(each.text.isWellFormed()).to.equal(true);
        expect(each.text).to.not.match(/&(?!amp;|lt;|gt;)/);
      }
    }
    expect(blocks[0]!.text!.text).to.match(/^(&amp;){29}…$/);
  });

  it("says the whole title below a heading that has no room for it", () => {
    const title = `Rollback of ${"SkillProfile ".repeat(20)}`.trim();
    const [header, section] = blocksOf({ title, text: "Why." });
    expect(header!.text!.text).to.have.length(150);
    expect(section!.text!.text).to.equal(`${title}\n\nWhy.`);
  });

  it("has no empty blocks, which Slack refuses", () => {
    const blocks = blocksOf({ title: "\u0000", text: " \n " });
    expect(blocks.map(({ type }) => type)).to.deep.equal(["context"]);
  });

  it("is asked again after the time that it asks for", async () => {
    server.answers.push({ status: 429, headers: { "retry-after": "3" } });
    const delivery = await send();
    expect(delivery).to.include({ attempts: 2, receipt: "ok" });
    expect(timing.pauses).to.deep.equal([3000]);
  });

  it("is not waited for longer than there is time", async () => {
    server.answers.push({ status: 429, headers: { "retry-after": "3600" } });
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_BUSY");
    expect(attempts).to.equal(1);
    expect(timing.pauses).to.deep.equal([]);
  });

  it("is asked four times when it fails, with longer pauses", async () => {
    server.otherwise = { status: 500, body: SECRET };
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_BUSY");
    expect(attempts).to.equal(4);
    expect(timing.pauses).to.deep.equal([500, 1000, 2000]);
  });

  it("is asked again when it hangs up", async () => {
    server.answers.push("hang-up");
    expect(await send()).to.include({ attempts: 2, receipt: "ok" });
  });

  it("is given up when it never answers", async () => {
    server.otherwise = "silence";
    const sending = send({}, 10_000);
    await server.received(1);
    timing.expire();
    await server.received(2);
    timing.expire();
    const { error, attempts, milliseconds } = await sending;
    expect(error!.code).to.equal("NOTIFY_TIMEOUT");
    // Of all attempts, not of the last.
    expect(error!.message).to.include("no answer within 10 s");
    expect(attempts).to.equal(2);
    // Reading its secrets, an attempt of eight seconds, and what was left.
    expect(timing.limits).to.deep.equal([10_000, 8000, 1500]);
    expect(milliseconds).to.equal(10_000);
  });

  it("is asked again when what it says isn't HTTP, and no reason is made up", async () => {
    server.otherwise = "garbage";
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_UNREACHABLE");
    expect(error!.message).to.match(/can't be reached: [A-Z_]+|the connection/);
    expect(error!.message).not.to.include("undefined");
    expect(attempts).to.equal(4);
  });

  it("is not believed when something else answers", async () => {
    server.otherwise = { status: 200, body: "<html>Log in</html>" };
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_ANSWER_INVALID");
    expect(attempts).to.equal(1);
  });

  it("is listened to only for a while when it answers without end", async () => {
    server.otherwise = "endless";
    const { error } = await send();
    expect(error!.code).to.equal("NOTIFY_ANSWER_INVALID");
  });

  it("is not asked again when it refuses, and its key isn't shown", async () => {
    server.otherwise = {
      status: 404,
      body: `no_service at ${SECRET}, 5ecretWebhookKey\r\n\u001b[2J`,
    };
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_REFUSED");
    expect(attempts).to.equal(1);
    expect(error!.message).to.include("no_service");
    expect(JSON.stringify(error)).to.not.include("5ecret");
    expect(error!.message).to.not.match(/5ecret|\p{Cc}/u);
  });

  it("shows no half of its key where a long answer is cut", async () => {
    server.otherwise = {
      status: 400,
      body: `${"x".repeat(290)} 5ecretWebhookKey ${"x".repeat(300)}`,
    };
    const { error } = await send();
    expect(error!.message).to.not.include("5ecret");
  });

  it("leads nowhere else", async () => {
    const other = await HttpRecorder.start(SLACK_OK);
    server.otherwise = { status: 307, headers: { location: other.url } };
    const { error } = await send();
    expect(error!.code).to.equal("NOTIFY_REFUSED");
    expect(other.requests).to.deep.equal([]);
    await other.stop();
  });

  it("has a URL that is a secret, and is asked only over TLS", () => {
    for (const url of [
      `http://hooks.slack.example${SECRET}`,
      `ftp://hooks.slack.example${SECRET}`,
      `https://user:pass@hooks.slack.example${SECRET}`,
      SECRET,
      "",
    ]) {
      expect(() => openSlack(url))
        .to.throw()
        .with.property("code", "NOTIFY_SETTING_INVALID");
      expect(() => openSlack(url)).to.throw(/^(?!.*5ecret)/);
    }
  });

  it("can't be found", async () => {
    const delivery = await deliver(
      "slack",
      async () =>
        await Promise.resolve(
          openSlack(`https://hooks.slack.invalid${SECRET}`),
        ),
      announcementOf(),
      { timing, limitMs: 20_000, id: "msg_1" },
    );
    expect(delivery.error!.code).to.equal("NOTIFY_UNREACHABLE");
    expect(delivery.error!.message).to.match(/ENOTFOUND|EAI_AGAIN/);
    expect(delivery.attempts).to.equal(4);
    expect(delivery.error!.message).to.not.include("5ecret");
  });
});
