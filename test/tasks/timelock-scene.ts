import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import { signer } from "../helpers/contracts.js";
import {
  deployTimelock,
  handOver,
  type TimelockOptions,
} from "../helpers/deploy-governance.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "./project.js";

export const MIN_DELAY_SECONDS = 3600;

export interface OperationJson {
  readonly kind: string;
  readonly contract: string;
  readonly id: string;
  readonly status: string;
  readonly readyAt: string | null;
  readonly calls: readonly { readonly label: string }[];
  readonly scheduledBy: string | null;
  readonly run: string | null;
  readonly stranger: boolean;
  readonly salt: string | null;
  readonly endedTx: string | null;
}

export interface TimelockJson {
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly fix: string;
  };
  readonly run: string | null;
  readonly status: string;
  readonly id: Hex;
  readonly salt: Hex;
  readonly tx: Hex | null;
  readonly already: boolean;
  readonly readyAt: string | null;
  readonly timelocks: readonly string[];
  readonly accessManagers: readonly string[];
  readonly operations: readonly OperationJson[];
  readonly operationsProblem?: { readonly code: string };
}

/** The platform under a timelock, and the tasks run on it. */
export interface TimelockTasks {
  readonly hre: HardhatRuntimeEnvironment;
  readonly connection: NetworkConnection;
  readonly platform: Platform;
  readonly timelock: Address;
  run(
    task: string,
    args?: Readonly<Record<string, unknown>>,
  ): Promise<TimelockJson>;
}

export async function openTimelockTasks(
  folder: string,
  {
    holders,
    ...options
  }: Partial<TimelockOptions> & {
    /** Who proposes, cancels and executes; default: the first account proposes, anybody executes. */
    readonly holders?: (connection: NetworkConnection) => Promise<Address>;
  } = {},
): Promise<TimelockTasks> {
  const hre = await openProject(folder);
  const connection = await hre.network.getOrCreate();
  const platform = await deployPlatform(connection);
  const holder = await holders?.(connection);
  const owner = await signer(connection);
  const timelock = await deployTimelock(connection, {
    minDelaySeconds: MIN_DELAY_SECONDS,
    proposers: [holder ?? (owner.address as Address)],
    executors: [holder ?? ZERO_ADDRESS],
    ...options,
  });
  await handOver(connection, platform, timelock);
  await connection.dr.init(platformProxies(platform));
  return {
    hre,
    connection,
    platform,
    timelock,
    run: async (task, args = {}) =>
      (await hre.tasks.getTask(task).run({
        json: true,
        ...(task.endsWith("status") ? {} : { yes: true }),
        ...args,
      })) as TimelockJson,
  };
}
