import { expect } from "chai";

import { deliver } from "../../src/notify/deliver.js";
import { openPagerDuty, pagerDutyEvent } from "../../src/notify/pagerduty.js";
import { announcementOf } from "./announcements.js";
import { FakeTiming } from "./fake-timing.js";
import { HttpRecorder, PAGERDUTY_OK } from "./http-recorder.js";

const KEY = "0123456789abcdef0123456789abcdef";

describe("PagerDuty", () => {
  let server: HttpRecorder;
  let timing: FakeTiming;

  beforeEach(async () => {
    server = await HttpRecorder.start(PAGERDUTY_OK);
    timing = new FakeTiming();
  });

  afterEach(async () => {
    await server.stop();
  });

  const send = async (changes = {}) =>
    await deliver(
      "pagerduty",
      async () => await Promise.resolve(openPagerDuty(KEY, server.url)),
      announcementOf(changes),
      { timing, limitMs: 20_000, id: "msg_1" },
    );

  it("opens, acknowledges and resolves an incident under one key", async () => {
    for (const action of ["trigger", "acknowledge", "resolve"] as const) {
      const { receipt } = await send({ action });
      expect(receipt).to.equal("Event processed");
    }
    expect(server.requests.map(({ path }) => path)).to.deep.equal(
      Array.from({ length: 3 }, () => "/v2/enqueue"),
    );
    const events = server.requests.map((_, index) => server.json(index));
    expect(events.map((one) => one.event_action)).to.deep.equal([
      "trigger",
      "acknowledge",
      "resolve",
    ]);
    expect(new Set(events.map((one) => one.dedup_key))).to.deep.equal(
      new Set(["takumi/mainnet/INC-7"]),
    );
    expect(events[0]).to.deep.equal({
      routing_key: KEY,
      event_action: "trigger",
      dedup_key: "takumi/mainnet/INC-7",
      client: "hardhat-dr",
      payload: {
        summary: "SkillProfile is being drained",
        source: "takumi on mainnet",
        severity: "critical",
        timestamp: "2026-11-20T03:15:00.000Z",
        custom_details: {
          text: "All contracts are paused.\nThe multisig is on its way.",
          key: "takumi/mainnet/INC-7",
        },
      },
      links: [],
    });
  });

  it("learns of changes as such, which wake nobody", async () => {
    await send({
      action: "change",
      links: [{ title: "Report", url: "https://takumi.io/drill" }],
    });
    expect(server.requests[0]!.path).to.equal("/v2/change/enqueue");
    const event = server.json();
    expect(event).to.have.all.keys("routing_key", "payload", "links");
    expect(event.payload).to.not.have.property("severity");
    expect(event.links).to.deep.equal([
      { href: "https://takumi.io/drill", text: "Report" },
    ]);
  });

  it("has four severities of its own", () => {
    const severities = (["critical", "high", "medium", "low"] as const).map(
      (severity) => {
        const { event } = pagerDutyEvent(announcementOf({ severity }), KEY);
        return (event.payload as { readonly severity: string }).severity;
      },
    );
    expect(severities).to.deep.equal(["critical", "error", "warning", "info"]);
  });

  it("gets no more than it takes, and never one key for two incidents", () => {
    const long = "é".repeat(3000);
    const eventOf = (key: string) =>
      pagerDutyEvent(announcementOf({ key, title: `${long}\n${long}` }), KEY)
        .event;
    const [a, b] = [eventOf(`${long}a`), eventOf(`${long}b`)];
    const { summary } = a.payload as { readonly summary: string };
    expect(summary).to.have.length(1024);
    expect(summary).to.not.match(/\n/);
    expect(a.dedup_key).to.have.property("length").that.is.at.most(255);
    expect(a.dedup_key).to.not.equal(b.dedup_key);
    expect(JSON.stringify(a).length).to.be.below(512_000);
  });

  it("refuses a wrong event, and says why without the key", async () => {
    server.otherwise = {
      status: 400,
      body: JSON.stringify({
        status: "invalid event",
        message: "Event object is invalid",
        errors: [`routing_key '${KEY}' is unknown`],
      }),
    };
    const { attempts, error } = await send();
    expect(error!.code).to.equal("NOTIFY_REFUSED");
    expect(attempts).to.equal(1);
    expect(error!.message).to.include("Event object is invalid");
    expect(error!.message).to.not.include(KEY);
  });

  it("is asked again when it has had too much, or fails", async () => {
    server.answers.push({ status: 429 }, { status: 503 });
    expect(await send()).to.include({
      attempts: 3,
      receipt: "Event processed",
    });
    expect(timing.pauses).to.deep.equal([500, 1000]);
  });

  it("is not believed when something else answers", async () => {
    for (const answer of [
      { status: 200, body: "ok" },
      { status: 202, body: "<html>" },
      { status: 202, body: "null" },
      { status: 202, body: '{"status":"queued?"}' },
    ]) {
      server.otherwise = answer;
      const { error } = await send();
      expect(error!.code, answer.body).to.equal("NOTIFY_ANSWER_INVALID");
    }
  });
});
