import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrError } from "../../src/core/errors.js";
import type { Address } from "../../src/core/hex.js";
import type { SessionSource } from "../../src/session/open-session.js";
import { proveOnFork } from "../../src/session/prove-on-fork.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, deploy, read, send } from "../helpers/contracts.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";
import { createSimulation } from "./simulation.js";

const ALL = { names: [], all: true };

describe("a proof that a pause stops a call", () => {
  const folder = useTemporaryFolder();
  let connection: NetworkConnection;
  let platform: Platform;
  let source: SessionSource;

  beforeEach(async () => {
    connection = await hre.network.create();
    platform = await deployPlatform(connection);
    source = sessionSource(connection, folder.path);
    await initialize(source, platformProxies(platform));
  });

  const prove = async (call: string) =>
    await proveOnFork(source, createSimulation, ALL, call);

  async function codeOf(call: string): Promise<string> {
    return await prove(call).then(
      () => "proven",
      (error: unknown) => (error as DrError).code,
    );
  }

  it("shows that it passes before and reverts after, for every sender", async () => {
    const proof = await prove(`SkillProfile.register("ada", "smith")`);
    expect(proof.contract).to.equal("SkillProfile");
    expect(proof.reason).to.match(/EnforcedPause/);
    expect(proof.refusedAsPaused).to.equal(true);
    expect(proof.senders).to.include(platform.owner);
    expect(proof.senders.length).to.be.greaterThan(1);
  });

  it("shows that views answer as before", async () => {
    const { views } = await prove(`SkillProfile.register("ada", "smith")`);
    expect(views.same).to.include.members([
      "owner()",
      "profileCount()",
      "version()",
    ]);
    expect(views.same).not.to.include("paused()");
    expect(views.changed).to.deep.equal([]);
    expect(views.silenced).to.deep.equal([]);
  });

  it("tells views apart that change with the pause, and not those that change with time", async () => {
    const moody = await deploy(connection, "Moody");
    await initialize(source, { Moody: moody });
    const { views, reason, refusedAsPaused } = await prove("Moody.use()");
    expect(views.same).to.have.members([
      "height()",
      "now_()",
      "owner()",
      "uses()",
    ]);
    expect(views.changed).to.deep.equal(["mood()"]);
    expect(views.silenced).to.deep.equal(["price()"]);
    expect(reason).to.equal("asleep");
    expect(refusedAsPaused).to.equal(false);
  });

  it("takes the call's types where the ABI is of no help", async () => {
    const proof = await prove(
      `SkillProfile.register(string,string)("ada", "smith")`,
    );
    expect(proof.refusedAsPaused).to.equal(true);
  });

  it("sends nothing", async () => {
    const contract = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
    );
    const block = await connection.ethers.provider.getBlockNumber();
    await prove(`SkillProfile.register("ada", "smith")`);
    expect(await connection.ethers.provider.getBlockNumber()).to.equal(block);
    expect(await read(contract, "paused")).to.equal(false);
  });

  it("is PROOF_INCONCLUSIVE when the call reverts anyway", async () => {
    expect(await codeOf(`SkillProfile.changeCraft("smith")`)).to.equal(
      "PROOF_INCONCLUSIVE",
    );
  });

  it("is PROOF_INCONCLUSIVE when it is paused already", async () => {
    const contract = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
    );
    await send(connection, contract, "pause");
    expect(await codeOf(`SkillProfile.register("ada", "smith")`)).to.equal(
      "PROOF_INCONCLUSIVE",
    );
  });

  it("is PROOF_FAILED when the call passes still", async () => {
    expect(
      await codeOf(`SkillProfile.transferOwnership(${platform.owner})`),
    ).to.equal("PROOF_FAILED");
  });

  it("is PROOF_FAILED when the pause is of other contracts", async () => {
    const proof = proveOnFork(
      source,
      createSimulation,
      { names: ["Endorsement"], all: false },
      `SkillProfile.register("ada", "smith")`,
    );
    const { code } = (await proof.catch(
      (error: unknown) => error as DrError,
    )) as DrError;
    expect(code).to.equal("PROOF_FAILED");
  });

  it("takes the contract and the method from deploy.json and the ABI", async () => {
    expect(await codeOf("Nobody.use()")).to.equal("CONTRACT_UNKNOWN");
    expect(await codeOf("SkillProfile.nothing()")).to.equal("PROOF_INVALID");
    expect(await codeOf(`SkillProfile.register("ada")`)).to.equal(
      "PROOF_INVALID",
    );
    expect(await codeOf("SkillProfile.register")).to.equal("PROOF_INVALID");
  });

  it("is NO_CODE when the contract is gone", async () => {
    const provider: {
      send(method: string, params: unknown[]): Promise<unknown>;
    } = connection.ethers.provider;
    await provider.send("hardhat_setCode", [
      platform.skillProfile satisfies Address,
      "0x",
    ]);
    expect(await codeOf(`SkillProfile.register("ada", "smith")`)).to.equal(
      "NO_CODE",
    );
  });
});
