import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import type { DeployFile } from "../../src/deployments/deploy-file.js";
import { readDeployFile } from "../../src/deployments/read.js";
import { conductPlan, type ConductedRun } from "../../src/run/conduct.js";
import type { Plan } from "../../src/run/plan.js";
import type { Step } from "../../src/run/step.js";
import {
  createDisasterRecovery,
  type DisasterRecovery,
} from "../../src/session/disaster-recovery.js";
import {
  openSession,
  type Session,
  type SessionOptions,
  type SessionSource,
} from "../../src/session/open-session.js";
import { initialize, sessionSource } from "../helpers/recovery-session.js";

/** A chain of the test's own, and recoveries on it with deployments in its folder. */
export interface Recovery {
  readonly connection: NetworkConnection;
  readonly source: SessionSource;
  readonly dr: DisasterRecovery;
  /** `deployments/<network>` */
  readonly folder: string;
  /** Of deploy.json. */
  readonly path: string;
  file(): Promise<DeployFile>;
  /** Writes deploy.json from the chain. */
  init(proxies: Readonly<Record<string, string>>): Promise<void>;
  /** Changes deploy.json as a person would. */
  edit(change: (text: string) => string): Promise<void>;
  session(options?: SessionOptions): Promise<Session>;
  blockNumber(): Promise<number>;
}

export async function openRecovery(
  deployments: string,
  config: Partial<DrConfig> = {},
  given?: NetworkConnection,
): Promise<Recovery> {
  const connection = given ?? (await hre.network.create());
  const source = sessionSource(connection, deployments, config);
  const folder = join(deployments, connection.networkName);
  const path = join(folder, "deploy.json");
  return {
    connection,
    source,
    dr: createDisasterRecovery(source),
    folder,
    path,
    file: async () => (await readDeployFile(path)).file,
    init: async (proxies) => {
      await initialize(source, proxies);
    },
    edit: async (change) => {
      await writeFile(path, change(await readFile(path, "utf8")));
    },
    session: async (options) => await openSession(source, options),
    blockNumber: async () => await connection.ethers.provider.getBlockNumber(),
  };
}

/** Conducts a plan while things happen in the world, each right before a step. */
export async function conductWith(
  { ports: { folder } }: Session,
  plan: Plan,
  happenings: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<ConductedRun> {
  return await conductPlan(
    { ...plan, steps: plan.steps.map((step) => preceded(step, happenings)) },
    { folder, clock: systemClock, toolVersion: "test" },
  );
}

function preceded(
  step: Step,
  happenings: Readonly<Record<string, () => Promise<unknown>>>,
): Step {
  return {
    ...step,
    check: async (log) => {
      await happenings[step.id]?.();
      return await step.check(log);
    },
    run: async (log) => {
      await step.run(log);
    },
    verify: async () => {
      await step.verify();
    },
  };
}
