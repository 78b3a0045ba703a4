import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { DrError } from "../../src/core/errors.js";
import type { UpgradeCall } from "../../src/session/disaster-recovery.js";
import { prepareUpgrade } from "../../src/session/procedure.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  deploy,
  read,
  send,
  signer,
} from "../helpers/contracts.js";
import { deployPlatform, PROXY_ADMIN } from "../helpers/deploy-platform.js";
import { deployPlain, deployUups } from "../helpers/deploy-proxies.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { createDisasterRecovery } from "../../src/session/disaster-recovery.js";
import { conductWith, openRecovery } from "./recovery.js";

describe("dr.upgrade", () => {
  const folder = useTemporaryFolder();

  async function live() {
    const recovery = await openRecovery(folder.path);
    const platform = await deployPlatform(recovery.connection);
    await recovery.init(platformProxies(platform));
    return { ...recovery, platform };
  }

  type Scene = Awaited<ReturnType<typeof live>>;

  async function refusal(
    { dr, blockNumber }: Pick<Scene, "dr" | "blockNumber">,
    call: UpgradeCall,
  ): Promise<DrError> {
    const before = await blockNumber();
    const error = await refusalOf(() => dr.upgrade(call));
    expect(error.exitCode).to.equal(3);
    expect(await blockNumber()).to.equal(before);
    return error;
  }

  it("deploys to the promised address, upgrades, records, keeps layouts", async () => {
    const scene = await live();
    const call = { name: "SkillProfile", to: "SkillProfileV2" };
    const { resolution } = await prepareUpgrade(await scene.session(), {
      ...call,
      constructorArguments: [],
    });
    const promised = resolution.intent.deployment?.address;
    const { contracts } = await scene.dr.upgrade({
      contract: "SkillProfile",
      to: "SkillProfileV2",
    });
    expect(contracts[0]).to.include({ versionAfter: "2.0.0", paused: false });
    expect(contracts[0]?.now.toLowerCase()).to.equal(promised);
    const { history, implementations } = (await scene.file()).contracts
      .SkillProfile!;
    expect(history.at(-1)).to.include({
      implementation: contracts[0]?.now,
      reason: "upgrade",
    });
    expect(history.at(-1)).to.include.keys("block", "tx", "at");
    expect(implementations[contracts[0]!.now]).to.include({
      contract: "contracts/v2/SkillProfileV2.sol:SkillProfileV2",
    });
    const layouts = await readdir(join(scene.folder, "layouts"));
    expect(layouts).to.have.length(2);
  });

  it("upgrades UUPS and beacon proxies, and rolls them back", async () => {
    const { dr } = await live();
    await dr.upgrade({ contract: "Endorsement", to: "EndorsementV2" });
    await dr.upgrade({ contract: "SkillClaim", to: "SkillClaimV2" });
    const names = ["Endorsement", "SkillClaim"];
    const { contracts } = await dr.rollback({ contracts: names });
    expect(contracts.map(({ versionAfter }) => versionAfter)).to.deep.equal([
      "1.0.0",
      "1.0.0",
    ]);
  });

  it("takes the address of an implementation", async () => {
    const { connection, dr } = await live();
    const to = await deploy(connection, "SkillProfileV2");
    const { contracts } = await dr.upgrade({ contract: "SkillProfile", to });
    expect(contracts[0]).to.include({ now: to, versionAfter: "2.0.0" });
  });

  it("gives the constructor its arguments, big numbers as text", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy } = await deployUups(connection);
    await init({ Counter: proxy });
    for (const limit of ["1000000000000000000000", 7]) {
      await dr.upgrade({
        contract: "Counter",
        to: "UupsWithLimit",
        constructorArguments: [limit],
      });
      const counter = await contractAt(connection, "UupsWithLimit", proxy);
      expect(await read(counter, "limit")).to.equal(BigInt(limit));
    }
  });

  it("refuses what OpenZeppelin finds unsafe", async () => {
    const scene = await live();
    const { connection } = scene;
    const byName = { contract: "SkillProfile", to: "SkillProfileRetyped" };
    expect((await refusal(scene, byName)).code).to.equal("UPGRADE_UNSAFE");
    const to = await deploy(connection, "SkillProfileRetyped");
    const byAddress = { contract: "SkillProfile", to };
    expect((await refusal(scene, byAddress)).code).to.equal("UPGRADE_UNSAFE");
    const stuck = { contract: "Endorsement", to: "EndorsementWithoutUups" };
    expect((await refusal(scene, stuck)).code).to.equal("UPGRADE_UNSAFE");
  });

  it("refuses a contract that isn't there, or is there twice", async () => {
    const scene = await live();
    for (const to of ["Nope", "TimelockController", "a.sol:B"]) {
      const error = await refusal(scene, { contract: "SkillProfile", to });
      expect(error.code).to.equal("UPGRADE_TARGET_UNKNOWN");
    }
  });

  it("refuses a constructor that can't be called, or fails", async () => {
    const scene = await live();
    const attempts = [
      ["PlainPausable", [], "CONSTRUCTOR_ARGUMENTS"],
      ["PlainPausable", ["nobody"], "CONSTRUCTOR_ARGUMENTS"],
      ["SkillProfileV2", [1], "CONSTRUCTOR_ARGUMENTS"],
      [
        "PlainPausable",
        ["0x0000000000000000000000000000000000000000"],
        "DEPLOYMENT_WOULD_FAIL",
      ],
      ["UupsCounter", [], "NEEDS_LIBRARIES"],
    ] as const;
    for (const [to, constructorArguments, code] of attempts) {
      const call = { contract: "SkillProfile", to, constructorArguments };
      expect((await refusal(scene, call)).code).to.equal(code);
    }
  });

  it("refuses the implementation that is there already", async () => {
    const scene = await live();
    const to = scene.platform.implementations.skillProfile;
    const error = await refusal(scene, { contract: "SkillProfile", to });
    expect(error.code).to.equal("TARGET_IS_CURRENT");
  });

  it("refuses what isn't a proxy", async () => {
    const scene = await openRecovery(folder.path);
    await scene.init({ Plain: await deployPlain(scene.connection) });
    const error = await refusal(scene, { contract: "Plain", to: "UupsV5" });
    expect(error.code).to.equal("NOT_UPGRADABLE");
  });

  it("refuses an upgrade that its own contract forbids", async () => {
    const scene = await openRecovery(folder.path);
    const { proxy } = await deployUups(scene.connection, "UupsFrozen");
    await scene.init({ Counter: proxy });
    const error = await refusal(scene, { contract: "Counter", to: "UupsV5" });
    expect(error).to.include({ code: "REFUSES_EVERYONE", exitCode: 3 });
    const { address } = await signer(scene.connection);
    expect(error.values.refused).to.equal(address);
  });

  it("refuses when there is nobody to deploy with", async () => {
    const scene = await live();
    const provider = Object.create(scene.connection.provider, {
      request: {
        value: async ({ method, params }: { method: string; params: [] }) =>
          method === "eth_accounts"
            ? []
            : ((await scene.connection.provider.request({
                method,
                params,
              })) as unknown),
      },
    }) as typeof scene.connection.provider;
    const dr = createDisasterRecovery({ ...scene.source, provider });
    const error = await refusal(
      { ...scene, dr },
      { contract: "SkillProfile", to: "SkillProfileV2" },
    );
    expect(error.code).to.equal("NO_ACCOUNTS");
  });

  it("changes nothing when the promised address is gone", async () => {
    const scene = await live();
    const { connection } = scene;
    const session = await scene.session();
    const { plan } = await prepareUpgrade(session, {
      name: "SkillProfile",
      to: "SkillProfileV2",
      constructorArguments: [],
    });
    await deploy(connection, "UupsV5");
    const before = await scene.blockNumber();
    const error = await refusalOf(() => conductWith(session, plan, {}));
    expect(error).to.include({ code: "PLAN_STALE", exitCode: 3 });
    expect(await scene.blockNumber()).to.equal(before);
  });

  it("doesn't deploy twice when it goes on", async () => {
    const scene = await live();
    const { connection, platform } = scene;
    const session = await scene.session();
    const { plan } = await prepareUpgrade(session, {
      name: "SkillProfile",
      to: "SkillProfileV2",
      constructorArguments: [],
    });
    const stranger = await signer(connection, 19);
    const transfer = async (index: number, to: string) => {
      const from = await signer(connection, index);
      const { proxyAdmin } = platform;
      const admin = await contractAt(connection, PROXY_ADMIN, proxyAdmin, from);
      await send(connection, admin, "transferOwnership", [to]);
    };
    const { outcome } = await conductWith(session, plan, {
      upgrade: async () => {
        await transfer(0, stranger.address);
      },
    });
    expect(outcome.status).to.equal("failed");
    await transfer(19, platform.owner);
    const before = await scene.blockNumber();
    await scene.dr.resume();
    expect(await scene.blockNumber()).to.equal(before + 1);
    const [status] = (await scene.dr.status()).contracts;
    expect(status).to.deep.include({ version: "2.0.0", drift: [] });
  });
});
