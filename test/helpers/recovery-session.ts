import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrConfig } from "../../src/config/types.js";
import { writeDeployFile } from "../../src/deployments/write.js";
import {
  openSession,
  type Session,
  type SessionOptions,
  type SessionSource,
} from "../../src/session/open-session.js";
import { prepareInit } from "../../src/session/prepare-init.js";
import type { Platform } from "./deploy-platform.js";

/** A connection as sessions see it, with deployments in a folder of the test's. */
export function sessionSource(
  { networkName, networkConfig, provider }: NetworkConnection,
  deployments: string,
  config: Partial<DrConfig> = {},
): SessionSource {
  return {
    networkName,
    networkConfig,
    provider,
    artifacts: hre.artifacts,
    config: {
      ...hre.config.dr,
      ...config,
      paths: {
        ...hre.config.dr.paths,
        backups: join(deployments, "backups"),
        ...config.paths,
        deployments,
      },
    },
    root: hre.config.paths.root,
  };
}

/** Writes deploy.json from the chain, as `dr:init` does. */
export async function initialize(
  source: SessionSource,
  proxies: Readonly<Record<string, string>>,
  options: SessionOptions = {},
): Promise<Session> {
  const session = await openSession(source, options);
  await mkdir(join(source.config.paths.deployments, source.networkName), {
    recursive: true,
  });
  const { plan, target } = await prepareInit(session, {
    contracts: Object.entries(proxies).map(
      ([name, address]) => `${name}=${address}`,
    ),
  });
  await writeDeployFile(target, plan.file);
  return session;
}

export function platformProxies({
  skillProfile,
  endorsement,
  skillClaim,
}: Platform): Readonly<Record<string, string>> {
  return {
    SkillProfile: skillProfile,
    Endorsement: endorsement,
    SkillClaim: skillClaim,
  };
}
