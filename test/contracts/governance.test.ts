import { expect } from "chai";
import hre from "hardhat";

import type { Address } from "../../src/core/hex.js";
import {
  contractAt,
  encode,
  read,
  revertOf,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  executeAsSafe,
  grantManagedRole,
  handOver,
  safeAt,
  timelockName,
} from "../helpers/deploy-governance.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { deployManaged } from "../helpers/deploy-proxies.js";

describe("the test governance", () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  it("a Safe to which all is handed over pauses all, its old owner nothing", async () => {
    const owners = await Promise.all(
      [1, 2, 3].map(async (index) => await signer(connection, index)),
    );
    const safe = await deploySafe(connection, {
      owners: owners.map(({ address }) => address as Address),
      threshold: 2,
    });
    const multisig = await safeAt(connection, safe);
    expect(await read(multisig, "getThreshold")).to.equal(2n);
    expect(await read(multisig, "VERSION")).to.equal("1.5.0");

    const platform = await deployPlatform(connection);
    await handOver(connection, platform, safe);
    for (const to of [
      platform.skillProfile,
      platform.endorsement,
      platform.skillClaim,
    ]) {
      const contract = await contractAt(connection, "SkillProfile", to);
      expect(await revertOf(contract, "pause")).to.not.equal(undefined);
      const data = await encode(connection, "SkillProfile", "pause");
      // Out of order on purpose: Safe wants signatures sorted by owner.
      const signers = owners.slice(1).reverse();
      await executeAsSafe(connection, safe, signers, { to, data });
      expect(await read(contract, "paused")).to.equal(true);
    }
  });

  for (const version of [4, 5] as const) {
    it(`a timelock of OpenZeppelin ${String(version)} knows its delay and proposer`, async () => {
      const proposer = (await signer(connection, 1)).address as Address;
      const timelock = await deployTimelock(connection, {
        minDelaySeconds: 3600,
        proposers: [proposer],
        executors: [proposer],
        version,
      });
      const contract = await contractAt(
        connection,
        timelockName(version),
        timelock,
      );
      expect(await read(contract, "getMinDelay")).to.equal(3600n);
      const role = await read(contract, "PROPOSER_ROLE");
      expect(await read(contract, "hasRole", [role, proposer])).to.equal(true);
    });
  }

  it("an AccessManager lets its members pause, and nobody else", async () => {
    const manager = await deployAccessManager(connection);
    const { proxy } = await deployManaged(connection, manager);
    const member = await signer(connection, 1);
    await grantManagedRole(connection, manager, proxy, {
      roleId: 7n,
      functions: ["pause()", "unpause()"],
      members: [member.address as Address],
    });
    const asMember = await contractAt(
      connection,
      "ManagedPausable",
      proxy,
      member,
    );
    await send(connection, asMember, "pause");
    expect(await read(asMember, "paused")).to.equal(true);
    const asStranger = await contractAt(
      connection,
      "ManagedPausable",
      proxy,
      await signer(connection, 2),
    );
    expect(await revertOf(asStranger, "unpause")).to.equal(
      "AccessManagedUnauthorized",
    );
  });
});
