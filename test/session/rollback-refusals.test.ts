import { rm, writeFile } from "node:fs/promises";

import { expect } from "chai";
import { keccak256 } from "ethers";

import type { DrError } from "../../src/core/errors.js";
import type { RollbackCall } from "../../src/session/disaster-recovery.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deploy, signer } from "../helpers/contracts.js";
import { deploySafe, handOver } from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  upgradePlatform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openRecovery } from "./recovery.js";

describe("dr.rollback refuses, before anything is sent,", () => {
  const folder = useTemporaryFolder();

  async function broken() {
    const recovery = await openRecovery(folder.path);
    const platform = await deployPlatform(recovery.connection);
    const bad = await breakPlatform(recovery.connection, platform);
    await recovery.init(platformProxies(platform));
    return { ...recovery, platform, bad };
  }

  type Scene = Awaited<ReturnType<typeof broken>>;

  async function refusal(
    { dr, blockNumber }: Scene,
    call: RollbackCall = { contracts: ["SkillProfile"] },
  ): Promise<DrError> {
    const before = await blockNumber();
    const error = await refusalOf(() => dr.rollback(call));
    expect(error.exitCode).to.equal(3);
    expect(await blockNumber()).to.equal(before);
    return error;
  }

  async function setCode(
    { connection }: Scene,
    address: string,
    code: string,
  ): Promise<void> {
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [address, code],
    });
  }

  it("a name deploy.json doesn't have, and suggests the one that is meant", async () => {
    const error = await refusal(await broken(), { contracts: ["SkilProfile"] });
    expect(error.code).to.equal("CONTRACT_UNKNOWN");
    expect(error.message).to.include("SkillProfile");
  });

  it("without a deploy.json", async () => {
    const scene = await broken();
    await rm(scene.path);
    expect((await refusal(scene)).code).to.equal("DEPLOY_FILE_MISSING");
  });

  it("a broken deploy.json, saying where", async () => {
    const scene = await broken();
    await writeFile(scene.path, '{ "schemaVersion": 1, }');
    expect((await refusal(scene)).code).to.equal("DEPLOY_FILE_NOT_JSON");
    await writeFile(scene.path, '{ "schemaVersion": 1, "chainId": "one" }');
    const error = await refusal(scene);
    expect(error.code).to.equal("DEPLOY_FILE_INVALID");
  });

  it("the wrong chain", async () => {
    const scene = await broken();
    await scene.edit((text) => text.replace(": 31337", ": 31338"));
    expect((await refusal(scene)).code).to.equal("WRONG_CHAIN");
  });

  it("a target without code", async () => {
    const scene = await broken();
    await setCode(scene, scene.platform.implementations.skillProfile, "0x");
    expect((await refusal(scene)).code).to.equal("NO_CODE");
  });

  it("a proxy without code", async () => {
    const scene = await broken();
    await setCode(scene, scene.platform.skillProfile, "0x");
    expect((await refusal(scene)).code).to.equal("NO_CODE");
  });

  it("a target whose code isn't what was recorded", async () => {
    const scene = await broken();
    await setCode(
      scene,
      scene.platform.implementations.skillProfile,
      "0x6001600101",
    );
    expect((await refusal(scene)).code).to.equal("CODE_HASH_DIFFERS");
  });

  it("a target that would leave a UUPS proxy stuck for ever", async () => {
    const scene = await broken();
    const { connection, platform } = scene;
    const stuck = await deploy(connection, "EndorsementWithoutUups");
    const code = await connection.ethers.provider.getCode(stuck);
    const first = `"${platform.implementations.endorsement}": {`;
    await scene.edit((text) =>
      text.replace(
        first,
        `"${stuck}": { "version": "0.9.0", "codeHash": "${keccak256(code)}" }, ${first}`,
      ),
    );
    const call = { contracts: ["Endorsement"], to: "0.9.0" };
    expect((await refusal(scene, call)).code).to.equal("NOT_UUPS");
  });

  it("the implementation that is there already", async () => {
    const call = { contracts: ["SkillProfile"], to: "2.0.0" };
    const error = await refusal(await broken(), call);
    expect(error.code).to.equal("TARGET_IS_CURRENT");
  });

  it("when somebody upgraded outside of this tool", async () => {
    const scene = await broken();
    const { connection, platform } = scene;
    await upgradePlatform(connection, platform, platform.implementations);
    expect((await refusal(scene)).code).to.equal("DRIFT");
  });

  it("for who may not, naming who may and what they must send", async () => {
    const scene = await broken();
    const { connection, platform } = scene;
    const { address } = await signer(connection, 5);
    const error = await refusal(scene, {
      contracts: ["Endorsement"],
      from: address,
    });
    expect(error.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(error.message).to.include(platform.owner);
    expect(error.values).to.include({ to: platform.endorsement, value: 0n });
    expect(error.values.data).to.match(/^0x4f1ef286/);
  });

  it("what a Safe must do, naming its owners", async () => {
    const scene = await broken();
    const { connection, platform } = scene;
    const owners = await Promise.all(
      [7, 8].map(async (index) => (await signer(connection, index)).address),
    );
    const safe = await deploySafe(connection, {
      owners: owners as `0x${string}`[],
      threshold: 2,
    });
    await handOver(connection, platform, safe);
    const error = await refusal(scene);
    expect(error.code).to.equal("AUTHORITY_ELSEWHERE");
    for (const named of [safe, "2 of 2", ...owners]) {
      expect(error.values.who).to.include(named);
    }
    expect(error.values.to).to.equal(platform.proxyAdmin);
  });
});
