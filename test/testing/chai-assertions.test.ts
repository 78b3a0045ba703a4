import * as chai from "chai";
import hre from "hardhat";

import { drChai } from "../../src/testing.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { signer } from "../helpers/contracts.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { deployRetypedLedger } from "./deploy-ledger.js";

const { expect } = chai.use(drChai);

describe("expect(dr).to.rollBack()", () => {
  const folder = useTemporaryFolder();

  async function brokenPlatform() {
    const connection = await hre.network.create();
    const dr = connection.dr.withDeployments(folder.path);
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    await dr.init(platformProxies(platform));
    return { connection, dr };
  }

  async function failureOf(assertion: Promise<void>): Promise<string> {
    try {
      await assertion;
    } catch (error) {
      expect(error).to.be.instanceOf(chai.AssertionError);
      return (error as Error).message;
    }
    return expect.fail("the assertion passed");
  }

  it("passes when it is done", async () => {
    const { dr } = await brokenPlatform();
    await expect(dr).to.rollBack("SkillProfile");
    await expect(dr).to.rollBack(["Endorsement", "SkillClaim"]);
    const { contracts } = await dr.status();
    for (const contract of contracts) {
      expect(contract).to.deep.include({ version: "1.0.0", drift: [] });
    }
  });

  it("fails with the reason, and not() passes", async () => {
    const { connection, dr } = await brokenPlatform();
    const from = (await signer(connection, 5)).address;
    const failure = await failureOf(
      expect(dr).to.rollBack("SkillProfile", { from }),
    );
    expect(failure).to.match(
      /^expected SkillProfile to roll back, but: No account of this machine/,
    );
    await expect(dr).not.to.rollBack("SkillProfile", { from });
    expect(await failureOf(expect(dr).not.to.rollBack())).to.equal(
      "expected all contracts not to roll back, but it did",
    );
  });

  it("fails when storage would be misread", async () => {
    const connection = await hre.network.create();
    const dr = connection.dr.withDeployments(folder.path);
    const { proxy } = await deployRetypedLedger(connection);
    await dr.init({ Ledger: proxy });
    await expect(dr).not.to.rollBack("Ledger");
    expect(await failureOf(expect(dr).to.rollBack())).to.include("slot 1");
  });
});
