import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { Address } from "../../src/core/hex.js";
import {
  proveRollback,
  rollbackTest,
  type RollbackScenario,
} from "../../src/testing.js";
import { refusalOf } from "../deployments/refusal.js";
import {
  contractAt,
  deploy,
  encode,
  read,
  send,
} from "../helpers/contracts.js";
import {
  deployPlatform,
  PROXY_ADMIN,
  proxyAdminOf,
} from "../helpers/deploy-platform.js";
import { deployUups } from "../helpers/deploy-proxies.js";
import { deployLedger, retypeLedger, spoilLedger } from "./deploy-ledger.js";

type Scenario = RollbackScenario<NetworkConnection>;

const PROFILE: Scenario = {
  connect: async () => await hre.network.create(),
  deploy: async (connection) => {
    const { skillProfile } = await deployPlatform(connection);
    const profile = await contractAt(connection, "SkillProfile", skillProfile);
    await send(connection, profile, "register", ["Aiko", "joinery"]);
    return skillProfile;
  },
  upgrade: "SkillProfileV2",
  use: async (connection, proxy) => {
    const profile = await contractAt(
      connection,
      "SkillProfileV2",
      proxy as Address,
    );
    const [member] = await connection.ethers.getSigners();
    await send(connection, profile, "reward", [member!.address, 5n]);
  },
  state: async (connection, proxy) => {
    const profile = await contractAt(
      connection,
      "SkillProfile",
      proxy as Address,
    );
    const [member] = await connection.ethers.getSigners();
    return [
      await read(profile, "owner"),
      await read(profile, "profileCount"),
      await read(profile, "profileOf", [member!.address]),
    ];
  },
};

const COUNTER: Scenario = {
  connect: PROFILE.connect,
  deploy: async (connection) =>
    (await deployUups(connection, "Unpausable")).proxy,
  upgrade: "UnpausableNext",
};

describe("rollbackTest", () => {
  rollbackTest("SkillProfile", PROFILE);

  rollbackTest("InitializedProfile", {
    ...PROFILE,
    upgrade: async (connection, proxy) => {
      const admin = await proxyAdminOf(connection, proxy as Address);
      const call = await encode(connection, "SkillProfileV2", "initializeV2", [
        0n,
      ]);
      await send(
        connection,
        await contractAt(connection, PROXY_ADMIN, admin),
        "upgradeAndCall",
        [proxy, await deploy(connection, "SkillProfileV2"), call],
      );
    },
  });

  it("says so when there is no mocha", async () => {
    const holder = globalThis as { it?: unknown };
    const { it: original } = holder;
    try {
      delete holder.it;
      const error = await refusalOf(() => {
        rollbackTest("Counter", COUNTER);
      });
      expect(error.code).to.equal("TEST_RUNNER_MISSING");
    } finally {
      holder.it = original;
    }
  });
});

describe("proveRollback", () => {
  it("tells what it has shown", async () => {
    const { safety, oldImplementation, newImplementation } =
      await proveRollback("Counter", COUNTER);
    expect(safety.verdict).to.equal("clean");
    expect(oldImplementation).to.not.equal(newImplementation);
  });

  it("fails with the slots when the rollback would misread storage", async () => {
    let beacon: Address = "0x";
    const error = await refusalOf(() =>
      proveRollback("Ledger", {
        connect: PROFILE.connect,
        deploy: async (connection) => {
          const ledger = await deployLedger(connection);
          ({ beacon } = ledger);
          return ledger.proxy;
        },
        upgrade: async (connection) => {
          await retypeLedger(connection, beacon);
        },
        use: async (connection, proxy) => {
          await spoilLedger(connection, proxy as Address);
        },
      }),
    );
    expect(error.code).to.equal("ROLLBACK_CORRUPTS_STORAGE");
    expect(error.message).to.include(
      "slot 1: int256 payouts → uint256 payouts",
    );
  });

  it("fails with OpenZeppelin's explanation when the upgrade is unsafe", async () => {
    const error = await refusalOf(() =>
      proveRollback("SkillProfile", {
        ...PROFILE,
        upgrade: "SkillProfileRetyped",
      }),
    );
    expect(error.code).to.equal("UPGRADE_UNSAFE");
    expect(error.message).to.include("_profiles");
  });

  it("fails when the state isn't what it was before the upgrade", async () => {
    const failure = await failureOf({
      ...COUNTER,
      use: async (connection, proxy) => {
        const counter = await contractAt(
          connection,
          "Unpausable",
          proxy as Address,
        );
        await send(connection, counter, "increment");
      },
      state: async (connection, proxy) =>
        await read(
          await contractAt(connection, "Unpausable", proxy as Address),
          "count",
        ),
    });
    expect(failure.message).to.match(
      /^Counter: after the rollback its state isn't what it was before the upgrade/,
    );
    expect(failure).to.include({ actual: 1n, expected: 0n });
  });

  it("fails when the state is lost by upgrading again", async () => {
    let reads = 0;
    const failure = await failureOf({
      ...COUNTER,
      state: () => {
        reads += 1;
        return Promise.resolve(reads === 4 ? "lost" : "kept");
      },
    });
    expect(failure.message).to.match(/^Counter: after upgrading again/);
  });

  it("fails when nothing was upgraded", async () => {
    const idle = { ...COUNTER, upgrade: () => Promise.resolve() };
    const error = await refusalOf(() => proveRollback("Counter", idle));
    expect(error.code).to.equal("ROLLBACK_NOT_PROVEN");
  });
});

async function failureOf(scenario: Scenario): Promise<Error> {
  try {
    await proveRollback("Counter", scenario);
  } catch (error) {
    return error as Error;
  }
  expect.fail("it was proven");
}
