import { NOTIFY_CHANNELS, type ChannelName } from "../config/notify-names.js";
import type { NotifyConfig, Secret } from "../config/types.js";
import { DrError, messageOf } from "../core/errors.js";
import type { Channel } from "./channel.js";
import { openPagerDuty } from "./pagerduty.js";
import { openSlack } from "./slack.js";
import { openWebhook } from "./webhook.js";

/** Those that are set up, in the order in which they are named. */
export function configuredChannels(config: NotifyConfig): ChannelName[] {
  return NOTIFY_CHANNELS.filter((name) => config[name] !== undefined);
}

/**
 * A channel, with its secrets, which are read here.
 *
 * @throws {DrError} NOTIFY_NOT_CONFIGURED, NOTIFY_SETTING_INVALID, NOTIFY_PACKAGE_MISSING.
 */
export async function openChannel(
  name: ChannelName,
  { slack, pagerduty, email, webhook }: NotifyConfig,
): Promise<Channel> {
  const read = async (key: string, secret: Secret): Promise<string> =>
    await readSecret(name, `dr.notify.${name}.${key}`, secret);
  switch (name) {
    case "slack":
      return openSlack(await read("url", required(slack).url));
    case "pagerduty": {
      const { routingKey, url } = required(pagerduty);
      return openPagerDuty(await read("routingKey", routingKey), url);
    }
    case "email": {
      // Loaded here: the others need nothing of it.
      const { openEmail } = await import("./email.js");
      const settings = required(email);
      return await openEmail(settings, await read("server", settings.server));
    }
    case "webhook": {
      const { url, secret } = required(webhook);
      return openWebhook(await read("url", url), await read("secret", secret));
    }
  }
}

function required<T>(section: T | undefined): T {
  if (section === undefined) {
    throw new DrError("NOTIFY_NOT_CONFIGURED", {});
  }
  return section;
}

/**
 * A secret, when it is needed: the variable may not be set.
 *
 * @throws {DrError} NOTIFY_SETTING_INVALID.
 */
export async function readSecret(
  channel: ChannelName | "banner",
  setting: string,
  secret: Secret,
): Promise<string> {
  let text: string;
  try {
    text = (await secret.get()).trim();
  } catch (error) {
    const reason = messageOf(error).replace(/\.$/, "");
    throw new DrError("NOTIFY_SETTING_INVALID", { channel, setting, reason });
  }
  if (text === "") {
    const reason = "it is empty";
    throw new DrError("NOTIFY_SETTING_INVALID", { channel, setting, reason });
  }
  return text;
}
