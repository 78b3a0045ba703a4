import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import { expect } from "chai";
import globalHre from "hardhat";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { DeployFile } from "../../src/deployments/deploy-file.js";
import { readDeployFile } from "../../src/deployments/read.js";
import hardhatDr from "../../src/index.js";
import { initTask } from "../../tasks/declarations.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  breakPlatform,
  deployPlatform,
  upgradePlatform,
  type Platform,
} from "../helpers/deploy-platform.js";

interface InitJson {
  readonly error?: { readonly code: string };
  readonly status: string;
  readonly written: boolean;
  readonly contracts: readonly { readonly name: string }[];
  readonly leftOut: readonly { readonly name: string }[];
  readonly differences: readonly { readonly path: string }[];
}

describe("dr:init", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;
  let connection: NetworkConnection;
  let platform: Platform;

  beforeEach(async () => {
    // Artifacts are this project's; all that is written or imported is elsewhere.
    await cp(globalHre.config.paths.artifacts, join(folder.path, "artifacts"), {
      recursive: true,
    });
    await writeFile(join(folder.path, "package.json"), '{"type": "module"}');
    const isKnown = hardhatDr.tasks?.some(
      ({ id }) => id.join(":") === initTask.id.join(":"),
    );
    hre = await createHardhatRuntimeEnvironment(
      {
        plugins: [hardhatEthers, hardhatDr],
        tasks: isKnown === true ? [] : [initTask],
      },
      {},
      folder.path,
    );
    connection = await hre.network.getOrCreate();
    platform = await deployPlatform(connection);
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  const path = (): string =>
    join(folder.path, "deployments", connection.networkName, "deploy.json");

  async function init(
    contracts: readonly string[],
    options: Record<string, boolean> = { yes: true },
  ): Promise<InitJson> {
    return (await hre.tasks.getTask("dr:init").run({
      contracts: [...contracts],
      json: true,
      ...options,
    })) as InitJson;
  }

  function named(): string[] {
    return [
      `SkillProfile=${platform.skillProfile}`,
      `Endorsement=${platform.endorsement}`,
      `SkillClaim=${platform.skillClaim}`,
    ];
  }

  it("writes deploy.json from the chain alone", async () => {
    const bad = await breakPlatform(connection, platform);
    const { status, written } = await init(named());
    expect([status, written]).to.deep.equal(["new", true]);
    const { file } = await readDeployFile(path());
    expect(file.chainId).to.equal(31337);
    expect(Object.values(file.contracts).map(({ kind }) => kind)).to.deep.equal(
      ["transparent", "uups", "beacon"],
    );
    const { implementations, history, admin } = file.contracts.SkillProfile!;
    expect(admin).to.equal(platform.proxyAdmin);
    expect(implementations[bad.skillProfile]).to.deep.include({
      version: "2.0.0",
      contract: "contracts/v2/SkillProfileV2.sol:SkillProfileV2",
    });
    expect(history.map(({ reason }) => reason)).to.deep.equal([
      "deploy",
      "upgrade",
    ]);
  });

  it("writes nothing in a dry run", async () => {
    const { written } = await init(named(), { dryRun: true });
    expect(written).to.equal(false);
    expect(await readFile(path(), "utf8").catch(() => "none")).to.equal("none");
  });

  it("needs consent", async () => {
    const { isTTY } = process.stdin;
    process.stdin.isTTY = false;
    try {
      const { error } = await init(named(), {});
      expect(error?.code).to.equal("NO_TERMINAL");
    } finally {
      process.stdin.isTTY = isTTY;
    }
  });

  it("records drift of what the file has, and keeps what a person wrote", async () => {
    await init(named());
    const { file } = await readDeployFile(path());
    const edited: DeployFile = {
      ...file,
      ...{ note: "ask identity first" },
      contracts: { ...file.contracts },
    };
    await writeFile(path(), JSON.stringify(edited));
    const again = await init([]);
    expect(again).to.include({ status: "unchanged", written: false });

    const bad = await breakPlatform(connection, platform);
    await upgradePlatform(connection, platform, platform.implementations);
    const { differences, status } = await init([]);
    expect(status).to.equal("changed");
    expect(differences.map(({ path: field }) => field)).to.include(
      "contracts.Endorsement.history[2]",
    );
    const after = await readDeployFile(path());
    expect(after.file).to.have.property("note", "ask identity first");
    expect(
      after.file.contracts.SkillClaim?.history.map(
        ({ implementation }) => implementation,
      ),
    ).to.deep.equal([
      platform.implementations.skillClaim,
      bad.skillClaim,
      platform.implementations.skillClaim,
    ]);
  });

  it("imports records, and asks the chain for the rest", async () => {
    const create = (
      digit: string,
      contractName: string,
      contractAddress: string,
      first?: string,
    ): object => ({
      hash: `0x${digit.repeat(64)}`,
      transactionType: "CREATE",
      contractName,
      contractAddress,
      arguments: first === undefined ? null : [first, "0x"],
      additionalContracts: [],
    });
    const bad = await breakPlatform(connection, platform);
    const { skillProfile, endorsement } = platform.implementations;
    const transactions = [
      create("1", "SkillProfile", skillProfile),
      create(
        "2",
        "TransparentUpgradeableProxy",
        platform.skillProfile,
        skillProfile,
      ),
      create("3", "Endorsement", endorsement),
      create("4", "ERC1967Proxy", platform.endorsement, endorsement),
      create("5", "EndorsementV2", bad.endorsement),
      create("6", "Gone", "0x00000000000000000000000000000000000000aa"),
    ];
    const receipts = ["1", "2", "3", "4", "5", "6"].map((digit, index) => ({
      transactionHash: `0x${digit.repeat(64)}`,
      blockNumber: `0x${String(index)}`,
      status: "0x1",
    }));
    const run = join(folder.path, "broadcast", "Deploy.s.sol", "31337");
    await mkdir(run, { recursive: true });
    await writeFile(
      join(run, "run-latest.json"),
      JSON.stringify({ chain: 31337, transactions, receipts }),
    );
    for (const tool of [[], ["foundry"]]) {
      const result = await init(tool, { import: true, yes: true });
      expect(result.contracts.map(({ name }) => name)).to.deep.equal([
        "SkillProfile",
        "Endorsement",
      ]);
      expect(result.leftOut.map(({ name }) => name)).to.deep.equal([
        "EndorsementV2",
      ]);
    }
    const { file } = await readDeployFile(path());
    expect(Object.keys(file.contracts)).to.deep.equal([
      "SkillProfile",
      "Endorsement",
    ]);
    expect(
      file.contracts.Endorsement?.implementations[bad.endorsement]?.contract,
    ).to.equal("contracts/v2/EndorsementV2.sol:EndorsementV2");
  });

  it("names OpenZeppelin's nameless proxies after the contracts they run", async () => {
    const manifests = join(folder.path, ".openzeppelin");
    await mkdir(manifests);
    await writeFile(
      join(manifests, "unknown-31337.json"),
      JSON.stringify({
        manifestVersion: "3.2",
        proxies: [
          { address: platform.skillProfile, kind: "transparent" },
          { address: platform.skillClaim, kind: "beacon" },
        ],
        impls: {},
      }),
    );
    const imported = { import: true, dryRun: true };
    const { contracts } = await init([], imported);
    expect(contracts.map(({ name }) => name)).to.deep.equal([
      "SkillProfile",
      "SkillClaim",
    ]);
    const named = await init([`Claims=${platform.skillClaim}`], imported);
    expect(named.contracts.map(({ name }) => name)).to.deep.equal([
      "Claims",
      "SkillProfile",
    ]);
  });

  it("refuses when nothing is named and there is no file", async () => {
    expect((await init([])).error?.code).to.equal("INIT_NOTHING_NAMED");
    expect(process.exitCode).to.equal(3);
  });

  it("refuses an address without code", async () => {
    const nobody = "0x00000000000000000000000000000000000000aa";
    expect((await init([`Gone=${nobody}`])).error?.code).to.equal("NO_CODE");
  });

  it("refuses a tool it doesn't know", async () => {
    const { error } = await init(["truffle"], { import: true, yes: true });
    expect(error?.code).to.equal("IMPORT_TOOL_UNKNOWN");
  });

  it("refuses a file of another chain", async () => {
    await init(named());
    const text = await readFile(path(), "utf8");
    await writeFile(path(), text.replace('"chainId": 31337', '"chainId": 1'));
    expect((await init([])).error?.code).to.equal("WRONG_CHAIN");
  });
});
