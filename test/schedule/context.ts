import { join } from "node:path";

import type { DrUserConfig } from "../../src/config/types.js";
import type { ScheduleContext } from "../../src/schedule/context.js";
import { findNeeded } from "../../src/schedule/environment.js";

/** A project with everything that a schedule may need. */
export const EVERYTHING: DrUserConfig = {
  database: {
    url: variable("DATABASE_URL"),
    verify: { url: variable("TRIAL_DATABASE_URL") },
  },
  encryption: { keyFile: "/etc/takumi/backup-encryption.key" },
  signing: { keyFile: "keys/signing.pem" },
  offsite: {
    targets: [
      { kind: "s3", bucket: "takumi" },
      { kind: "gcs", bucket: "takumi" },
      { kind: "azure", account: "takumi", container: "backups" },
    ],
  },
};

export function variable(name: string) {
  return { _type: "ConfigurationVariable", name } as const;
}

export function contextOf(
  dr: DrUserConfig = EVERYTHING,
  changes: Partial<ScheduleContext> = {},
  environment: Readonly<Record<string, string>> = {},
): ScheduleContext {
  const root = changes.root ?? "/srv/takumi";
  return {
    project: "Takumi.Platform",
    root,
    paths: { backups: join(root, "backups"), logs: join(root, "logs") },
    network: "mainnet",
    user: "root",
    programFolders: ["/opt/node/bin"],
    image: "registry.example.org/takumi:1.0",
    needed: findNeeded({ dr }, root, environment),
    ...changes,
  };
}
