import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { resolveDrConfig } from "../../src/config/resolve.js";
import type {
  NotifyConfig,
  NotifyUserConfig,
  Secret,
} from "../../src/config/types.js";
import type { Announcement } from "../../src/core/announcement.js";
import { SEVERITIES } from "../../src/core/severity.js";
import { drillAnnouncement } from "../../src/notify/drill-announcement.js";
import { deliver } from "../../src/notify/deliver.js";
import { logDeliveries } from "../../src/notify/delivery-log.js";
import { notify } from "../../src/notify/notify.js";
import { openChannel } from "../../src/notify/open-channel.js";
import { replicationAnnouncement } from "../../src/notify/replication-announcement.js";
import { channelsFor } from "../../src/notify/routing.js";
import { runAnnouncement } from "../../src/notify/run-announcement.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { announcementOf } from "./announcements.js";
import { FakeTiming, NOW } from "./fake-timing.js";
import { HttpRecorder, PAGERDUTY_OK, SLACK_OK } from "./http-recorder.js";

const secret = (text: string): Secret => ({
  get: async () => await Promise.resolve(text),
});

function configOf(notify: NotifyUserConfig): NotifyConfig {
  return resolveDrConfig(
    { notify },
    "/srv/takumi",
    (value) => secret(value as string) as never,
    {},
  ).notify;
}

const EVERYTHING: NotifyUserConfig = {
  slack: { url: "https://hooks.slack.example/services/5ecret" },
  pagerduty: { routingKey: "5ecret" },
  email: {
    server: "smtps://mail.takumi.io",
    from: "dr@takumi.io",
    to: ["incidents@takumi.io"],
  },
  webhook: { url: "https://takumi.io/hook", secret: "whsec_5ecret" },
};

describe("who is told", () => {
  const told = (changes: Partial<Announcement>, config = EVERYTHING) =>
    channelsFor(announcementOf(changes), configOf(config));

  it("is everybody when it is critical, and fewer when it is less", () => {
    const routes = SEVERITIES.map((severity) => told({ severity }));
    expect(routes).to.deep.equal([
      ["slack", "pagerduty", "email", "webhook"],
      ["slack", "pagerduty", "email", "webhook"],
      ["slack", "email", "webhook"],
      ["slack", "webhook"],
    ]);
  });

  it("gets no mail of a mere change, however critical", () => {
    const channels = told({ action: "change", severity: "critical" });
    expect(channels).to.deep.equal(["slack", "pagerduty", "webhook"]);
  });

  it("always has PagerDuty learn that it is over, or in somebody's hands", () => {
    for (const action of ["acknowledge", "resolve"] as const) {
      expect(told({ action, severity: "low" })).to.include("pagerduty");
    }
  });

  it("is as configured, among those that are set up", () => {
    const routes = { critical: ["email", "slack"], low: [] } as const;
    const { slack, webhook } = EVERYTHING;
    const config = { slack: slack!, webhook: webhook!, routes };
    expect(told({ severity: "critical" }, config)).to.deep.equal(["slack"]);
    expect(told({ severity: "low" }, config)).to.deep.equal([]);
    expect(told({ severity: "medium" }, config)).to.deep.equal([
      "slack",
      "webhook",
    ]);
    expect(told({ severity: "critical" }, {})).to.deep.equal([]);
  });
});

