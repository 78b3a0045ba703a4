import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatUserConfig } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, read, send, signer } from "../helpers/contracts.js";
import {
  breakPlatform,
  deployPlatform,
  type Implementations,
  type Platform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "./project.js";

interface TaskJson {
  readonly error?: { readonly code: string; readonly message: string };
  readonly run: string | null;
  readonly status: string;
  readonly snapshot?: string;
  readonly contracts: readonly Readonly<Record<string, unknown>>[];
  readonly refused: readonly Readonly<Record<string, unknown>>[];
  readonly runs: readonly { readonly run: string; readonly status: string }[];
}

interface Scene {
  readonly hre: HardhatRuntimeEnvironment;
  readonly connection: NetworkConnection;
  readonly platform: Platform;
  readonly bad: Implementations;
  run(
    task: string,
    args?: Readonly<Record<string, unknown>>,
  ): Promise<TaskJson>;
  blockNumber(): Promise<number>;
}

describe("the tasks of a recovery", () => {
  const folder = useTemporaryFolder();
  const { isTTY } = process.stdin;

  afterEach(() => {
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
  });

  async function brokenPlatform(
    config: HardhatUserConfig = {},
  ): Promise<Scene> {
    const hre = await openProject(folder.path, config);
    const connection = await hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    const bad = await breakPlatform(connection, platform);
    await connection.dr.init(platformProxies(platform));
    return {
      hre,
      connection,
      platform,
      bad,
      run: async (task, args = {}) =>
        (await hre.tasks
          .getTask(task)
          .run({ json: true, ...args })) as TaskJson,
      blockNumber: async () =>
        await connection.ethers.provider.getBlockNumber(),
    };
  }

  /** Somebody at the keyboard, who answers every question so. */
  function answering({ hre }: Scene, answer: string): string[] {
    process.stdin.isTTY = true;
    const asked: string[] = [];
    hre.hooks.registerHandlers("userInterruptions", {
      requestInput: async (_context, _interruptor, question) => {
        asked.push(question);
        return await Promise.resolve(answer);
      },
    });
    return asked;
  }

  it("dr:status tells how things stand", async () => {
    const { run, bad, platform } = await brokenPlatform();
    const status = await run("dr:status", { names: [] });
    expect(status).to.include.keys("network", "chainId", "block");
    expect(status.contracts[0]).to.deep.include({
      name: "SkillProfile",
      proxy: platform.skillProfile,
      kind: "transparent",
      implementation: bad.skillProfile,
      version: "2.0.0",
      paused: false,
      drift: [],
    });
    expect(status.contracts[0]).to.include.keys(
      "codeHash",
      "admin",
      "pauseAuthority",
      "upgradeAuthority",
    );
    expect(process.exitCode).to.equal(0);
  });

  it("dr:pause, dr:unpause and dr:runs", async () => {
    const { run } = await brokenPlatform();
    const paused = await run("dr:pause", { all: true, yes: true });
    expect(paused.status).to.equal("done");
    expect(paused.contracts[0]).to.have.all.keys(
      "name",
      "paused",
      "tx",
      "block",
      "already",
    );
    const again = await run("dr:pause", { all: true, yes: true });
    expect(again.run).to.equal(null);
    expect(again.contracts.every(({ already }) => already)).to.equal(true);
    await run("dr:unpause", { names: ["SkillClaim"], yes: true });
    const { runs } = await run("dr:runs");
    expect(runs.map(({ status }) => status)).to.deep.equal(["done", "done"]);
  });

  it("dr:rollback --dry-run shows the plan and touches nothing", async () => {
    const { run, blockNumber, connection } = await brokenPlatform();
    const before = await blockNumber();
    const network = join(folder.path, "deployments", connection.networkName);
    const files = await readdir(network);
    const planned = await run("dr:rollback", { all: true, dryRun: true });
    expect(planned).to.include({ run: null, status: "planned" });
    expect(planned).to.have.nested.property("plan.steps");
    expect(await blockNumber()).to.equal(before);
    expect(await readdir(network)).to.deep.equal(files);
    expect(process.exitCode).to.equal(0);
  });

  it("dr:rollback does it, and says all of it", async () => {
    const { run, platform, bad } = await brokenPlatform();
    const result = await run("dr:rollback", { all: true, yes: true });
    expect(result.status).to.equal("done");
    expect(result.contracts[0]).to.deep.include({
      name: "SkillProfile",
      from: bad.skillProfile,
      to: platform.implementations.skillProfile,
      versionBefore: "2.0.0",
      versionAfter: "1.0.0",
      paused: false,
    });
    expect(result.contracts[0]).to.have.nested.property(
      "safety.verdict",
      "orphans",
    );
    expect(result.contracts[0]).to.have.nested.property("safety.orphaned");
    expect(result.contracts[0]?.txs).to.have.length(3);
  });

  it("dr:rollback --all says what it left out, and ends with 5", async () => {
    const { run, connection, platform } = await brokenPlatform();
    const endorsement = await contractAt(
      connection,
      "EndorsementV2",
      platform.endorsement,
    );
    const role = await read(endorsement, "UPGRADER_ROLE");
    const { address } = await signer(connection);
    await send(connection, endorsement, "revokeRole", [role, address]);
    const result = await run("dr:rollback", { all: true, yes: true });
    expect(result.status).to.equal("partial");
    expect(result.contracts.map(({ name }) => name)).not.to.include(
      "Endorsement",
    );
    expect(result.refused[0]).to.include({ name: "Endorsement" });
    expect(result.refused[0]).to.have.nested.property(
      "error.code",
      "NOBODY_MAY",
    );
    expect(process.exitCode).to.equal(5);
  });

  it("dr:upgrade deploys and upgrades", async () => {
    const { run } = await brokenPlatform();
    await run("dr:rollback", { all: true, yes: true });
    const call = { name: "SkillProfile", to: "SkillProfileV2", yes: true };
    const result = await run("dr:upgrade", call);
    expect(result.contracts[0]).to.include({ versionAfter: "2.0.0" });
    const backups = await readdir(join(folder.path, "backups/contracts"));
    expect(backups).to.include(`${String(result.snapshot)}.manifest.json`);
  });

  it("end with 5 when a check fails, and dr:resume goes on", async () => {
    let healthy = false;
    const { run } = await brokenPlatform({
      dr: { verify: { SkillProfile: () => healthy } },
    });
    const call = { names: ["SkillProfile"], yes: true };
    const stopped = await run("dr:rollback", call);
    expect(stopped.status).to.equal("failed");
    expect(stopped.contracts[0]).to.include({ paused: true });
    expect(process.exitCode).to.equal(5);
    healthy = true;
    const resumed = await run("dr:resume", { yes: true });
    expect(resumed).to.deep.include({ run: stopped.run, status: "done" });
    expect(process.exitCode).to.equal(0);
  });

  it("stop between two steps on Ctrl-C", async () => {
    const { run } = await brokenPlatform({
      dr: {
        verify: {
          SkillProfile: () => {
            process.emit("SIGINT");
          },
        },
      },
    });
    const call = { names: ["SkillProfile"], yes: true };
    const stopped = await run("dr:rollback", call);
    expect(stopped.contracts[0]).to.include({
      versionAfter: "1.0.0",
      paused: true,
    });
    expect(process.exitCode).to.equal(5);
    const { runs } = await run("dr:runs");
    expect(runs[0]?.status).to.equal("unfinished");
    const resumed = await run("dr:resume", { run: stopped.run, yes: true });
    expect(resumed.status).to.equal("done");
  });

  it("need a terminal, --yes or --dry-run", async () => {
    const { run, blockNumber } = await brokenPlatform();
    process.stdin.isTTY = false;
    const before = await blockNumber();
    const calls = [
      ["dr:pause", { all: true }],
      ["dr:unpause", { all: true }],
      ["dr:rollback", { all: true }],
      ["dr:upgrade", { name: "SkillProfile", to: "SkillProfileV2" }],
      ["dr:resume", {}],
    ] as const;
    for (const [task, args] of calls) {
      const { error } = await run(task, args);
      expect(error?.code, task).to.equal("NO_TERMINAL");
      expect(process.exitCode).to.equal(3);
    }
    expect(await blockNumber()).to.equal(before);
  });

  it("ask before they do anything, and take no for an answer", async () => {
    const scene = await brokenPlatform();
    const before = await scene.blockNumber();
    const asked = answering(scene, "n");
    const { error } = await scene.run("dr:rollback", { all: true });
    expect(error?.code).to.equal("NOT_CONFIRMED");
    expect(process.exitCode).to.equal(3);
    expect(asked).to.have.length(1);
    expect(await scene.blockNumber()).to.equal(before);
  });

  it("take yes for an answer", async () => {
    const scene = await brokenPlatform();
    answering(scene, "y");
    const { status } = await scene.run("dr:pause", { names: ["SkillClaim"] });
    expect(status).to.equal("done");
  });

  it("want the network's name typed where mistakes cost something", async () => {
    const scene = await brokenPlatform({
      networks: { default: { type: "edr-simulated", chainId: 4242 } },
    });
    answering(scene, "y");
    const call = { names: ["SkillClaim"], confirmations: "1" };
    const { error } = await scene.run("dr:pause", call);
    expect(error?.code).to.equal("NOT_CONFIRMED");
    const other = await scene.run("dr:pause", { ...call, dryRun: true });
    expect(other.status).to.equal("planned");
    answering(scene, scene.connection.networkName);
    const { status } = await scene.run("dr:pause", call);
    expect(status).to.equal("done");
  });

  it("refuse options that make no sense, and show no secret", async () => {
    const { run } = await brokenPlatform();
    const calls = [
      ["dr:pause", { from: "0x12" }],
      ["dr:pause", { confirmations: "0" }],
      ["dr:pause", { confirmations: "many" }],
      ["dr:pause", { privateRpc: "ftp://user:s3cret@host" }],
      ["dr:upgrade", { name: "SkillProfile", to: "X", constructorArgs: "1" }],
      ["dr:upgrade", { name: "SkillProfile", to: "X", constructorArgs: "[" }],
    ] as const;
    for (const [task, args] of calls) {
      const { error } = await run(task, { ...args, yes: true });
      expect(error?.code).to.equal("OPTION_INVALID");
      expect(error?.message).to.not.include("s3cret");
      expect(process.exitCode).to.equal(3);
    }
  });

  it("journal what was approved before anything else", async () => {
    const { run, connection } = await brokenPlatform();
    const { run: id } = await run("dr:pause", { all: true, yes: true });
    const path = join(
      folder.path,
      "deployments",
      connection.networkName,
      "runs",
      `${String(id)}.ndjson`,
    );
    const [first = ""] = (await readFile(path, "utf8")).split("\n");
    expect(JSON.parse(first)).to.deep.include({
      type: "run-started",
      procedure: "pause",
      chainId: 31337,
    });
  });
});
