import { resolve } from "node:path";

import type { ConfigurationVariableResolver } from "hardhat/types/config";

import { NOTIFY_CHANNELS, RUN_STAGES } from "./notify-names.js";
import type {
  BannerConfig,
  DrConfig,
  DrUserConfig,
  NotifyConfig,
  NotifyUserConfig,
} from "./types.js";

const TIMEOUT_SECONDS = 10;
const PAGERDUTY = "https://events.pagerduty.com";

/** What wakes somebody is for the worst two; a daily "all is well" isn't worth a mail. */
const ROUTES: NotifyConfig["routes"] = {
  critical: NOTIFY_CHANNELS,
  high: NOTIFY_CHANNELS,
  medium: ["slack", "email", "webhook"],
  low: ["slack", "webhook"],
  change: ["slack", "pagerduty", "webhook"],
};

const RECOVERIES: NotifyConfig["recoveries"] = {
  pause: RUN_STAGES,
  unpause: RUN_STAGES,
  rollback: RUN_STAGES,
  upgrade: RUN_STAGES,
  emergency: RUN_STAGES,
};

/** `dr.notify` and `dr.banner`. */
export function resolveTelling(
  { notify = {}, banner }: DrUserConfig,
  root: string,
  resolveVariable: ConfigurationVariableResolver,
): Pick<DrConfig, "notify" | "banner"> {
  return {
    notify: {
      ...resolveChannels(notify, root, resolveVariable),
      routes: { ...ROUTES, ...notify.routes },
      recoveries: { ...RECOVERIES, ...notify.recoveries },
      developmentChains: notify.developmentChains ?? false,
      timeoutSeconds: notify.timeoutSeconds ?? TIMEOUT_SECONDS,
    },
    ...(banner === undefined
      ? {}
      : { banner: resolveBanner(banner, root, resolveVariable) }),
  };
}

function resolveChannels(
  { slack, pagerduty, email, webhook }: NotifyUserConfig,
  root: string,
  resolveVariable: ConfigurationVariableResolver,
): Pick<NotifyConfig, "slack" | "pagerduty" | "email" | "webhook"> {
  return {
    ...(slack && { slack: { url: resolveVariable(slack.url) } }),
    ...(pagerduty && {
      pagerduty: {
        routingKey: resolveVariable(pagerduty.routingKey),
        url: pagerduty.url ?? PAGERDUTY,
      },
    }),
    ...(email && {
      email: {
        server: resolveVariable(email.server),
        from: email.from,
        to: email.to,
        ...(email.caFile === undefined
          ? {}
          : { caFile: resolve(root, email.caFile) }),
        allowPlain: email.allowPlain ?? false,
      },
    }),
    ...(webhook && {
      webhook: {
        url: resolveVariable(webhook.url),
        secret: resolveVariable(webhook.secret),
      },
    }),
  };
}

function resolveBanner(
  { file, upload, ...banner }: NonNullable<DrUserConfig["banner"]>,
  root: string,
  resolveVariable: ConfigurationVariableResolver,
): BannerConfig {
  const headers = Object.entries(upload?.headers ?? {}).map(
    ([name, value]) => [name, resolveVariable(value)] as const,
  );
  return {
    ...banner,
    file: resolve(root, file),
    ...(upload && {
      upload: {
        url: resolveVariable(upload.url),
        headers: Object.fromEntries(headers),
      },
    }),
  };
}
