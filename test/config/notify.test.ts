import { join } from "node:path";

import { expect } from "chai";
import { configVariable } from "hardhat/config";

import { validateDrConfig } from "../../src/config/validate.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { openProject } from "../tasks/project.js";

const SLACK = { url: configVariable("SLACK_WEBHOOK_URL") };
const EMAIL = {
  server: configVariable("SMTP_URL"),
  from: "dr@takumi.io",
  to: ["incidents@takumi.io"],
};

describe("dr.notify and dr.banner", () => {
  const folder = useTemporaryFolder();

  it("take what they are described to take", () => {
    const problems = validateDrConfig({
      notify: {
        slack: SLACK,
        pagerduty: {
          routingKey: configVariable("PAGERDUTY_KEY"),
          url: "https://events.eu.pagerduty.com",
        },
        email: { ...EMAIL, caFile: "ca.pem", allowPlain: true },
        webhook: { url: SLACK.url, secret: configVariable("SECRET") },
        routes: { critical: ["slack"], change: [] },
        recoveries: { pause: ["begun", "failed"], upgrade: [] },
        developmentChains: true,
        timeoutSeconds: 5,
      },
      banner: {
        network: "mainnet",
        file: "public/banner.json",
        upload: {
          url: configVariable("BANNER_URL"),
          headers: { authorization: configVariable("BANNER_TOKEN") },
        },
        message: "We are looking into it.",
      },
    });
    expect(problems).to.deep.equal([]);
  });

  it("say where what is wrong", () => {
    const wrong: readonly [section: object, at: string][] = [
      [{ slack: {} }, "slack.url"],
      [{ slack: "https://hooks.slack.com" }, "slack.url"],
      [{ slack: { ...SLACK, channel: "#a" } }, "slack.channel"],
      [{ pagerduty: {} }, "pagerduty.routingKey"],
      [
        { pagerduty: { routingKey: "k", url: "http://events.pagerduty.com" } },
        "pagerduty.url",
      ],
      [{ email: { ...EMAIL, to: [] } }, "email.to"],
      [{ email: { ...EMAIL, to: ["a@b.c\r\nBcc: d@e.f"] } }, "email.to"],
      [{ email: { ...EMAIL, from: "DR <dr@takumi.io>" } }, "email.from"],
      [{ email: { from: EMAIL.from, to: EMAIL.to } }, "email.server"],
      [{ webhook: { url: "https://takumi.io" } }, "webhook.secret"],
      [{ routes: { critical: ["pager"] } }, "routes.critical"],
      [{ routes: { urgent: [] } }, "routes.urgent"],
      [{ recoveries: { pause: ["started"] } }, "recoveries.pause"],
      [{ recoveries: { "safe-execute": [] } }, "recoveries.safe-execute"],
      [{ timeoutSeconds: 0 }, "timeoutSeconds"],
    ];
    for (const [section, at] of wrong) {
      const paths = validateDrConfig({ notify: section }).map(({ path }) =>
        path.join("."),
      );
      expect(paths, at).to.include(`dr.notify.${at}`);
    }
    const banner = validateDrConfig({ banner: { upload: { headers: {} } } });
    expect(banner.map(({ path }) => path.join("."))).to.deep.equal([
      "dr.banner.network",
      "dr.banner.file",
      "dr.banner.upload.url",
    ]);
  });

  it("have their defaults, and read variables only when they are needed", async () => {
    const { config } = await openProject(folder.path, {
      dr: {
        notify: { slack: SLACK, email: { ...EMAIL, caFile: "ca.pem" } },
        banner: { network: "mainnet", file: "public/banner.json" },
      },
    });
    const { notify, banner } = config.dr;
    expect(notify).to.include({ developmentChains: false, timeoutSeconds: 10 });
    expect(notify.email).to.include({
      caFile: join(folder.path, "ca.pem"),
      allowPlain: false,
    });
    expect(notify.routes.critical).to.include.members([
      "slack",
      "pagerduty",
      "email",
    ]);
    expect(notify.recoveries.emergency).to.deep.equal([
      "begun",
      "waiting",
      "done",
      "failed",
    ]);
    expect(banner).to.deep.equal({
      network: "mainnet",
      file: join(folder.path, "public/banner.json"),
    });
  });
});