describe("telling people", () => {
  const folder = useTemporaryFolder();
  let slack: HttpRecorder;
  let pagerduty: HttpRecorder;
  let timing: FakeTiming;

  beforeEach(async () => {
    slack = await HttpRecorder.start(SLACK_OK);
    pagerduty = await HttpRecorder.start(PAGERDUTY_OK);
    timing = new FakeTiming();
  });

  afterEach(async () => {
    await slack.stop();
    await pagerduty.stop();
  });

  const both = (): NotifyUserConfig => ({
    slack: { url: `${slack.url}/services/5ecretWebhookKey` },
    pagerduty: { routingKey: "5ecretRoutingKey", url: pagerduty.url },
  });

  it("reaches the others when one channel is dead", async () => {
    slack.otherwise = { status: 500 };
    const [first, second] = await notify(
      { config: configOf(both()), timing },
      announcementOf(),
    );
    expect(first!.error!.code).to.equal("NOTIFY_BUSY");
    expect(second).to.include({ channel: "pagerduty", attempts: 1 });
    expect(second!.error).to.equal(undefined);
    expect(pagerduty.requests).to.have.length(1);
  });

  it("reaches the others while one never answers", async () => {
    slack.otherwise = "silence";
    const telling = notify(
      { config: configOf({ ...both(), timeoutSeconds: 5 }), timing },
      announcementOf(),
    );
    await slack.received(1);
    await pagerduty.received(1);
    // What is left of the time is over: of whichever attempt it was.
    timing.expireAll();
    const [first, second] = await telling;
    expect(first!.error!.code).to.equal("NOTIFY_TIMEOUT");
    expect(second!.channel).to.equal("pagerduty");
  });

  it("ends in time when a channel listens to no signal", async () => {
    const delivering = deliver(
      "slack",
      async () =>
        await Promise.resolve({
          name: "slack",
          address: "deaf",
          redact: String,
          send: async () => await new Promise<never>(() => undefined),
        }),
      announcementOf(),
      { timing, limitMs: 1000, id: "msg_1" },
    );
    await Promise.resolve();
    timing.expireAll();
    const { error } = await delivering;
    expect(error!.code).to.equal("NOTIFY_TIMEOUT");
  });

  it("doesn't throw what nobody has thought of, and shows no secret of it", async () => {
    const { error } = await deliver(
      "slack",
      async () =>
        await Promise.resolve({
          name: "slack",
          address: "odd",
          redact: (text) => text.replaceAll("5ecret", "…"),
          send: async () => await Promise.reject(new Error("lost 5ecret")),
        }),
      announcementOf(),
      { timing, limitMs: 1000, id: "msg_1" },
    );
    expect(error!.code).to.equal("NOTIFY_FAILED");
    expect(error!.message).to.not.include("5ecret");
  });

  it("says which variable isn't set", async () => {
    const config = configOf(both());
    const unset: Secret = {
      get: async () => await Promise.reject(new Error("SLACK_URL isn't set.")),
    };
    for (const url of [unset, secret("  ")]) {
      const [delivery] = await notify(
        { config: { ...config, slack: { url } }, timing },
        announcementOf(),
        ["slack"],
      );
      expect(delivery!.error!.code).to.equal("NOTIFY_SETTING_INVALID");
      expect(delivery!.attempts).to.equal(0);
    }
  });

  it("has no channel that isn't set up", async () => {
    const opening = openChannel("slack", configOf({}));
    expect(await opening.catch((error: unknown) => error)).to.have.property(
      "code",
      "NOTIFY_NOT_CONFIGURED",
    );
  });

  it("leaves a line a channel, without secrets", async () => {
    slack.otherwise = { status: 403, body: "5ecretWebhookKey is revoked" };
    const announcement = announcementOf();
    const path = join(folder.path, "logs/notifications.ndjson");
    const config = configOf(both());
    for (let round = 0; round < 2; round += 1) {
      const deliveries = await notify({ config, timing }, announcement);
      await logDeliveries(path, announcement, deliveries);
    }
    const text = await readFile(path, "utf8");
    const lines = text.trimEnd().split("\n");
    expect(lines).to.have.length(4);
    expect(text).to.not.include("5ecret");
    expect(JSON.parse(lines[0]!)).to.deep.equal({
      at: NOW.toISOString(),
      key: "takumi/mainnet/INC-7",
      action: "trigger",
      severity: "critical",
      title: "SkillProfile is being drained",
      source: "takumi on mainnet",
      channel: "slack",
      address: slack.host,
      status: "failed",
      attempts: 1,
      milliseconds: 0,
      error: {
        code: "NOTIFY_REFUSED",
        message: `slack: ${slack.host} refuses the message: HTTP 403, … is revoked.`,
      },
    });
    expect(JSON.parse(lines[1]!)).to.include({
      channel: "pagerduty",
      status: "delivered",
      receipt: "Event processed",
    });
  });

  it("says that its file can't be written", async () => {
    const path = join(folder.path, "notifications.ndjson");
    await mkdir(path);
    const logging = logDeliveries(path, announcementOf(), []);
    expect(await logging.catch((error: unknown) => error)).to.have.property(
      "code",
      "NOT_WRITABLE",
    );
  });
});

