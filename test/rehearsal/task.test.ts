import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatUserConfig } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { RehearsalReport } from "../../src/rehearsal/report.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { handOver } from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { deploy } from "../helpers/contracts.js";
import { openProject } from "../tasks/project.js";

interface RehearsalJson extends RehearsalReport {
  readonly error?: { readonly code: string };
  readonly files: { readonly json: string; readonly markdown: string };
}

interface PauseJson {
  readonly error?: { readonly code: string };
  readonly status: string;
  readonly proof?: {
    readonly reason: string;
    readonly views: { readonly same: readonly string[] };
  };
}

describe("dr:rehearse, and --prove of dr:pause", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;
  let connection: NetworkConnection;
  let platform: Platform;

  async function open(config: HardhatUserConfig = {}): Promise<void> {
    hre = await openProject(folder.path, config);
    connection = await hre.network.getOrCreate();
    platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    await connection.dr.init(platformProxies(platform));
  }

  afterEach(() => {
    process.exitCode = undefined;
  });

  const network = () => join(folder.path, "deployments", "default");

  async function run<T>(task: string, args: object): Promise<T> {
    return (await hre.tasks.getTask(task).run({ json: true, ...args })) as T;
  }

  const rehearse = async (procedure: string, args: object = {}) =>
    await run<RehearsalJson>("dr:rehearse", { procedure, ...args });

  it("writes its report for machines and for people", async () => {
    await open();
    const { files, ...report } = await rehearse("rollback", { all: true });
    expect(process.exitCode).to.equal(0);
    expect(report.verdict).to.equal("clean");
    expect(await readdir(join(network(), "rehearsals"))).to.have.length(2);
    expect(files.json).to.match(
      /rehearsals\/\d{8}T\d{6}-\d{3}Z-rollback\.json$/,
    );
    expect(JSON.parse(await readFile(files.json, "utf8"))).to.deep.equal(
      report,
    );
    const markdown = await readFile(files.markdown, "utf8");
    for (const told of [
      "# Rehearsal: rollback on a fork of default (chainId 31337)",
      "**clean**",
      report.plan.digest,
      "EIP-1967 implementation",
      "SkillClaim's beacon",
      "Recovered after",
    ]) {
      expect(markdown).to.include(told);
    }
  });

  it("forks whatever the project's own simulated network is like", async () => {
    await open({
      networks: {
        default: {
          type: "edr-simulated",
          chainId: 4242,
          accounts: { count: 5, accountsBalance: "1000000000000000000000" },
          mining: { auto: true, interval: 0 },
        },
      },
    });
    const report = await rehearse("pause", { all: true });
    expect(report.verdict, JSON.stringify(report.error)).to.equal("clean");
    expect(report.chainId).to.equal(4242);
  });

  it("ends as the procedure would", async () => {
    await open();
    const authority = await deploy(connection, "Unpausable");
    await handOver(connection, platform, authority);
    const { error } = await rehearse("rollback", { all: true });
    expect(error!.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(process.exitCode).to.equal(3);
    expect(await readdir(network())).to.deep.equal(["deploy.json"]);
  });

  it("ends with 5 when a contract is left out, or the plan stops", async () => {
    await open({
      dr: { verify: { Endorsement: () => false } },
    });
    const stopped = await rehearse("rollback", { all: true });
    expect(stopped.verdict).to.equal("failed");
    expect(process.exitCode).to.equal(5);
    const unpausable = await deploy(connection, "Unpausable");
    await connection.dr.init({ Unpausable: unpausable });
    const partial = await rehearse("pause", { all: true });
    expect(partial.verdict).to.equal("attention");
    expect(process.exitCode).to.equal(5);
    expect(await readdir(join(network(), "rehearsals"))).to.have.length(4);
  });

  it("refuses arguments that make no procedure", async () => {
    await open();
    for (const [procedure, args] of [
      ["restart", {}],
      ["upgrade", { to: "EndorsementV2" }],
      ["upgrade", { names: ["Endorsement", "SkillClaim"] }],
      ["pause", { all: true, from: "somebody" }],
    ] as const) {
      const { error } = await rehearse(procedure, args);
      expect(error!.code, procedure).to.equal("OPTION_INVALID");
    }
    const { error } = await rehearse("pause");
    expect(error!.code).to.equal("NO_CONTRACTS_NAMED");
  });

  it("rehearses an upgrade", async () => {
    await open();
    const report = await rehearse("upgrade", {
      names: ["Endorsement"],
      to: "contracts/v2/EndorsementV2.sol:EndorsementV2",
    });
    expect(report.verdict, JSON.stringify(report.error)).to.equal("clean");
    expect(await readdir(folder.path), "no snapshot").to.not.include("backups");
  });

  it("prints what there is to know for people", async () => {
    await open();
    const { write } = process.stdout;
    const printed: string[] = [];
    process.stdout.write = (text: string) => printed.push(text) > 0;
    try {
      await rehearse("rollback", { all: true, json: false });
    } finally {
      process.stdout.write = write;
    }
    const text = printed.join("");
    expect(text).to.match(/gas +\d{6}/);
    expect(text).to.match(/paused after .* with 1 block /);
    expect(text).to.match(/recovered after .* with 3 blocks /);
    expect(text).to.include("nothing unexpected");
    expect(text).to.include(join(network(), "rehearsals"));
  });

  it("proves a pause before it pauses", async () => {
    await open();
    const { proof, status } = await run<PauseJson>("dr:pause", {
      all: true,
      yes: true,
      prove: `Endorsement.pause()`,
    });
    expect(status).to.equal("done");
    expect(proof!.reason).to.match(/EnforcedPause/);
    expect(proof!.views.same).to.include("version()");
  });

  it("proves in a dry run too", async () => {
    await open();
    const { proof, status } = await run<PauseJson>("dr:pause", {
      names: ["Endorsement"],
      dryRun: true,
      prove: `Endorsement.pause()`,
    });
    expect(status).to.equal("planned");
    expect(proof).to.not.equal(undefined);
  });

  it("pauses nothing when the proof fails", async () => {
    await open();
    const block = await connection.ethers.provider.getBlockNumber();
    const { error } = await run<PauseJson>("dr:pause", {
      all: true,
      yes: true,
      prove: "Endorsement.version()",
    });
    expect(error!.code).to.equal("PROOF_FAILED");
    expect(process.exitCode).to.equal(3);
    expect(await connection.ethers.provider.getBlockNumber()).to.equal(block);
  });
});
