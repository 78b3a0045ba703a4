import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

import type { Address, Hex } from "../../../src/core/hex.js";
import {
  executedCalls,
  expectedEffects,
  verifyEffects,
} from "../../../src/recovery/safe/effects.js";
import { refusalOf } from "../../deployments/refusal.js";
import {
  deployAccessManager,
  deployTimelock,
} from "../../helpers/deploy-governance.js";
import { deployPlatform } from "../../helpers/deploy-platform.js";
import { readerOf } from "../../safe/sign.js";

const abi = new Interface([
  "function pause()",
  "function unpause()",
  "function upgradeTo(address)",
  "function upgradeToAndCall(address,bytes)",
  "function upgradeAndCall(address,address,bytes)",
  "function execute(address,bytes)",
  "function executeBatch(address[],uint256[],bytes[],bytes32,bytes32)",
  "function scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
]);

function call(to: Address, method: string, ...args: readonly unknown[]) {
  const data = abi.encodeFunctionData(method, [...args]) as Hex;
  return { operation: 0, to, value: 0n, data } as const;
}

describe("what a Safe's calls should leave behind", () => {
  it("is what the last of a kind says", async () => {
    const platform = await deployPlatform(await hre.network.create());
    const { proxyAdmin, skillProfile, beacon, implementations } = platform;
    const { skillClaim } = implementations;
    expect(
      expectedEffects([
        call(skillProfile, "pause"),
        call(proxyAdmin, "upgradeAndCall", skillProfile, skillClaim, "0x"),
        call(beacon, "upgradeTo", skillClaim),
        call(skillProfile, "unpause"),
        { operation: 0, to: beacon, value: 0n, data: "0x12345678" },
        { operation: 0, to: beacon, value: 0n, data: "0x3659cfe6" },
      ]),
    ).to.deep.equal([
      { kind: "paused", contract: skillProfile, paused: false },
      {
        kind: "implementation",
        contract: skillProfile,
        implementation: skillClaim,
      },
      { kind: "implementation", contract: beacon, implementation: skillClaim },
    ]);
  });

  it("is what timelocks and AccessManagers are told to do at once, and nobody else", async () => {
    const connection = await hre.network.create();
    const platform = await deployPlatform(connection);
    const { skillProfile, endorsement, owner } = platform;
    const manager = await deployAccessManager(connection);
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 1,
      proposers: [owner],
      executors: [owner],
    });
    const none = `0x${"00".repeat(32)}`;
    const pause = call(skillProfile, "pause");
    const managed = (to: Address) =>
      call(to, "execute(address,bytes)", skillProfile, pause.data);
    const inTimelock = (to: Address, data: Hex) => [
      [to],
      [0n],
      [data],
      none,
      none,
    ];
    const { data } = managed(manager);
    const batch = call(timelock, "executeBatch", ...inTimelock(manager, data));
    const later = call(
      timelock,
      "scheduleBatch",
      ...inTimelock(manager, data),
      1n,
    );
    const elsewhere = managed(endorsement);
    const reader = await readerOf(connection);
    expect(
      await executedCalls(reader, [batch, later, elsewhere, pause]),
    ).to.deep.equal([pause, later, elsewhere, pause]);
  });

  it("is read back from the chain, and named when it isn't there", async () => {
    const connection = await hre.network.create();
    const platform = await deployPlatform(connection);
    const { skillProfile, beacon, endorsement, implementations } = platform;
    const reader = await readerOf(connection);
    const right = [
      { kind: "paused", contract: skillProfile, paused: false },
      {
        kind: "implementation",
        contract: skillProfile,
        implementation: implementations.skillProfile,
      },
      {
        kind: "implementation",
        contract: endorsement,
        implementation: implementations.endorsement,
      },
      {
        kind: "implementation",
        contract: beacon,
        implementation: implementations.skillClaim,
      },
    ] as const;
    await verifyEffects(reader, right, () => undefined);
    const wrong = [
      { kind: "paused", contract: skillProfile, paused: true },
      {
        kind: "implementation",
        contract: skillProfile,
        implementation: implementations.skillClaim,
      },
      {
        kind: "implementation",
        contract: beacon,
        implementation: implementations.endorsement,
      },
    ] as const;
    for (const effect of wrong) {
      const refusal = await refusalOf(async () => {
        await verifyEffects(reader, [effect], () => "Named");
      });
      expect(refusal.code).to.equal("VERIFICATION_FAILED");
      expect(refusal.message).to.contain("Named");
    }
  });
});