describe("what is said", () => {
  it("of a replication, in the platform's words", () => {
    const common = { project: "takumi", at: NOW } as const;
    const done = replicationAnnouncement({
      ...common,
      end: { status: "completed", providers: "s3", report: "r.json" },
    });
    const failed = replicationAnnouncement({
      ...common,
      end: { status: "failed", reason: "bucket: Access Denied" },
    });
    expect(done.title).to.equal(
      "✅ Offsite replication completed: All backups replicated to s3",
    );
    expect(failed.title).to.equal(
      "❌ Offsite replication failed: bucket: Access Denied",
    );
    // The next that succeeds settles the one that failed.
    expect(done.key).to.equal(failed.key);
    expect([failed.action, done.action]).to.deep.equal(["trigger", "resolve"]);
  });

  it("of a run, from its begin to its end, under its own key", () => {
    const news = {
      procedure: "pause",
      project: "takumi",
      network: "mainnet",
      contracts: ["SkillProfile", "Endorsement"],
      run: "20261120-031500-pause-1f0c",
      at: NOW,
    } as const;
    const said = (["begun", "waiting", "failed", "done"] as const).map(
      (stage) => runAnnouncement({ ...news, stage, reason: "Because." }),
    );
    expect(said.map(({ action }) => action)).to.deep.equal([
      "change",
      "change",
      "trigger",
      "resolve",
    ]);
    expect(new Set(said.map(({ key }) => key)).size).to.equal(1);
    expect(said[2]!.title).to.equal(
      "❌ Pause of SkillProfile, Endorsement on mainnet has failed",
    );
    expect(said[2]!.text).to.equal(
      [
        "Because.",
        "Contracts: SkillProfile, Endorsement.",
        "Run: 20261120-031500-pause-1f0c.",
        "Go on with: npx hardhat dr:resume 20261120-031500-pause-1f0c",
      ].join("\n"),
    );
    expect(said[3]!.text).to.not.include("dr:resume");
  });

  it("of a drill, which wakes nobody", () => {
    const news = {
      project: "takumi",
      network: "mainnet",
      drillId: "DR_DRILL_20251126_112822",
      passed: 18,
      made: 20,
      issues: ["profiles isn't as it was."],
      nextDue: "2026-02-24T11:28:22.000Z",
      at: NOW,
    } as const;
    const failed = drillAnnouncement({ ...news, isPassed: false });
    expect(failed).to.include({
      action: "change",
      title: "❌ Drill failed: 18 of 20 checks",
    });
    expect(failed.text).to.include("profiles isn't as it was.");
    const { title } = drillAnnouncement({ ...news, isPassed: true });
    expect(title).to.equal("✅ Drill passed: 18 of 20 checks");
  });

  it("of many contracts, with only the first in the title", () => {
    const contracts = Array.from({ length: 500 }, (_, index) => `C${index}`);
    const { title, text } = runAnnouncement({
      procedure: "upgrade",
      stage: "begun",
      project: "takumi",
      network: "mainnet",
      contracts,
      run: "r",
      at: NOW,
    });
    expect(title).to.include("C4 and 495 more on mainnet");
    expect(text).to.include("C499");
  });
});
