import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { Address } from "../../src/core/hex.js";
import { createProposal, writeProposal } from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  findCast,
  requireAnvil,
  requireCast,
  startAnvil,
  type Anvil,
} from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { deploySafe, handOver } from "../helpers/deploy-governance.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import { addresses, AT } from "../safe/sign.js";
import { writeProject } from "./project.js";

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
}

describe("a Safe on anvil", function () {
  this.timeout(240_000);
  const folder = useTemporaryFolder();
  let anvil: Anvil;
  let connection: NetworkConnection;
  let platform: Platform;
  let owners: Address[];
  let safe: Address;

  before(function () {
    requireAnvil(this);
    requireCast(this);
  });

  beforeEach(async () => {
    anvil = await startAnvil();
    await writeProject(folder.path, anvil.url);
    connection = await connectTo(anvil.url);
    platform = await deployPlatform(connection);
    owners = await addresses(connection, 1, 2, 3, 4, 5);
    safe = await deploySafe(connection, {
      owners,
      threshold: 3,
      version: "1.4.1",
    });
    await handOver(connection, platform, safe);
    await connection.dr
      .withDeployments(join(folder.path, "deployments"))
      .init(platformProxies(platform));
  });

  afterEach(async () => {
    await connection.close();
    await anvil.stop();
  });

  function start(...args: readonly string[]): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
  } {
    const { root } = hre.config.paths;
    const cli = join(root, "node_modules/hardhat/dist/src/cli.js");
    const child = spawn(
      process.execPath,
      [cli, ...args, "--yes", "--json", "--network", "localhost"],
      {
        cwd: folder.path,
        stdio: ["ignore", "pipe", "ignore"],
        env: Object.fromEntries(
          Object.entries(process.env).filter(
            ([name]) => !/^(HARDHAT_|NODE_OPTIONS$)/.test(name),
          ),
        ),
      },
    );
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const ended = once(child, "close").then(() => ({
      exitCode: child.exitCode,
      stdout,
    }));
    return { child, ended };
  }

  async function cast(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(findCast()!, [
      ...args,
      "--rpc-url",
      anvil.url,
    ]);
    return stdout.trim();
  }

  it("executes once, though it was killed while the transaction was out", async () => {
    const proposal = createProposal({
      chainId: 31337,
      safe,
      safeVersion: "1.4.1",
      transaction: sampleTransaction({ to: platform.skillProfile }),
      block: 0,
      proposedAt: AT,
      contracts: [],
    });
    const network = join(folder.path, "deployments/localhost");
    await writeProposal(
      { folder: network, sealing: createSealing(undefined) },
      proposal,
    );
    const { safeTxHash } = proposal;
    const { to, value, data } = proposal.transaction;
    const zero = `0x${"00".repeat(20)}`;
    expect(
      await cast(
        "call",
        safe,
        "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)(bytes32)",
        to,
        value.toString(),
        data,
        "0",
        "0",
        "0",
        "0",
        zero,
        zero,
        "0",
      ),
    ).to.equal(safeTxHash);

    for (const from of owners.slice(0, 3)) {
      const { exitCode, stdout } = await start(
        "dr:safe:sign",
        safeTxHash,
        "--from",
        from,
      ).ended;
      expect(exitCode, stdout).to.equal(0);
    }

    const sender = (await addresses(connection, 0))[0]!;
    const before = Number(await cast("nonce", sender));
    await connection.provider.request({
      method: "evm_setAutomine",
      params: [false],
    });
    const { child, ended } = start("dr:safe:execute", safeTxHash);
    while (
      (await cast("rpc", "txpool_status")).includes('"pending":"0x0"') &&
      child.exitCode === null
    ) {
      await sleep(50);
    }
    child.kill("SIGKILL");
    await ended;
    await connection.provider.request({
      method: "evm_setAutomine",
      params: [true],
    });
    await connection.provider.request({ method: "evm_mine", params: [] });

    const resumed = await start("dr:resume").ended;
    expect(resumed.exitCode).to.equal(0);
    expect(
      await cast("call", platform.skillProfile, "paused()(bool)"),
    ).to.equal("true");
    expect(await cast("call", safe, "nonce()(uint256)")).to.equal("1");
    expect(Number(await cast("nonce", sender))).to.equal(before + 1);
  });
});
