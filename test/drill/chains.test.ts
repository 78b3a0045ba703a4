import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import { expect } from "chai";
import globalHre from "hardhat";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import hardhatDr from "../../src/index.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil } from "../helpers/anvil.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { governPlatform } from "../helpers/govern-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { checksOf, DrillProject, type DrillJson } from "./scene.js";

const scenario = "contract-upgrade-failure";
const TWO_DAYS_SECONDS = 48 * 3600;

describe("a drill of contracts", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  it("counts a timelock's delay into the recovery time, and the objective isn't met", async () => {
    const project = await DrillProject.open(join(folder.path, "project"));
    const connection = await project.hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    await connection.dr.init(platformProxies(platform));
    await governPlatform(connection, platform);
    const report = await project.drill({ scenario });
    expect(checksOf(report, "failed")).to.deep.equal([`${scenario}/rto`]);
    const [found] = report.scenarios;
    expect(found?.status).to.equal("passed");
    expect(found?.rto.measuredSeconds).to.be.greaterThan(TWO_DAYS_SECONDS);
    expect(found?.rto.isMet).to.equal(false);
  });

  it("forks a node of another kind, and sends it nothing", async function () {
    requireAnvil(this);
    const anvil = await startAnvil();
    try {
      const root = join(folder.path, "other");
      await mkdir(root);
      await symlink(globalHre.config.paths.artifacts, join(root, "artifacts"));
      await writeFile(join(root, "package.json"), '{"type": "module"}');
      const hre = await createHardhatRuntimeEnvironment(
        {
          plugins: [hardhatEthers, hardhatDr],
          networks: { live: { type: "http", url: anvil.url } },
        },
        { network: "live" },
        root,
      );
      const connection = await hre.network.getOrCreate();
      const platform = await deployPlatform(connection);
      await connection.dr.init(platformProxies(platform));
      const block = await connection.ethers.provider.getBlockNumber();
      const report = (await hre.tasks
        .getTask("dr:drill")
        .run({ json: true, scenario })) as DrillJson;
      expect(report.status, JSON.stringify(report.issues)).to.equal("PASSED");
      expect(report.network).to.equal("live");
      expect(await connection.ethers.provider.getBlockNumber()).to.equal(block);
    } finally {
      await anvil.stop();
    }
  });
});
