import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { configVariable } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrUserConfig } from "../../src/index.js";
import { formatDeliveries } from "../../src/display/notifications.js";
import { plain } from "../../src/display/text.js";
import { DrError } from "../../src/core/errors.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { stderrOf } from "../helpers/stderr.js";
import { until } from "../helpers/until.js";
import {
  HttpRecorder,
  PAGERDUTY_OK,
  SLACK_OK,
} from "../notify/http-recorder.js";
import { MailRecorder } from "../notify/mail-recorder.js";
import { openManaged, ROLE_DELAY_SECONDS } from "../timelock/managed-scene.js";
import { passTime } from "../timelock/timelock-scene.js";
import { Backups } from "../offsite/backups.js";
import { openProject } from "./project.js";

interface DeliveryJson {
  readonly channel: string;
  readonly status: string;
  readonly milliseconds: number;
  readonly error?: { readonly code: string };
}

interface NotifyJson {
  readonly status?: string;
  readonly channels?: readonly DeliveryJson[];
  readonly resolved?: readonly DeliveryJson[];
  readonly error?: { readonly code: string };
}

describe("telling people", () => {
  const folder = useTemporaryFolder();
  let slack: HttpRecorder;
  let pagerduty: HttpRecorder;
  let webhook: HttpRecorder;
  let hre: HardhatRuntimeEnvironment;
  const { isTTY } = process.stdin;

  beforeEach(async () => {
    slack = await HttpRecorder.start(SLACK_OK);
    pagerduty = await HttpRecorder.start(PAGERDUTY_OK);
    webhook = await HttpRecorder.start({ status: 204 });
  });

  afterEach(async () => {
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
    await Promise.all([slack.stop(), pagerduty.stop(), webhook.stop()]);
  });

  const channels = (): NonNullable<DrUserConfig["notify"]> => ({
    slack: { url: `${slack.url}/services/5ecretWebhookKey` },
    pagerduty: { routingKey: "5ecretRoutingKey", url: pagerduty.url },
    webhook: {
      url: `${webhook.url}/hook`,
      secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
    },
    developmentChains: true,
  });

  async function open(dr: DrUserConfig): Promise<void> {
    await rm(join(folder.path, "artifacts"), { force: true });
    hre = await openProject(folder.path, { dr: { project: "takumi", ...dr } });
  }

  async function run<T = NotifyJson>(
    task: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<T> {
    process.exitCode = undefined;
    return (await hre.tasks.getTask(task).run({ json: true, ...args })) as T;
  }

  const titlesIn = ({ requests }: HttpRecorder): string[] =>
    requests.map(({ body }) => {
      const { blocks } = JSON.parse(body) as {
        readonly blocks: readonly { text: { text: string } }[];
      };
      return blocks[0]!.text.text;
    });
  const logged = async (): Promise<string> =>
    await readFile(join(folder.path, "logs/notifications.ndjson"), "utf8");

  describe("dr:notify:test", () => {
    it("measures each channel to its acknowledgement", async () => {
      const mail = await MailRecorder.start({ hideSTARTTLS: true });
      await open({
        notify: {
          ...channels(),
          email: {
            server: mail.url(),
            from: "dr@takumi.io",
            to: ["incidents@takumi.io"],
            allowPlain: true,
          },
        },
      });
      const result = await run("dr:notify:test");
      await mail.stop();
      expect(process.exitCode).to.equal(0);
      expect(result.status).to.equal("done");
      expect(result.channels!.map(({ channel }) => channel)).to.deep.equal([
        "slack",
        "pagerduty",
        "email",
        "webhook",
      ]);
      for (const { status, milliseconds } of result.channels!) {
        expect(status).to.equal("delivered");
        expect(milliseconds).to.be.a("number").above(0);
      }
      expect(titlesIn(slack)).to.deep.equal([
        "Test message of takumi's disaster recovery",
      ]);
      // Nobody is woken.
      expect(pagerduty.requests[0]!.path).to.equal("/v2/change/enqueue");
      expect(mail.mails[0]!.to).to.deep.equal(["incidents@takumi.io"]);
      expect((await logged()).split("\n")).to.have.length(5);
    });

    it("tests those that are named", async () => {
      await open({ notify: channels() });
      const { channels: tested } = await run("dr:notify:test", {
        channels: ["webhook", "slack"],
      });
      expect(tested!.map(({ channel }) => channel)).to.deep.equal([
        "slack",
        "webhook",
      ]);
      expect(pagerduty.requests).to.deep.equal([]);
    });

    it("fails when one fails, and tests the others all the same", async () => {
      slack.otherwise = { status: 403, body: "invalid_token" };
      await open({ notify: channels() });
      const result = await run("dr:notify:test");
      expect(process.exitCode).to.equal(1);
      expect(result.status).to.equal("failed");
      expect(result.channels![0]).to.have.nested.property(
        "error.code",
        "NOTIFY_REFUSED",
      );
      expect(
        result.channels!.slice(1).map(({ status }) => status),
      ).to.deep.equal(["delivered", "delivered"]);
      expect(JSON.stringify(result) + (await logged())).to.not.include(
        "5ecret",
      );
    });

    it("wakes whoever is on call, and says that it was a test, if told to", async () => {
      await open({ notify: channels() });
      const result = await run("dr:notify:test", { page: true, yes: true });
      const events = pagerduty.requests.map((_, index) =>
        pagerduty.json(index),
      );
      expect(events.map((one) => one.event_action)).to.deep.equal([
        "trigger",
        "resolve",
      ]);
      expect(events[0]!.dedup_key).to.equal(events[1]!.dedup_key);
      expect(slack.requests).to.have.length(1);
      expect(result.resolved).to.have.length(1);
    });

    it("asks before it wakes anybody", async () => {
      process.stdin.isTTY = false;
      await open({ notify: channels() });
      const { error } = await run("dr:notify:test", { page: true });
      expect(error!.code).to.equal("NO_TERMINAL");
      expect(process.exitCode).to.equal(3);
      expect(slack.requests).to.deep.equal([]);
    });

    it("knows no channel that isn't set up, and says where none is", async () => {
      await open({ notify: { slack: channels().slack! } });
      for (const name of ["pagerduty", "telegram"]) {
        const { error } = await run("dr:notify:test", { channels: [name] });
        expect(error!.code).to.equal("OPTION_INVALID");
      }
      await open({});
      const { error } = await run("dr:notify:test");
      expect(error!.code).to.equal("NOTIFY_NOT_CONFIGURED");
      expect(process.exitCode).to.equal(3);
    });

    it("says which variable isn't set", async () => {
      await open({
        notify: { slack: { url: configVariable("DR_UNSET_SLACK") } },
      });
      const { channels: tested } = await run("dr:notify:test");
      expect(tested![0]!.error!.code).to.equal("NOTIFY_SETTING_INVALID");
      expect(JSON.stringify(tested)).to.include("DR_UNSET_SLACK");
    });

    it("shows a table", () => {
      const delivery = { address: "host", attempts: 1 } as const;
      const text = formatDeliveries(
        [
          { ...delivery, channel: "slack", milliseconds: 123, receipt: "ok" },
          {
            ...delivery,
            channel: "email",
            milliseconds: 20_000,
            error: new DrError("NOTIFY_TIMEOUT", {
              channel: "email",
              seconds: 8,
            }),
          },
        ],
        plain,
      );
      expect(text).to.match(/slack .*host .*ok .*1 .*123 ms .*ok/);
      expect(text).to.match(/email .*failed .*20\.0 s .*NOTIFY_TIMEOUT/);
      expect(text).to.include("dr:notify:test email");
    });
  });

  describe("of a replication", () => {
    let backups: Backups;

    async function openOffsite(dr: DrUserConfig = {}): Promise<void> {
      await open({
        notify: { slack: channels().slack!, pagerduty: channels().pagerduty! },
        encryption: { keyFile: "backup.key" },
        offsite: { targets: [{ kind: "fs", directory: "disk" }] },
        ...dr,
      });
    }

    beforeEach(async () => {
      await mkdir(join(folder.path, "disk"));
      await openOffsite();
      backups = await Backups.create(folder.path);
      await backups.make("database");
    });

    it("says that it is completed", async () => {
      await run("dr:offsite:replicate", { yes: true });
      expect(process.exitCode).to.equal(0);
      expect(titlesIn(slack)).to.deep.equal([
        "✅ Offsite replication completed: All backups replicated to fs",
      ]);
      expect(pagerduty.json().event_action).to.equal("resolve");
    });

    it("says that it has failed, and why", async () => {
      await rm(join(folder.path, "disk"), { recursive: true });
      await run("dr:offsite:replicate", { yes: true });
      expect(process.exitCode).to.equal(5);
      expect(titlesIn(slack)[0]).to.match(
        /^❌ Offsite replication failed: disk: /,
      );
    });

    it("says so too when it never began", async () => {
      await rm(join(folder.path, "backup.key"));
      const { error } = await run("dr:offsite:replicate", { yes: true });
      expect(error!.code).to.equal("KEY_FILE_UNREADABLE");
      expect(titlesIn(slack)[0]).to.match(/^❌ Offsite replication failed: /);
    });

    it("says nothing of a dry run, of a no, and of a slip of the pen", async () => {
      await run("dr:offsite:replicate", { dryRun: true });
      process.stdin.isTTY = false;
      await run("dr:offsite:replicate");
      await run("dr:offsite:replicate", { yes: true, target: "desk" });
      expect(slack.requests).to.deep.equal([]);
    });

    it("isn't failed by a channel that fails", async () => {
      slack.otherwise = { status: 404, body: "no_service" };
      const told = await stderrOf(async () => {
        const result = await run("dr:offsite:replicate", { yes: true });
        expect(result.status).to.equal("SUCCESS");
      });
      expect(process.exitCode).to.equal(0);
      expect(told).to.include("no_service");
    });

    it("says how a restore test ended", async () => {
      await rm(join(folder.path, "disk"), { recursive: true });
      await run("dr:offsite:test", { only: "contracts" });
      expect(titlesIn(slack)).to.have.length(1);
      expect(titlesIn(slack)[0]).to.match(/^❌ /);
    });

    it("says it after dr:backup too", async () => {
      await mkdir(join(folder.path, "uploads"));
      await writeFile(join(folder.path, "uploads/a"), "a");
      await openOffsite({ files: ["uploads"], backup: { offsite: true } });
      await run("dr:backup", { only: "files" });
      expect(titlesIn(slack)).to.deep.equal([
        "✅ Offsite replication completed: All backups replicated to fs",
      ]);
    });
  });

  describe("of a run", () => {
    let connection: NetworkConnection;

    async function openPlatform(dr: DrUserConfig): Promise<void> {
      await open(dr);
      connection = await hre.network.getOrCreate();
      const platform = await deployPlatform(connection);
      await breakPlatform(connection, platform);
      await connection.dr.init(platformProxies(platform));
    }

    it("says that it has begun and that it is done", async () => {
      await openPlatform({ notify: channels() });
      const { run: id } = await run<{ readonly run: string }>("dr:pause", {
        all: true,
        yes: true,
      });
      const names = "SkillProfile, Endorsement, SkillClaim";
      const network = connection.networkName;
      expect(titlesIn(slack)).to.have.members([
        `▶️ Pause of ${names} on ${network} has begun`,
        `✅ Pause of ${names} on ${network} is done`,
      ]);
      const ids = webhook.requests.map(({ body }) => {
        const { data } = JSON.parse(body) as { readonly data: { key: string } };
        return data.key;
      });
      const key = `takumi/${network}/${id}`;
      expect(ids).to.deep.equal([key, key]);
    });

    it("says of a rollback only what is configured", async () => {
      const { slack: only } = channels();
      await openPlatform({
        notify: {
          slack: only!,
          developmentChains: true,
          recoveries: { rollback: ["done"], pause: [] },
        },
      });
      await run("dr:pause", { names: ["SkillClaim"], yes: true });
      await run("dr:rollback", { all: true, yes: true });
      expect(titlesIn(slack)).to.have.length(1);
      expect(titlesIn(slack)[0]).to.match(/^✅ Rollback of .* is done$/);
    });

    it("says nothing of dry runs, refusals and development chains", async () => {
      await openPlatform({ notify: channels() });
      await run("dr:pause", { all: true, dryRun: true });
      await run("dr:pause", { names: ["Nobody"], yes: true });
      expect(slack.requests).to.deep.equal([]);
      hre.config.dr = {
        ...hre.config.dr,
        notify: { ...hre.config.dr.notify, developmentChains: false },
      };
      await run("dr:pause", { all: true, yes: true });
      expect(slack.requests).to.deep.equal([]);
    });

    it("wakes somebody when it fails, until dr:resume has ended it", async () => {
      let healthy = false;
      await openPlatform({
        notify: channels(),
        verify: { SkillProfile: () => healthy },
      });
      const call = { names: ["SkillProfile"], yes: true };
      await run("dr:rollback", call);
      expect(process.exitCode).to.equal(5);
      expect(titlesIn(slack)).to.include(
        `❌ Rollback of SkillProfile on ${connection.networkName} has failed`,
      );
      const before = pagerduty.requests.length;
      process.stdin.isTTY = false;
      await run("dr:resume");
      expect(pagerduty.requests).to.have.length(before);
      healthy = true;
      await run("dr:resume", { yes: true });
      const alerts = pagerduty.requests
        .map((_, index) => pagerduty.json(index))
        .filter(({ event_action }) => event_action !== undefined);
      expect(alerts.map((one) => one.event_action)).to.deep.equal([
        "trigger",
        "resolve",
      ]);
      expect(alerts[0]!.dedup_key).to.equal(alerts[1]!.dedup_key);
    });

    it("says that it is waiting; the banner changes when the chain does", async () => {
      await open({
        notify: channels(),
        banner: { network: "default", file: "banner.json" },
      });
      connection = await hre.network.getOrCreate();
      const { target, member } = await openManaged(connection);
      await connection.dr.init({ Managed: target });
      const status = async () => {
        const text = await readFile(join(folder.path, "banner.json"), "utf8");
        return (JSON.parse(text) as { readonly status: string }).status;
      };
      const from = member.address;
      await run("dr:pause", { names: ["Managed"], yes: true, from });
      expect(process.exitCode).to.equal(4);
      expect(titlesIn(slack)).to.include(
        `⏳ Pause of Managed on ${connection.networkName} is waiting`,
      );
      expect(await status()).to.equal("operational");
      await passTime(connection, ROLE_DELAY_SECONDS);
      await run("dr:resume", { yes: true, from });
      expect(titlesIn(slack)).to.include(
        `✅ Pause of Managed on ${connection.networkName} is done`,
      );
      expect(await status()).to.equal("paused");
    });

    it("keeps neither the run nor its result waiting for a dead channel", async () => {
      slack.otherwise = "silence";
      await openPlatform({ notify: channels() });
      const { write } = process.stdout;
      const written: string[] = [];
      process.stdout.write = (text) => written.push(String(text)) > 0;
      try {
        const running = run("dr:pause", { all: true, yes: true });
        await until(() => written.join("").includes('"status":"done"'));
        // Slack still hasn't answered: else it would have been asked again.
        expect(slack.requests.length).to.be.at.most(2);
        await slack.received(2);
        slack.release(SLACK_OK);
        await running;
      } finally {
        process.stdout.write = write;
      }
      expect(process.exitCode).to.equal(0);
    });

    it("isn't changed by channels that all fail", async () => {
      const dead = { status: 400, body: "no" };
      [slack.otherwise, pagerduty.otherwise, webhook.otherwise] = [
        dead,
        dead,
        dead,
      ];
      // Nor by a log that can't be written.
      await mkdir(join(folder.path, "logs/notifications.ndjson"), {
        recursive: true,
      });
      await openPlatform({ notify: channels() });
      const told = await stderrOf(async () => {
        const { status } = await run("dr:pause", { all: true, yes: true });
        expect(status).to.equal("done");
      });
      expect(process.exitCode).to.equal(0);
      expect(told).to.include("notifications.ndjson");
      expect(told).to.not.include("5ecret");
    });

    describe("in the banner", () => {
      let file: string;

      const banner = async () =>
        JSON.parse(await readFile(file, "utf8")) as {
          readonly status: string;
          readonly paused: readonly { readonly contract: string }[];
        };

      beforeEach(async () => {
        file = join(folder.path, "public/banner.json");
        await openPlatform({
          banner: { network: "default", file: "public/banner.json" },
        });
      });

      it("stands what is paused, whoever paused it", async () => {
        await run("dr:pause", { names: ["SkillClaim"], yes: true });
        expect((await banner()).paused).to.have.length(1);
        await run("dr:pause", { all: true, yes: true });
        expect(await banner()).to.include({ status: "paused" });
        expect((await banner()).paused).to.have.length(3);
        await run("dr:rollback", { names: ["SkillProfile"], yes: true });
        await run("dr:unpause", { all: true, yes: true });
        expect(await banner()).to.deep.include({
          status: "operational",
          paused: [],
        });
      });

      it("stands what a rollback leaves paused", async () => {
        await run("dr:rollback", { all: true, yes: true, keepPaused: true });
        expect((await banner()).status).to.equal("paused");
      });

      it("is mended by the next pause, though there is nothing left to do", async () => {
        await mkdir(file, { recursive: true });
        const told = await stderrOf(async () => {
          const { status } = await run("dr:pause", { all: true, yes: true });
          expect(status).to.equal("done");
        });
        expect(process.exitCode).to.equal(0);
        expect(told).to.include(file);
        await rm(file, { recursive: true });
        await run("dr:pause", { all: true, yes: true });
        expect((await banner()).status).to.equal("paused");
      });
    });

    it("leaves the banner of another network alone", async () => {
      await openPlatform({
        banner: { network: "mainnet", file: "banner.json" },
      });
      await run("dr:pause", { all: true, yes: true });
      const reading = readFile(join(folder.path, "banner.json"));
      expect(await reading.catch((error: unknown) => error)).to.have.property(
        "code",
        "ENOENT",
      );
    });
  });

  it("of an incident, wakes whoever is on call under the incident's key", async () => {
    await open({ notify: channels() });
    await run("dr:incident:open", { title: "Drained", severity: "critical" });
    await run("dr:incident:ack");
    await run("dr:incident:close", { resolution: "Rolled back." });
    const events = pagerduty.requests.map((_, index) => pagerduty.json(index));
    expect(events.map((one) => one.event_action)).to.deep.equal([
      "trigger",
      "acknowledge",
      "resolve",
    ]);
    expect(new Set(events.map((one) => one.dedup_key)).size).to.equal(1);
  });
});
