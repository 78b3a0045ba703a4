import { expect } from "chai";
import { id } from "ethers";

import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import type { RollbackOptions } from "../../src/recovery/rollback.js";
import { exitCodeOf } from "../../src/run/runner.js";
import {
  preparePause,
  prepareRollback,
  prepareUpgrade,
} from "../../src/session/procedure.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  read,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import {
  deployAccessManager,
  deployTimelock,
  grantManagedRole,
  timelockName,
} from "../helpers/deploy-governance.js";
import {
  BEACON,
  breakPlatform,
  deployPlatform,
  PROXY_ADMIN,
  type Platform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { conductWith, openRecovery, type Recovery } from "./recovery.js";

const TWO_DAYS = 172_800;
const ACCESS_MANAGER =
  "@openzeppelin/contracts/access/manager/AccessManager.sol:AccessManager";
const PROFILE: RollbackOptions = {
  names: ["SkillProfile"],
  all: false,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
};
const ALL: RollbackOptions = { ...PROFILE, names: [], all: true };

describe("behind a timelock", () => {
  const folder = useTemporaryFolder();

  /** Who pauses stays; who upgrades is somebody else from now on. */
  async function handUpgradesTo(
    connection: Connection,
    platform: Platform,
    to: Address,
  ): Promise<void> {
    for (const [name, address] of [
      [PROXY_ADMIN, platform.proxyAdmin],
      [BEACON, platform.beacon],
    ] as const) {
      const contract = await contractAt(connection, name, address);
      await send(connection, contract, "transferOwnership", [to]);
    }
    const endorsement = await contractAt(
      connection,
      "Endorsement",
      platform.endorsement,
    );
    const role = id("UPGRADER_ROLE");
    await send(connection, endorsement, "grantRole", [role, to]);
    await send(connection, endorsement, "renounceRole", [role, platform.owner]);
  }

  async function brokenBehindTimelock(version: 4 | 5 = 5) {
    const recovery = await openRecovery(folder.path);
    const { connection } = recovery;
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: TWO_DAYS,
      proposers: [platform.owner],
      executors: [ZERO_ADDRESS],
      admin: platform.owner,
      version,
    });
    await handUpgradesTo(connection, platform, timelock);
    await recovery.init(platformProxies(platform));
    const contract = await contractAt(
      connection,
      timelockName(version),
      timelock,
    );
    return { ...recovery, platform, timelock, contract };
  }

  async function rollBack(recovery: Recovery, options = ALL) {
    const session = await recovery.session();
    const { plan } = await prepareRollback(session, options);
    return await conductWith(session, plan, {});
  }

  async function passTime({ connection }: Recovery, seconds: number) {
    const { provider } = connection;
    await provider.request({
      method: "evm_increaseTime",
      params: [seconds],
    });
    await provider.request({ method: "evm_mine" });
  }

  async function statesOf({ dr }: Recovery) {
    const { contracts } = await dr.status();
    return contracts.map((one) =>
      "version" in one ? `${String(one.version)} ${String(one.paused)}` : "",
    );
  }

  /** Every transaction of a chain that mines each in a block of its own. */
  async function countTransactions(recovery: Recovery, since: number) {
    return (await recovery.blockNumber()) - since;
  }

  const RECOVERED = ["1.0.0 false", "1.0.0 false", "1.0.0 false"];
  const PAUSED = ["2.0.0 true", "2.0.0 true", "2.0.0 true"];

  for (const version of [4, 5] as const) {
    it(`pauses now, schedules one operation, and executes it after the delay (OpenZeppelin ${version})`, async () => {
      const recovery = await brokenBehindTimelock(version);
      const start = await recovery.blockNumber();
      const { run, outcome } = await rollBack(recovery);
      expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
      expect(exitCodeOf(outcome)).to.equal(4);
      const { timestamp } =
        (await recovery.connection.ethers.provider.getBlock("latest"))!;
      expect(outcome).to.deep.include({
        until: { kind: "time", readyAt: BigInt(timestamp + TWO_DAYS) },
      });
      expect(await statesOf(recovery)).to.deep.equal(PAUSED);
      expect(await countTransactions(recovery, start)).to.equal(4);

      expect(
        (await refusalOf(async () => await recovery.dr.resume())).code,
      ).to.equal("RUN_WAITING");
      await passTime(recovery, TWO_DAYS);
      const before = await recovery.blockNumber();
      expect(await recovery.dr.resume()).to.equal(run);
      expect(await statesOf(recovery)).to.deep.equal(RECOVERED);
      // One execution, three unpauses.
      expect(await countTransactions(recovery, before)).to.equal(4);
      const { contracts } = await recovery.file();
      expect(contracts.Endorsement?.history.at(-1)?.reason).to.equal(
        "rollback",
      );
    });
  }

  it("takes up what is scheduled already, when the same is wanted again", async () => {
    const recovery = await brokenBehindTimelock();
    await rollBack(recovery);
    const start = await recovery.blockNumber();
    const { outcome } = await rollBack(recovery);
    expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
    expect(await countTransactions(recovery, start)).to.equal(0);
  });

  it("schedules the same a second time when it was done before", async () => {
    const recovery = await brokenBehindTimelock();
    const { timelock, platform } = recovery;
    await rollBack(recovery, PROFILE);
    await passTime(recovery, TWO_DAYS);
    await recovery.dr.resume();
    const bad = (await recovery.file()).contracts.SkillProfile!.history.at(
      -2,
    )!.implementation;
    const session = await recovery.session();
    const { plan } = await prepareUpgrade(session, {
      name: "SkillProfile",
      to: bad,
      constructorArguments: [],
    });
    await conductWith(session, plan, {});
    await passTime(recovery, TWO_DAYS);
    await recovery.dr.resume();

    const { outcome } = await rollBack(recovery, PROFILE);
    expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
    await passTime(recovery, TWO_DAYS);
    await recovery.dr.resume();
    expect((await statesOf(recovery))[0]).to.equal("1.0.0 false");
    const contract = await contractAt(
      recovery.connection,
      timelockName(5),
      timelock,
    );
    const executed = await contract.queryFilter("CallExecuted");
    expect(executed).to.have.lengthOf(3);
    expect(platform.owner).to.equal(recovery.platform.owner);
  });

  it("is done when somebody else has executed it meanwhile", async () => {
    const recovery = await brokenBehindTimelock();
    const { connection, contract } = recovery;
    await rollBack(recovery, PROFILE);
    await passTime(recovery, TWO_DAYS);
    await executeScheduled(connection, contract);
    const before = await recovery.blockNumber();
    await recovery.dr.resume();
    expect((await statesOf(recovery))[0]).to.equal("1.0.0 false");
    // The unpause alone.
    expect(await countTransactions(recovery, before)).to.equal(1);
  });

  it("stays paused and says so when the operation was cancelled", async () => {
    const recovery = await brokenBehindTimelock();
    const { connection, contract } = recovery;
    await rollBack(recovery, PROFILE);
    const [scheduled] = await contract.queryFilter("CallScheduled");
    if (!("args" in scheduled!)) {
      expect.fail("no logs");
    }
    await send(connection, contract, "cancel", [
      (scheduled.args as unknown[])[0],
    ]);
    const error = await refusalOf(async () => await recovery.dr.resume());
    expect(error.code).to.equal("TIMELOCK_CANCELLED");
    expect((await statesOf(recovery))[0]).to.equal("2.0.0 true");
  });

  it("schedules nothing when the delay was raised after the plan was made", async () => {
    const recovery = await brokenBehindTimelock();
    const { connection, timelock } = recovery;
    const session = await recovery.session();
    const { plan } = await prepareRollback(session, PROFILE);
    const { outcome } = await conductWith(session, plan, {
      "rollback:schedule": async () => {
        await raiseDelay(connection, timelock);
      },
    });
    expect(outcome).to.deep.include({ status: "failed" });
    expect("error" in outcome && outcome.error).to.include({
      code: "TIMELOCK_DELAY_RAISED",
    });
  });

  it("doesn't call done what was executed and changed again", async () => {
    const recovery = await brokenBehindTimelock();
    const { connection, timelock, platform, contract } = recovery;
    await rollBack(recovery, PROFILE);
    await passTime(recovery, TWO_DAYS);
    const session = await recovery.session();
    expect(session.ports.accounts[0]).to.equal(platform.owner);
    await executeScheduled(connection, contract);
    // Somebody goes to the bad one again, past the timelock.
    const { provider } = connection;
    await provider.request({
      method: "hardhat_impersonateAccount",
      params: [timelock],
    });
    await provider.request({
      method: "hardhat_setBalance",
      params: [timelock, "0xde0b6b3a7640000"],
    });
    const bad = (await recovery.file()).contracts.SkillProfile!.history.at(
      -1,
    )!.implementation;
    const admin = await contractAt(
      connection,
      PROXY_ADMIN,
      platform.proxyAdmin,
      await connection.ethers.getSigner(timelock),
    );
    await send(connection, admin, "upgradeAndCall", [
      platform.skillProfile,
      bad,
      "0x",
    ]);
    const error = await refusalOf(async () => await recovery.dr.resume());
    expect(error.code).to.equal("TIMELOCK_WITHOUT_EFFECT");
  });

  it("is refused where nobody here may propose, naming who may", async () => {
    const recovery = await brokenBehindTimelock();
    const { address } = await signer(recovery.connection, 5);
    const session = await recovery.session({ from: address });
    const error = await refusalOf(
      async () => await prepareRollback(session, { ...PROFILE, pause: false }),
    );
    expect(error.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(error.values.who).to.include(recovery.timelock);
    expect(error.values.who).to.include(recovery.platform.owner);
  });

  it("pauses through the timelock too, when it alone may", async () => {
    const recovery = await brokenBehindTimelock();
    const { connection, platform, timelock } = recovery;
    for (const name of ["SkillProfile", "SkillClaim"] as const) {
      const address =
        name === "SkillProfile" ? platform.skillProfile : platform.skillClaim;
      const contract = await contractAt(connection, name, address);
      await send(connection, contract, "transferOwnership", [timelock]);
    }
    const session = await recovery.session();
    const names = ["SkillProfile", "SkillClaim"];
    const { plan } = await preparePause(session, {
      names,
      all: false,
      paused: true,
    });
    expect(plan.steps.map((step) => step.id)).to.deep.equal([
      "pause:schedule",
      "pause:wait",
      "pause:execute",
    ]);
    const { outcome } = await conductWith(session, plan, {});
    expect(outcome.status).to.equal("waiting");
    await passTime(recovery, TWO_DAYS);
    await recovery.dr.resume();
    const { contracts } = await recovery.dr.status({ contracts: names });
    expect(contracts.map((one) => "paused" in one && one.paused)).to.deep.equal(
      [true, true],
    );
  });

  async function executeScheduled(
    connection: Connection,
    contract: Awaited<ReturnType<typeof contractAt>>,
  ) {
    const [scheduled] = await contract.queryFilter("CallScheduled");
    const [salted] = await contract.queryFilter("CallSalt");
    if (!("args" in scheduled!) || !("args" in salted!)) {
      expect.fail("no logs");
    }
    const [, , target, value, data, predecessor] = scheduled.args as unknown[];
    await send(connection, contract, "execute", [
      target,
      value,
      data,
      predecessor,
      (salted.args as unknown[])[1],
    ]);
  }

  async function raiseDelay(connection: Connection, timelock: Address) {
    const { provider } = connection;
    await provider.request({
      method: "hardhat_impersonateAccount",
      params: [timelock],
    });
    await provider.request({
      method: "hardhat_setBalance",
      params: [timelock, "0xde0b6b3a7640000"],
    });
    const contract = await contractAt(
      connection,
      timelockName(5),
      timelock,
      await connection.ethers.getSigner(timelock),
    );
    await send(connection, contract, "updateDelay", [TWO_DAYS * 2]);
    expect(await read(contract, "getMinDelay")).to.equal(BigInt(TWO_DAYS * 2));
  }

  describe("and an AccessManager", () => {
    const WEEK = 7 * 86_400;
    const UPGRADE = "upgradeAndCall(address,address,bytes)";

    async function managed(delaySeconds: number) {
      const recovery = await openRecovery(folder.path);
      const { connection } = recovery;
      const platform = await deployPlatform(connection);
      await breakPlatform(connection, platform);
      const manager = await deployAccessManager(connection);
      await grantManagedRole(connection, manager, platform.proxyAdmin, {
        roleId: 7n,
        functions: [UPGRADE],
        members: [platform.owner],
        executionDelaySeconds: delaySeconds,
      });
      const admin = await contractAt(
        connection,
        PROXY_ADMIN,
        platform.proxyAdmin,
      );
      await send(connection, admin, "transferOwnership", [manager]);
      await recovery.init({ SkillProfile: platform.skillProfile });
      return { ...recovery, platform, manager };
    }

    it("executes at once where no delay is asked for", async () => {
      const recovery = await managed(0);
      await recovery.dr.rollback();
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
    });

    it("schedules, waits and executes where one is", async () => {
      const recovery = await managed(3600);
      const { outcome } = await rollBack(recovery);
      expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
      expect((await rollBack(recovery)).outcome.status).to.equal("waiting");
      await passTime(recovery, 3600);
      const [run] = await unfinished(recovery);
      await recovery.dr.resume(run);
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
    });

    it("schedules, waits and executes several calls of one contract, each once", async () => {
      const recovery = await managed(3600);
      const { connection, manager, platform } = recovery;
      await grantManagedRole(connection, manager, platform.skillProfile, {
        roleId: 7n,
        functions: ["pause()", "unpause()"],
        members: [],
      });
      const profile = await contractAt(
        connection,
        "SkillProfile",
        platform.skillProfile,
      );
      await send(connection, profile, "transferOwnership", [manager]);
      const start = await connection.ethers.provider.getBlockNumber();
      const { run, outcome } = await rollBack(recovery);
      expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
      await passTime(recovery, 3600);
      const executed = await recovery.dr.resume(run).catch(() => undefined);
      expect(executed).to.equal(undefined);
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 true"]);
      await passTime(recovery, 3600);
      await recovery.dr.resume(run);
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
      const contract = await contractAt(connection, ACCESS_MANAGER, manager);
      for (const event of ["OperationScheduled", "OperationExecuted"]) {
        const logs = await contract.queryFilter(event, start);
        expect(logs, event).to.have.lengthOf(3);
      }
    });

    it("says that the schedule has expired", async () => {
      const recovery = await managed(3600);
      await rollBack(recovery);
      await passTime(recovery, 3600 + WEEK);
      const error = await refusalOf(async () => await recovery.dr.resume());
      expect(error.code).to.equal("MANAGED_SCHEDULE_GONE");
      expect(await statesOf(recovery)).to.deep.equal(["2.0.0 true"]);
      // And a new run schedules it again.
      const { run, outcome } = await rollBack(recovery);
      expect(outcome.status).to.equal("waiting");
      await passTime(recovery, 3600);
      await recovery.dr.resume(run);
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
    });

    it("says that the schedule was cancelled", async () => {
      const recovery = await managed(3600);
      const { connection, manager, platform } = recovery;
      await rollBack(recovery);
      const contract = await contractAt(connection, ACCESS_MANAGER, manager);
      const [scheduled] = await contract.queryFilter("OperationScheduled");
      if (!("args" in scheduled!)) {
        expect.fail("no logs");
      }
      const [, , , caller, target, data] = scheduled.args as unknown[];
      await send(connection, contract, "cancel", [caller, target, data]);
      const error = await refusalOf(async () => await recovery.dr.resume());
      expect(error.code).to.equal("MANAGED_SCHEDULE_GONE");
      expect(error.values.manager).to.equal(manager);
      expect(platform.owner).to.equal(caller);
    });

    it("goes through a timelock that is its member, and the timelock through it", async () => {
      const recovery = await managed(0);
      const { connection, manager, platform } = recovery;
      const timelock = await deployTimelock(connection, {
        minDelaySeconds: TWO_DAYS,
        proposers: [platform.owner],
        executors: [platform.owner],
      });
      const contract = await contractAt(connection, ACCESS_MANAGER, manager);
      await send(connection, contract, "grantRole", [7n, timelock, 0]);
      await send(connection, contract, "revokeRole", [7n, platform.owner]);
      const { outcome } = await rollBack(recovery);
      expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
      await passTime(recovery, TWO_DAYS);
      await recovery.dr.resume();
      expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
    });

    async function unfinished({ folder: deployments }: Recovery) {
      const { listRuns } = await import("../../src/run/list-runs.js");
      const runs = await listRuns(deployments);
      return runs.map(({ run }) => run);
    }
  });
});
