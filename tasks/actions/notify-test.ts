import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { ChannelName } from "../../src/config/notify-names.js";
import type { NotifyConfig } from "../../src/config/types.js";
import type { Announcement } from "../../src/core/announcement.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  deliveryToJson,
  formatDeliveries,
} from "../../src/display/notifications.js";
import type { Delivery } from "../../src/notify/deliver.js";
import { configuredChannels } from "../../src/notify/open-channel.js";
import { announce } from "./announce.js";
import { requireConsentPossible, requireYes } from "./apply.js";
import { runTask } from "./output.js";

interface NotifyTestArguments {
  readonly channels: readonly string[];
  readonly page: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<NotifyTestArguments> = async (args, hre) =>
  await runTask({ json: args.json }, async (output) => {
    const { page, yes } = args;
    const { project, notify } = hre.config.dr;
    const channels = chooseChannels(args.channels, notify);
    if (page) {
      requireConsentPossible({ dryRun: false, yes });
      await requireYes("wake whoever is on call", { yes }, hre);
    }
    // Failures are shown in the table, and need no line of their own.
    const quiet = { progress: () => undefined };
    const test = testAnnouncement(project, page, systemClock.now());
    const sent: Delivery[] = [];
    for (const channel of channels) {
      // In turn: what one loads would count as another's time.
      sent.push(...(await announce(hre, test, quiet, [channel])));
    }
    const settled =
      page && channels.includes("pagerduty")
        ? await announce(hre, { ...test, action: "resolve" }, quiet, [
            "pagerduty",
          ])
        : [];
    const deliveries = [...sent, ...settled];
    output.text(formatDeliveries(deliveries, output.paint));
    const isWell = deliveries.every(({ error }) => error === undefined);
    return {
      json: {
        status: isWell ? "done" : "failed",
        channels: sent.map(deliveryToJson),
        ...(page ? { resolved: settled.map(deliveryToJson) } : {}),
      },
      exitCode: isWell ? EXIT_CODES.done : EXIT_CODES.error,
    };
  });

export default action;

/** @throws {DrError} NOTIFY_NOT_CONFIGURED, OPTION_INVALID. */
function chooseChannels(
  names: readonly string[],
  config: NotifyConfig,
): readonly ChannelName[] {
  const configured = configuredChannels(config);
  if (configured.length === 0) {
    throw new DrError("NOTIFY_NOT_CONFIGURED", {});
  }
  const unknown = names.find((name) => !configured.some((one) => one === name));
  if (unknown !== undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "channels",
      value: unknown,
      expected: `one that is set up: ${configured.join(", ")}`,
    });
  }
  return configured.filter(
    (channel) => names.length === 0 || names.includes(channel),
  );
}

/** To PagerDuty a change, which wakes nobody, unless that is what is tested. */
function testAnnouncement(
  project: string,
  page: boolean,
  at: Date,
): Announcement {
  return {
    key: `notify-test/${project}/${at.toISOString()}`,
    action: page ? "trigger" : "change",
    severity: page ? "critical" : "low",
    title: `Test message of ${project}'s disaster recovery`,
    text: "This is how you would be told of an incident. There is nothing to do.",
    source: project,
    at,
  };
}
