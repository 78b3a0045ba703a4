import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import type {
  ContractRecord,
  DeployFile,
} from "../../src/deployments/deploy-file.js";
import { readDeployFile } from "../../src/deployments/read.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deploy, encode, signer } from "../helpers/contracts.js";
import { executeAsSafe } from "../helpers/deploy-governance.js";
import { BEACON } from "../helpers/deploy-platform.js";
import { passTime } from "../timelock/timelock-scene.js";
import { openSafeScene, type SafeScene } from "./safe-scene.js";
import { MIN_DELAY_SECONDS, openTimelockTasks } from "./timelock-scene.js";

const WAITING = 4;

describe("what an execution by hand moves is recorded in deploy.json", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function read(network: string): Promise<DeployFile> {
    return (await readDeployFile(join(network, "deploy.json"))).file;
  }

  async function recordOf(
    scene: SafeScene,
    name: string,
  ): Promise<ContractRecord> {
    return (await read(scene.folder)).contracts[name]!;
  }

  async function execute(scene: SafeScene, proposal: string) {
    await scene.sign(proposal, 3);
    return await scene.run("dr:safe:execute", { proposal, yes: true });
  }

  it("an upgrade, with the transaction, version and source", async () => {
    const scene = await openSafeScene(folder.path);
    const next = await deploy(scene.connection, "EndorsementV2");
    const { safeTxHash } = await scene.run("dr:safe:propose", {
      calls: [`Endorsement.upgradeToAndCall(${next},0x)`],
      yes: true,
    });
    const { tx, status } = await execute(scene, safeTxHash);
    expect(status).to.equal("done");
    const receipt =
      await scene.connection.ethers.provider.getTransactionReceipt(tx!);
    const { history, implementations } = await recordOf(scene, "Endorsement");
    expect(history).to.have.lengthOf(2);
    expect(history[1]).to.include({
      implementation: next,
      reason: "upgrade",
      tx,
      block: receipt!.blockNumber,
    });
    expect(implementations[next]).to.include({
      version: "2.0.0",
      contract: "contracts/v2/EndorsementV2.sol:EndorsementV2",
    });
    expect((await recordOf(scene, "SkillProfile")).history).to.have.lengthOf(1);
  });

  it("a way back, which marks what was left as bad", async () => {
    const scene = await openSafeScene(folder.path, { broken: true });
    const { platform, connection } = scene;
    const { endorsement } = platform.implementations;
    const [bad] = (await recordOf(scene, "Endorsement")).history.slice(-1);
    const { safeTxHash } = await scene.run("dr:safe:propose", {
      calls: [`Endorsement.upgradeToAndCall(${endorsement},0x)`],
      yes: true,
    });
    await execute(scene, safeTxHash);
    const { history, implementations } = await recordOf(scene, "Endorsement");
    expect(history.map(({ reason }) => reason)).to.deep.equal([
      "deploy",
      "upgrade",
      "rollback",
    ]);
    expect(implementations[bad!.implementation]?.bad).to.match(
      /^rolled back 2/,
    );

    // Forward again to what came later isn't a way back.
    const forward = await scene.propose({
      to: platform.beacon,
      data: await encode(connection, BEACON, "upgradeTo", [
        platform.implementations.skillClaim,
      ]),
      nonce: 1n,
    });
    await execute(scene, forward);
    const claims = await recordOf(scene, "SkillClaim");
    expect(claims.history.at(-1)?.reason).to.equal("rollback");
    const again = await scene.propose({
      to: platform.beacon,
      data: await encode(connection, BEACON, "upgradeTo", [
        claims.history[1]!.implementation,
      ]),
      nonce: 2n,
    });
    await execute(scene, again);
    const forth = await recordOf(scene, "SkillClaim");
    expect(forth.history.map(({ reason }) => reason)).to.deep.equal([
      "deploy",
      "upgrade",
      "rollback",
      "upgrade",
    ]);
    expect(
      forth.implementations[platform.implementations.skillClaim]?.bad,
    ).to.equal(undefined);
  });

  it("once, when a waiting rollback goes on afterwards", async () => {
    const scene = await openSafeScene(folder.path, { broken: true });
    const { address: stranger } = await signer(scene.connection, 9);
    await scene.run("dr:rollback", {
      names: ["Endorsement"],
      keepPaused: true,
      from: stranger,
      yes: true,
    });
    expect(process.exitCode).to.equal(WAITING);
    const [file] = await readdir(join(scene.folder, "safe"));
    await execute(scene, file!.replace(".json", ""));
    const executed = await recordOf(scene, "Endorsement");
    expect(executed.history).to.have.lengthOf(3);
    const { status } = await scene.run("dr:resume", { yes: true });
    expect(status).to.equal("done");
    expect(await recordOf(scene, "Endorsement")).to.deep.equal(executed);
  });

  it("nothing of a contract that wasn't as the file says", async () => {
    const scene = await openSafeScene(folder.path);
    const { platform, connection } = scene;
    const [drifted, next] = await Promise.all([
      deploy(connection, "EndorsementV2"),
      deploy(connection, "EndorsementV2"),
    ]);
    const upgradeTo = async (implementation: Address) => ({
      to: platform.endorsement,
      data: await encode(connection, "Endorsement", "upgradeToAndCall", [
        implementation,
        "0x",
      ]),
    });
    const owners = await Promise.all(
      [1, 2, 3].map(async (index) => await signer(connection, index)),
    );
    const elsewhere = await upgradeTo(drifted);
    await executeAsSafe(connection, scene.safe, owners, elsewhere);
    const before = await read(scene.folder);
    const ours = await scene.propose({ ...(await upgradeTo(next)), nonce: 1n });
    await scene.sign(ours, 3);
    const { plan } = await scene.run("dr:safe:execute", {
      proposal: ours,
      dryRun: true,
    });
    expect(plan.notes.join()).to.include("Endorsement isn't as deploy.json");
    const { status } = await scene.run("dr:safe:execute", {
      proposal: ours,
      yes: true,
    });
    expect(status).to.equal("done");
    expect(await read(scene.folder)).to.deep.equal(before);
  });

  it("nothing without a deploy.json", async () => {
    const scene = await openSafeScene(folder.path);
    const next = await deploy(scene.connection, "EndorsementV2");
    const proposal = await scene.propose({
      to: scene.platform.endorsement,
      data: await encode(scene.connection, "Endorsement", "upgradeToAndCall", [
        next,
        "0x",
      ]),
    });
    await rm(join(scene.folder, "deploy.json"));
    const { status } = await execute(scene, proposal);
    expect(status).to.equal("done");
  });

  it("what a timelock does, too", async () => {
    const scene = await openTimelockTasks(folder.path, {
      executors: [ZERO_ADDRESS],
    });
    const { connection, platform, run } = scene;
    const next = await deploy(connection, "EndorsementV2");
    const { id } = await run("dr:timelock:schedule", {
      calls: [`Endorsement.upgradeToAndCall(${next},0x)`],
    });
    await passTime(connection, MIN_DELAY_SECONDS);
    const { tx } = await run("dr:timelock:execute", { id });
    const network = join(folder.path, "deployments", connection.networkName);
    const { contracts } = await read(network);
    expect(contracts.Endorsement?.history.at(-1)).to.include({
      implementation: next,
      reason: "upgrade",
      tx,
    });
    expect(platform.endorsement).to.equal(contracts.Endorsement?.proxy);
  });
});
