import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { Address } from "../../src/core/hex.js";
import { readProposal } from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  deploy,
  read,
  send,
  signer,
} from "../helpers/contracts.js";
import { safeAt } from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { governPlatform } from "../helpers/govern-platform.js";
import { openProject } from "./project.js";

interface ChangeJson {
  readonly run: string;
  readonly status: string;
  /** Path of its document. */
  readonly incident: string;
  readonly error?: { readonly code: string };
  readonly plan: {
    readonly steps: readonly {
      readonly id: string;
      readonly approval: { readonly effects: readonly unknown[] };
    }[];
  };
  readonly contracts: readonly {
    readonly name: string;
    readonly paused: boolean;
    readonly versionAfter: string;
    readonly from: string;
    readonly now: string;
    readonly txs: readonly { readonly step: string; readonly tx: string }[];
  }[];
}

describe("dr:emergency", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;
  let connection: NetworkConnection;
  let platform: Platform;
  let safe: Address;
  let owners: readonly Address[];

  beforeEach(async () => {
    hre = await openProject(folder.path);
    connection = await hre.network.getOrCreate();
    platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    ({ safe, owners } = await governPlatform(connection, platform, 5));
    await connection.dr.init({
      SkillProfile: platform.skillProfile,
      Endorsement: platform.endorsement,
    });
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function runTask(task: string, args: object): Promise<ChangeJson> {
    return (await hre.tasks
      .getTask(task)
      .run({ json: true, yes: true, ...args })) as ChangeJson;
  }

  const network = () => join(folder.path, "deployments", "default");

  async function versionOf(name: string, proxy: Address) {
    return await read(await contractAt(connection, name, proxy), "version");
  }

  it("pauses and goes back in one transaction of the Safe, past the timelock", async () => {
    const before = await connection.ethers.provider.getBlockNumber();
    const { run, status, contracts, incident } = await runTask("dr:emergency", {
      all: true,
    });
    expect(process.exitCode).to.equal(0);
    expect(status).to.equal("done");
    const document = await readFile(incident, "utf8");
    expect(document).to.include(run).and.to.include(owners[0]!);
    expect(
      contracts.map(({ versionAfter, paused }) => [versionAfter, paused]),
    ).to.deep.equal([
      ["1.0.0", true],
      ["1.0.0", true],
    ]);
    const txs = new Set(
      contracts.flatMap((one) => one.txs.map(({ tx }) => tx)),
    );
    expect(txs.size).to.equal(1);
    const after = await connection.ethers.provider.getBlockNumber();
    expect(after).to.equal(before + 1);
    expect(await read(await safeAt(connection, safe), "nonce")).to.equal(1n);
    const [name] = await readdir(join(network(), "safe"));
    const { simulation, contracts: proposed } = await readProposal(
      join(network(), "safe", name!),
      { network: "default", chainId: 31337, sealing: createSealing(undefined) },
    );
    expect(simulation!.status).to.equal("success");
    expect(simulation!.changes.join("\n")).to.include("implementation");
    expect(proposed.map((one) => one.name)).to.deep.equal([
      "SkillProfile",
      "Endorsement",
    ]);
  });

  it("touches nothing with --dry-run", async () => {
    const before = await readdir(network(), { recursive: true });
    const { status } = await runTask("dr:emergency", {
      all: true,
      dryRun: true,
    });
    expect(status).to.equal("planned");
    expect(await readdir(network(), { recursive: true })).to.deep.equal(before);
  });

  it("unpauses in the same transaction when told", async () => {
    const { contracts } = await runTask("dr:emergency", {
      names: ["Endorsement"],
      unpause: true,
    });
    expect(process.exitCode).to.equal(0);
    expect(contracts[0]).to.include({ versionAfter: "1.0.0", paused: false });
    expect(contracts[0]!.txs).to.have.length(1);
  });

  it("deploys a fix and goes there", async () => {
    const { contracts } = await runTask("dr:emergency", {
      names: ["Endorsement"],
      to: "EndorsementV2",
    });
    expect(process.exitCode).to.equal(0);
    expect(contracts[0]).to.include({ versionAfter: "2.0.0", paused: true });
    expect(contracts[0]!.now).to.not.equal(contracts[0]!.from);
    expect(contracts[0]!.txs.map(({ step }) => step)).to.deep.equal([
      "upgrade:execute",
    ]);
  });

  it("waits for signatures with exit code 4, and dr:resume goes on", async () => {
    const from = platform.owner;
    const { run: id, status } = await runTask("dr:emergency", {
      all: true,
      from,
    });
    expect(process.exitCode).to.equal(4);
    expect(status).to.equal("waiting");
    const [name] = await readdir(join(network(), "safe"));
    const hash = name!.replace(".json", "");
    for (const index of [5, 6, 7]) {
      const contract = await safeAt(
        connection,
        safe,
        await signer(connection, index),
      );
      await send(connection, contract, "approveHash", [hash]);
    }
    const { plan } = await runTask("dr:safe:execute", {
      proposal: hash,
      yes: false,
      dryRun: true,
    });
    const { effects } = plan.steps.find(
      (step) => step.id === "verify",
    )!.approval;
    expect(effects).to.deep.include({
      kind: "implementation",
      contract: platform.skillProfile,
      implementation: platform.implementations.skillProfile,
    });
    const resumed = await runTask("dr:resume", { run: id, from });
    expect(resumed.status).to.equal("done");
    expect(process.exitCode).to.equal(0);
    expect(await versionOf("SkillProfile", platform.skillProfile)).to.equal(
      "1.0.0",
    );
  });

  it("leaves an ordinary rollback to the timelock, and takes --route at its word", async () => {
    const { status } = await runTask("dr:rollback", {
      names: ["SkillProfile"],
      noPause: true,
    });
    expect(status).to.equal("waiting");
    expect(process.exitCode).to.equal(4);
    const bySafe = await runTask("dr:rollback", {
      names: ["SkillProfile"],
      route: "safe",
    });
    expect(bySafe.status).to.equal("done");
    expect(await versionOf("SkillProfile", platform.skillProfile)).to.equal(
      "1.0.0",
    );
  });

  it("proposes nothing that OpenZeppelin's validation refuses", async () => {
    const bad = await deploy(connection, "Unpausable");
    const { error } = await runTask("dr:emergency", {
      names: ["Endorsement"],
      to: bad,
    });
    expect(process.exitCode).to.equal(3);
    expect(error!.code).to.equal("UPGRADE_UNSAFE");
    expect(await readdir(network())).to.not.include("safe");
  });

  it("proposes nothing when your own check fails on the fork", async () => {
    const { dr } = hre.config as { dr: { verify: object } };
    dr.verify = { Endorsement: () => false };
    const { error } = await runTask("dr:emergency", { names: ["Endorsement"] });
    expect(error!.code).to.equal("EMERGENCY_WOULD_FAIL");
    expect(process.exitCode).to.equal(3);
    expect(await readdir(network())).to.not.include("safe");
  });

  it("is refused without a Safe that may, and for a route that doesn't exist", async () => {
    const other = await deployPlatform(connection);
    await breakPlatform(connection, other);
    await connection.dr.init({ Other: other.skillClaim });
    const elsewhere = await runTask("dr:emergency", { names: ["Other"] });
    expect(elsewhere.error!.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(process.exitCode).to.equal(3);
    const wrong = await runTask("dr:rollback", { all: true, route: "pigeon" });
    expect(wrong.error!.code).to.equal("OPTION_INVALID");
  });
});
