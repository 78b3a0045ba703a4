import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { writeProject } from "./project.js";

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("the command line", function () {
  this.timeout(240_000);
  const folder = useTemporaryFolder();
  let anvil: Anvil;
  let connection: NetworkConnection;

  before(function () {
    requireAnvil(this);
  });

  beforeEach(async () => {
    anvil = await startAnvil();
    await writeProject(folder.path, anvil.url);
    connection = await connectTo(anvil.url);
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    const deployments = join(folder.path, "deployments");
    await connection.dr
      .withDeployments(deployments)
      .init(platformProxies(platform));
  });

  afterEach(async () => {
    await connection.close();
    await anvil.stop();
  });

  function start(args: readonly string[]): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
  } {
    const { root } = hre.config.paths;
    const cli = join(root, "node_modules/hardhat/dist/src/cli.js");
    const child = spawn(
      process.execPath,
      [cli, ...args, "--network", "localhost"],
      {
        cwd: folder.path,
        stdio: ["ignore", "pipe", "pipe"],
        env: Object.fromEntries(
          Object.entries(process.env).filter(
            ([name]) => !/^(HARDHAT_|NODE_OPTIONS$)/.test(name),
          ),
        ),
      },
    );
    const printed = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        printed[stream] += text;
      });
    }
    const ended = once(child, "close").then(() => ({
      exitCode: child.exitCode,
      ...printed,
    }));
    return { child, ended };
  }

  const hardhat = async (...args: readonly string[]): Promise<Ended> =>
    await start(args).ended;

  it("prints one JSON object and nothing else, refuses with 3, is done with 0", async () => {
    const refused = await hardhat("dr:rollback", "--all", "--json");
    expect(refused.exitCode).to.equal(3);
    expect(JSON.parse(refused.stdout)).to.have.nested.property(
      "error.code",
      "NO_TERMINAL",
    );
    const done = await hardhat("dr:rollback", "--all", "--yes", "--json");
    expect(done.stderr).to.include("Roll back");
    expect(done.exitCode).to.equal(0);
    expect(JSON.parse(done.stdout)).to.deep.include({ status: "done" });
    const again = await hardhat("dr:rollback", "--all", "--yes");
    expect(again.exitCode).to.equal(3);
    expect(again.stdout).to.equal("");
    expect(again.stderr).to.include("NO_PREVIOUS_IMPLEMENTATION");
  });

  it("stops at a safe point on Ctrl-C and sends nothing twice", async () => {
    await connection.provider.request({
      method: "evm_setAutomine",
      params: [false],
    });
    const call = ["dr:pause", "SkillProfile", "--yes"];
    const { child, ended } = start(call);
    const pending = async (): Promise<number> => {
      const { pending: count } = (await connection.provider.request({
        method: "txpool_status",
        params: [],
      })) as { pending: string };
      return Number(count);
    };
    while ((await pending()) === 0 && child.exitCode === null) {
      await sleep(50);
    }
    child.kill("SIGINT");
    const interrupted = await ended;
    expect(interrupted.exitCode).to.equal(5);
    expect(interrupted.stderr).to.include("dr:resume");
    expect(await pending()).to.equal(1);
    await connection.provider.request({
      method: "evm_setAutomine",
      params: [true],
    });
    await connection.provider.request({ method: "evm_mine", params: [] });
    const before = await connection.ethers.provider.getBlockNumber();
    const resumed = await hardhat("dr:resume", "--yes", "--json");
    expect(resumed.exitCode).to.equal(0);
    expect(JSON.parse(resumed.stdout)).to.include({ status: "done" });
    expect(await connection.ethers.provider.getBlockNumber()).to.equal(before);
  });
});
