import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { HardhatUserConfig } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { Address, Hex } from "../../src/core/hex.js";
import { createProposal, writeProposal } from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import type { SafeTransaction } from "../../src/safe/transaction.js";
import {
  deploySafe,
  handOver,
  safeArtifact,
  type SafeVersion,
} from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import { addresses, AT } from "../safe/sign.js";
import { openProject } from "./project.js";

/** Where Safe deploys the MultiSendCallOnly of 1.5.0. */
const MULTI_SEND_CALL_ONLY = "0xA83c336B20401Af773B6219BA5027174338D1836";

export interface SignatureCounts {
  readonly count: number;
  readonly missing: readonly Address[];
  readonly invalid: readonly { readonly code: string }[];
  readonly partial: readonly {
    readonly signer: Address;
    readonly count: number;
  }[];
}

export interface SafeTaskJson {
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly fix: string;
  };
  readonly safeTxHash: Hex;
  readonly path: string;
  readonly status: string;
  readonly plan: { readonly notes: readonly string[] };
  readonly run: string;
  readonly tx: Hex | null;
  readonly standing: { readonly status: string };
  readonly signatures: SignatureCounts;
  readonly calls: readonly {
    readonly name?: string;
    readonly method?: string;
    readonly to: Address;
  }[];
  readonly dangers: readonly { readonly id: string }[];
  readonly simulation: {
    readonly status: string;
    readonly changes: readonly string[];
  } | null;
  readonly hashes: Readonly<Record<string, Hex>>;
  readonly proposals: readonly SafeTaskJson[];
}

/** A platform that a 3-of-5 Safe owns, and somebody at a shell. */
export interface SafeScene {
  readonly hre: HardhatRuntimeEnvironment;
  readonly connection: NetworkConnection;
  readonly platform: Platform;
  readonly safe: Address;
  readonly owners: readonly Address[];
  /** `deployments/<network>`. */
  readonly folder: string;
  run(
    task: string,
    args?: Readonly<Record<string, unknown>>,
  ): Promise<SafeTaskJson>;
  /** Signs with as many owners. */
  sign(proposal: string, count: number): Promise<SafeTaskJson>;
  /** A proposal of any transaction, as if somebody had sent its file. */
  propose(changes: Partial<SafeTransaction>): Promise<Hex>;
}

export async function openSafeScene(
  folder: string,
  {
    version = "1.4.1",
    owners: given,
    threshold = 3,
    config = {},
    broken = false,
  }: {
    readonly version?: SafeVersion;
    readonly owners?: (connection: NetworkConnection) => Promise<Address[]>;
    readonly threshold?: number;
    readonly config?: HardhatUserConfig;
    /** Whether a bad upgrade has landed on it. */
    readonly broken?: boolean;
  } = {},
): Promise<SafeScene> {
  const hre = await openProject(folder, config);
  const connection = await hre.network.getOrCreate();
  const { deployedBytecode } = safeArtifact("MultiSendCallOnly") as unknown as {
    readonly deployedBytecode: Hex;
  };
  await connection.provider.request({
    method: "hardhat_setCode",
    params: [MULTI_SEND_CALL_ONLY, deployedBytecode],
  });
  const platform = await deployPlatform(connection);
  if (broken) {
    await breakPlatform(connection, platform);
  }
  const owners = await (given?.(connection) ??
    addresses(connection, 1, 2, 3, 4, 5));
  const safe = await deploySafe(connection, { owners, threshold, version });
  await handOver(connection, platform, safe);
  await connection.dr.init(platformProxies(platform));
  const network = join(folder, "deployments", connection.networkName);
  await nameSafe(join(network, "deploy.json"), safe);

  const run = async (task: string, args = {}) =>
    (await hre.tasks
      .getTask(task)
      .run({ json: true, ...args })) as SafeTaskJson;
  return {
    hre,
    connection,
    platform,
    safe,
    owners,
    folder: network,
    run,
    sign: async (proposal, count) => {
      let last: SafeTaskJson | undefined;
      for (const from of owners.slice(0, count)) {
        last = await run("dr:safe:sign", { proposal, from, yes: true });
      }
      return last!;
    },
    propose: async (changes) => {
      const proposal = createProposal({
        chainId: 31337,
        safe,
        safeVersion: version,
        transaction: sampleTransaction({
          to: platform.skillProfile,
          ...changes,
        }),
        block: 0,
        proposedAt: AT,
        contracts: [],
      });
      await writeProposal(
        { folder: network, sealing: createSealing(undefined) },
        proposal,
      );
      return proposal.safeTxHash;
    },
  };
}

async function nameSafe(path: string, safe: Address): Promise<void> {
  const file = JSON.parse(await readFile(path, "utf8")) as object;
  const named = { ...file, governance: { safe } };
  await writeFile(path, JSON.stringify(named, undefined, 2));
}
