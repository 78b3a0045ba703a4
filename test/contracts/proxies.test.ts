import { expect } from "chai";
import hre from "hardhat";

import { sameAddress, type Address } from "../../src/core/hex.js";
import {
  contractAt,
  deploy,
  encode,
  read,
  revertOf,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import { deployPlatform, PROXY_ADMIN } from "../helpers/deploy-platform.js";
import {
  deployFleet,
  deployPlain,
  deployTransparentV4,
  deployTransparentWithAccount,
  deployUups,
  deployUupsV4,
  deployWithPauser,
  deployZos,
  upgradeProxy,
  type DeployedProxy,
} from "../helpers/deploy-proxies.js";

const ZOS_IMPLEMENTATION =
  "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3";
const EIP1967_IMPLEMENTATION =
  "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

describe("the test proxies", () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  const kinds: Record<
    string,
    [(connection: Connection) => Promise<DeployedProxy>, string, string]
  > = {
    "transparent 4.9": [
      async (c) => await deployTransparentV4(c),
      "PausableV4Next",
      EIP1967_IMPLEMENTATION,
    ],
    "transparent under an account": [
      deployTransparentWithAccount,
      "PausableV4Next",
      EIP1967_IMPLEMENTATION,
    ],
    zOS: [deployZos, "PausableV4Next", ZOS_IMPLEMENTATION],
    "UUPS 4.9": [deployUupsV4, "UupsV4Next", EIP1967_IMPLEMENTATION],
    "UUPS 5": [
      async (c) => await deployUups(c),
      "UupsPauseBlocksUpgrade",
      EIP1967_IMPLEMENTATION,
    ],
  };
  for (const [kind, [make, next, slot]] of Object.entries(kinds)) {
    it(`${kind} pauses and upgrades, and keeps its state`, async () => {
      const target = await make(connection);
      const contract = await contractAt(connection, "UupsV5", target.proxy);
      await send(connection, contract, "increment");
      await send(connection, contract, "pause");
      expect(await revertOf(contract, "increment")).to.not.equal(undefined);
      await send(connection, contract, "unpause");
      const implementation = await deploy(connection, next);
      await upgradeProxy(connection, target, implementation);
      expect(await read(contract, "version")).to.equal("2.0.0");
      expect(await read(contract, "count")).to.equal(1n);
      expect(await slotOf(connection, target.proxy, slot)).to.satisfy(
        (address: string) => sameAddress(address, implementation),
      );
    });
  }

  it("a zOS proxy answers its admin alone", async () => {
    const { proxy, implementation, admin } = await deployZos(connection);
    const asAdmin = await contractAt(
      connection,
      "ZosProxy",
      proxy,
      await connection.ethers.getSigner(admin),
    );
    expect(await read(asAdmin, "implementation")).to.equal(implementation);
    expect(await read(asAdmin, "admin")).to.equal(admin);
    const asOwner = await contractAt(connection, "ZosProxy", proxy);
    expect(await revertOf(asOwner, "implementation")).to.equal(
      "without a reason",
    );
    const counter = await contractAt(
      connection,
      "PausableV4",
      proxy,
      await connection.ethers.getSigner(admin),
    );
    expect(await revertOf(counter, "version")).to.equal(
      "Cannot call fallback function from the proxy admin",
    );
  });

  it("some UUPS contracts refuse what they are asked", async () => {
    const blocked = await deployUups(connection, "UupsPauseBlocksUpgrade");
    const contract = await contractAt(connection, "UupsV5", blocked.proxy);
    const upgrade = [await deploy(connection, "UupsV5"), "0x"];
    expect(await revertOf(contract, "upgradeToAndCall", upgrade)).to.equal(
      undefined,
    );
    await send(connection, contract, "pause");
    expect(await revertOf(contract, "upgradeToAndCall", upgrade)).to.equal(
      "EnforcedPause",
    );

    const frozen = await deployUups(connection, "UupsFrozen");
    const ice = await contractAt(connection, "UupsFrozen", frozen.proxy);
    expect(await revertOf(ice, "upgradeToAndCall", upgrade)).to.equal(
      "UpgradesAreFrozen",
    );

    const stubborn = await deployUups(connection, "UupsPauseReverts");
    const mule = await contractAt(
      connection,
      "UupsPauseReverts",
      stubborn.proxy,
    );
    expect(await revertOf(mule, "pause")).to.equal("NotNow");

    const pretender = await deployUups(connection, "UupsPauseDoesNothing");
    const actor = await contractAt(connection, "UupsV5", pretender.proxy);
    await send(connection, actor, "pause");
    expect(await read(actor, "paused")).to.equal(false);
  });

  it("a failed migration takes the upgrade with it", async () => {
    const platform = await deployPlatform(connection);
    const name = "SkillProfileWithBadInitializer";
    const admin = await contractAt(
      connection,
      PROXY_ADMIN,
      platform.proxyAdmin,
    );
    const nobody = (await signer(connection, 9)).address;
    const data = await encode(connection, name, "initializeV2", [nobody]);
    const args = [platform.skillProfile, await deploy(connection, name), data];
    expect(await revertOf(admin, "upgradeAndCall", args)).to.not.equal(
      undefined,
    );
  });

  it("a fleet shares one implementation", async () => {
    const fleet = await deployFleet(connection, 5);
    expect(new Set(fleet.map(({ proxy }) => proxy)).size).to.equal(5);
    expect(
      new Set(fleet.map(({ implementation }) => implementation)).size,
    ).to.equal(1);
  });

  it("a pauser beside the owner pauses", async () => {
    const { proxy, pauser } = await deployWithPauser(connection);
    const asOwner = await contractAt(connection, "PauserPausable", proxy);
    expect(await revertOf(asOwner, "pause")).to.equal("NotPauser");
    const asPauser = await contractAt(
      connection,
      "PauserPausable",
      proxy,
      await connection.ethers.getSigner(pauser),
    );
    await send(connection, asPauser, "pause");
    expect(await read(asPauser, "paused")).to.equal(true);
  });

  it("a plain contract has no proxy slots", async () => {
    const plain = await deployPlain(connection);
    for (const slot of [EIP1967_IMPLEMENTATION, ZOS_IMPLEMENTATION]) {
      expect(BigInt(await slotOf(connection, plain, slot))).to.equal(0n);
    }
  });
});

async function slotOf(
  { ethers }: Connection,
  address: Address,
  slot: string,
): Promise<string> {
  const word = await ethers.provider.getStorage(address, slot);
  return `0x${word.slice(-40)}`;
}
