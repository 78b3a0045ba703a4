import { readFile, writeFile } from "node:fs/promises";

import { expect } from "chai";

import type { Address } from "../../src/core/hex.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { exitCodeOf } from "../../src/run/runner.js";
import { prepareRollback } from "../../src/session/procedure.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  deploy,
  encode,
  read,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import {
  BEACON_PROXY,
  breakPlatform,
  deployPlatform,
  PROXY_ADMIN,
} from "../helpers/deploy-platform.js";
import {
  deployTransparentV4,
  deployTransparentWithAccount,
  deployUups,
  deployUupsV4,
  deployZos,
  upgradeProxy,
  type DeployedProxy,
} from "../helpers/deploy-proxies.js";
import { deployRetypedLedger } from "../testing/deploy-ledger.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { conductWith, openRecovery, type Recovery } from "./recovery.js";

const PROFILE = {
  names: ["SkillProfile"],
  all: false,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
};

describe("dr.rollback", () => {
  const folder = useTemporaryFolder();

  async function brokenPlatform(config = {}) {
    const recovery = await openRecovery(folder.path, config);
    const { connection } = recovery;
    const platform = await deployPlatform(connection);
    const bad = await breakPlatform(connection, platform);
    await recovery.init(platformProxies(platform));
    return { ...recovery, platform, bad };
  }

  /** A proxy that went through these implementations. */
  async function upgradedUups(first: string, ...rest: readonly string[]) {
    const recovery = await openRecovery(folder.path);
    const { connection } = recovery;
    const target = await deployUups(connection, first);
    for (const name of rest) {
      await upgradeProxy(connection, target, await deploy(connection, name));
    }
    await recovery.init({ Counter: target.proxy });
    return { ...recovery, target };
  }

  it("brings a transparent, a UUPS and a beacon proxy back, and records it", async () => {
    const { connection, dr, file, platform, bad } = await brokenPlatform();
    const { run, contracts, safety } = await dr.rollback();
    expect(run).to.match(/-rollback-/);
    expect(
      contracts.map(({ versionBefore, versionAfter, paused }) => ({
        versionBefore,
        versionAfter,
        paused,
      })),
    ).to.deep.equal(
      Array(3).fill({
        versionBefore: "2.0.0",
        versionAfter: "1.0.0",
        paused: false,
      }),
    );
    expect(contracts.flatMap(({ txs }) => txs)).to.have.length(9);
    expect(safety.SkillProfile?.verdict).to.equal("orphans");
    const claim = await contractAt(
      connection,
      "SkillClaim",
      platform.skillClaim,
    );
    expect(await read(claim, "version")).to.equal("1.0.0");

    const { implementations, history } = (await file()).contracts.SkillProfile!;
    expect(history.map(({ reason }) => reason)).to.deep.equal([
      "deploy",
      "upgrade",
      "rollback",
    ]);
    const last = history.at(-1)!;
    expect(last.implementation).to.equal(platform.implementations.skillProfile);
    const tx = contracts[0]!.txs.find(({ step }) => step.startsWith("roll"))!;
    expect(last).to.include({ tx: tx.tx, block: tx.block });
    expect(implementations[bad.skillProfile]?.bad).to.match(
      /^rolled back \d{4}-\d\d-\d\d$/,
    );
    const [status] = (await dr.status()).contracts;
    expect(status?.drift).to.deep.equal([]);
  });

  const FAMILIES: readonly (readonly [
    string,
    (connection: Connection) => Promise<DeployedProxy>,
    string,
  ])[] = [
    [
      "a transparent proxy of OpenZeppelin 4",
      deployTransparentV4,
      "PausableV4Next",
    ],
    [
      "one whose admin is an account",
      deployTransparentWithAccount,
      "PausableV4Next",
    ],
    ["a zOS proxy", deployZos, "PausableV4Next"],
    ["a UUPS proxy of OpenZeppelin 4", deployUupsV4, "UupsV4Next"],
  ];
  for (const [family, deployProxy, next] of FAMILIES) {
    it(`brings ${family} back`, async () => {
      const { connection, dr, init, file } = await openRecovery(folder.path);
      const target = await deployProxy(connection);
      await upgradeProxy(connection, target, await deploy(connection, next));
      await init({ Counter: target.proxy });
      const { contracts } = await dr.rollback({
        to: target.implementation,
      });
      expect(contracts[0]).to.include({
        now: target.implementation,
        versionAfter: "1.0.0",
        paused: false,
      });
      const { history } = (await file()).contracts.Counter!;
      expect(history.at(-1)).to.include({ reason: "rollback" });
      expect(history.at(-1)).to.include.keys("block", "tx", "at");
    });
  }

  it("leaves paused what shall stay paused", async () => {
    const { dr } = await brokenPlatform();
    const { contracts } = await dr.rollback({
      contracts: ["Endorsement"],
      keepPaused: true,
    });
    expect(contracts[0]).to.include({ versionAfter: "1.0.0", paused: true });
  });

  it("goes on from a pause that was there before", async () => {
    const { dr } = await brokenPlatform();
    await dr.pause();
    const first = await dr.rollback({ contracts: ["SkillProfile"] });
    expect(first.contracts[0]?.paused).to.equal(false);
    expect(first.contracts[0]?.txs).to.have.length(2);
    const second = await dr.rollback({
      contracts: ["Endorsement"],
      pause: false,
    });
    expect(second.contracts[0]).to.include({ paused: true });
  });

  it("rolls back what can't be paused, and says so", async () => {
    const { dr, session } = await upgradedUups("Unpausable", "UnpausableNext");
    const { plan } = await prepareRollback(await session(), {
      ...PROFILE,
      names: ["Counter"],
    });
    expect(plan.notes.join()).to.include("no pause");
    const { contracts } = await dr.rollback();
    expect(contracts[0]).to.include({ versionAfter: "1.0.0", paused: null });
  });

  it("finds out beforehand that a pause blocks the upgrade; without it works", async () => {
    const { dr, blockNumber } = await upgradedUups(
      "UupsV5",
      "UupsPauseBlocksUpgrade",
    );
    const before = await blockNumber();
    const refusal = await refusalOf(() => dr.rollback());
    expect(refusal).to.include({ code: "PAUSE_BLOCKS_UPGRADE", exitCode: 3 });
    expect(await blockNumber()).to.equal(before);
    await dr.pause();
    const paused = await refusalOf(() => dr.rollback());
    expect(paused.code).to.equal("PAUSE_BLOCKS_UPGRADE");
  });

  it("says that the pause is in the way when the contract names nobody meanwhile", async () => {
    const { dr } = await upgradedUups(
      "UupsPauseBlocksUpgradeFirst",
      "UupsPauseBlocksUpgradeFirst",
    );
    await dr.pause();
    const refusal = await refusalOf(() => dr.rollback());
    expect(refusal.code).to.equal("PAUSE_BLOCKS_UPGRADE");
    await dr.unpause();
    const { contracts } = await dr.rollback({ pause: false });
    expect(contracts[0]).to.include({ versionAfter: "1.0.0", paused: false });
  });

  it("refuses when the target couldn't be unpaused", async () => {
    const { dr, blockNumber } = await upgradedUups("Unpausable", "UupsV5");
    const before = await blockNumber();
    const refusal = await refusalOf(() => dr.rollback());
    expect(refusal).to.include({ code: "SEQUENCE_WOULD_FAIL", exitCode: 3 });
    expect(await blockNumber()).to.equal(before);
  });

  it("names the other proxies that move with a beacon", async () => {
    const { connection, platform, session } = await brokenPlatform();
    const initialize = await encode(connection, "SkillClaim", "initialize", [
      platform.owner,
    ]);
    const other = await deploy(connection, BEACON_PROXY, [
      platform.beacon,
      initialize,
    ]);
    const { resolution } = await prepareRollback(await session(), {
      ...PROFILE,
      names: ["SkillClaim"],
    });
    const notes = resolution.notes.join();
    expect(notes).to.include(other).and.not.include(platform.skillClaim);
  });

  it("refuses to misread storage, unless the slots are named", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy, implementation } = await deployRetypedLedger(connection);
    await init({ Ledger: proxy });
    const call = { contracts: ["Ledger"] };
    const refusal = await refusalOf(() => dr.rollback(call));
    expect(refusal.code).to.equal("ROLLBACK_CORRUPTS_STORAGE");
    const needed = String(refusal.values.needed).split(",");
    const half = await refusalOf(() =>
      dr.rollback({ ...call, acceptStorageRisk: ["77"] }),
    );
    expect(half.code).to.equal("ROLLBACK_CORRUPTS_STORAGE");
    const { contracts } = await dr.rollback({
      ...call,
      acceptStorageRisk: needed,
    });
    expect(contracts[0]?.now).to.equal(implementation);
  });

  it("goes back one more after a rollback, never to what was marked bad", async () => {
    const { dr, file, target } = await upgradedUups(
      "UupsV5",
      "UupsNumericVersion",
      "UupsWithoutVersion",
    );
    await dr.rollback();
    const { contracts } = await dr.rollback();
    expect(contracts[0]).to.include({
      now: target.implementation,
      versionAfter: "1.0.0",
    });
    const { history } = (await file()).contracts.Counter!;
    expect(history).to.have.length(5);
    const third = await refusalOf(() => dr.rollback());
    expect(third.code).to.equal("NO_PREVIOUS_IMPLEMENTATION");
  });

  it("stays paused while a check of the user's fails, and goes on once it passes", async () => {
    let healthy = false;
    const { dr, file, platform, bad } = await brokenPlatform({
      verify: { SkillProfile: () => healthy },
    });
    const failure = await refusalOf(() =>
      dr.rollback({ contracts: ["SkillProfile"] }),
    );
    expect(failure).to.include({ code: "VERIFICATION_FAILED", exitCode: 5 });
    expect(failure.message.match(/isn't right/g)).to.have.length(1);
    const call = { contracts: ["SkillProfile"] };
    const [stopped] = (await dr.status(call)).contracts;
    expect(stopped).to.include({
      paused: true,
      implementation: platform.implementations.skillProfile,
    });
    const { history } = (await file()).contracts.SkillProfile!;
    expect(history.at(-1)?.implementation).to.equal(bad.skillProfile);

    healthy = true;
    await dr.resume();
    const [mended] = (await dr.status(call)).contracts;
    expect(mended).to.deep.include({ paused: false, drift: [] });
  });

  it("gives the user's check the contract to read", async () => {
    const seen: unknown[] = [];
    const { dr, platform } = await brokenPlatform({
      verify: {
        SkillProfile: async ({
          name,
          contract,
        }: {
          name: string;
          contract: {
            address: Address;
            read(signature: string, ...args: unknown[]): Promise<unknown>;
          };
        }) => {
          seen.push(
            name,
            contract.address,
            await contract.read("function version() view returns (string)"),
            await contract.read("function nothing() view returns (uint256)"),
          );
        },
      },
    });
    await dr.rollback({ contracts: ["SkillProfile"] });
    expect(seen).to.deep.equal([
      "SkillProfile",
      platform.skillProfile,
      "1.0.0",
      undefined,
    ]);
  });

  describe("when the world changes meanwhile", () => {
    async function prepared(config = {}) {
      const broken = await brokenPlatform(config);
      const session = await broken.session();
      const { plan } = await prepareRollback(session, PROFILE);
      return { ...broken, opened: session, plan };
    }

    async function upgradeProfile(
      { connection, platform }: Awaited<ReturnType<typeof prepared>>,
      contract = "SkillProfileWithBadInitializer",
    ): Promise<void> {
      const admin = await contractAt(
        connection,
        PROXY_ADMIN,
        platform.proxyAdmin,
      );
      await send(connection, admin, "upgradeAndCall", [
        platform.skillProfile,
        await deploy(connection, contract),
        "0x",
      ]);
    }

    it("changes nothing when somebody else upgraded before the first step", async () => {
      const scene = await prepared();
      await upgradeProfile(scene);
      const before = await scene.blockNumber();
      const refusal = await refusalOf(() =>
        conductWith(scene.opened, scene.plan, {}),
      );
      expect(refusal).to.include({ code: "PLAN_STALE", exitCode: 3 });
      expect(await scene.blockNumber()).to.equal(before);
    });

    it("changes nothing when the name means another proxy by now", async () => {
      const scene = await prepared();
      const { skillProfile } = scene.platform;
      const { proxy } = await deployUups(scene.connection);
      await scene.edit((text) => text.replace(skillProfile, proxy));
      const refusal = await refusalOf(() =>
        conductWith(scene.opened, scene.plan, {}),
      );
      expect(refusal.code).to.equal("PLAN_STALE");
    });

    it("stops, paused, when somebody else upgrades during the run", async () => {
      const scene = await prepared();
      const { outcome } = await conductWith(scene.opened, scene.plan, {
        rollback: async () => {
          await upgradeProfile(scene);
        },
      });
      expect(codeIn(outcome)).to.equal("PLAN_STALE");
      expect(exitCodeOf(outcome)).to.equal(EXIT_CODES.partial);
      const [status] = (await scene.dr.status()).contracts;
      expect(status).to.include({ paused: true });
    });

    it("stops, paused, when the upgrade is refused, and goes on later", async () => {
      const scene = await prepared();
      const { connection, platform } = scene;
      const stranger = await signer(connection, 19);
      const transfer = async (from: Address, to: string) => {
        const account = await connection.ethers.getSigner(from);
        const admin = await contractAt(
          connection,
          PROXY_ADMIN,
          platform.proxyAdmin,
          account,
        );
        await send(connection, admin, "transferOwnership", [to]);
      };
      const { outcome, run } = await conductWith(scene.opened, scene.plan, {
        rollback: async () => {
          await transfer(platform.owner, stranger.address);
        },
      });
      expect(codeIn(outcome)).to.equal("CALL_WOULD_REVERT");
      expect(exitCodeOf(outcome)).to.equal(EXIT_CODES.partial);
      await transfer(stranger.address as Address, platform.owner);
      expect(await scene.dr.resume()).to.equal(run);
      const [status] = (await scene.dr.status()).contracts;
      expect(status).to.deep.include({
        paused: false,
        version: "1.0.0",
        drift: [],
      });
    });

    it("notices that its record was overwritten, and writes it again", async () => {
      const scene: Recovery & Awaited<ReturnType<typeof prepared>> =
        await prepared();
      const old = await readFile(scene.path, "utf8");
      const record = scene.plan.steps.at(-1)!;
      const overwritten = {
        ...record,
        run: async (log: Parameters<typeof record.run>[0]) => {
          await record.run(log);
          await writeFile(scene.path, old);
        },
      };
      const steps = [...scene.plan.steps.slice(0, -1), overwritten];
      const { outcome } = await conductWith(
        scene.opened,
        { ...scene.plan, steps },
        {},
      );
      expect(codeIn(outcome)).to.equal("NOT_RECORDED");
      await scene.dr.resume();
      const { history } = (await scene.file()).contracts.SkillProfile!;
      expect(history.at(-1)?.reason).to.equal("rollback");
    });
  });
});

function codeIn(outcome: { readonly status: string }): unknown {
  return "error" in outcome
    ? (outcome.error as { code?: unknown }).code
    : outcome.status;
}
