import { expect } from "chai";
import { id } from "ethers";
import hre from "hardhat";

import type { Permission } from "../../src/authority/authority.js";
import { AuthorityGraph } from "../../src/authority/graph.js";
import {
  pausePermission,
  upgradePermission,
} from "../../src/authority/proxy-permission.js";
import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import { inspectProxy } from "../../src/proxy/inspect.js";
import { contractAt, deploy, encode, send } from "../helpers/contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  grantManagedRole,
} from "../helpers/deploy-governance.js";
import {
  ERC1967_PROXY,
  TRANSPARENT_PROXY,
} from "../helpers/deploy-platform.js";
import { deployManaged } from "../helpers/deploy-proxies.js";
import { CountingRpc } from "./counting-rpc.js";

/** As the issue has it for 500 contracts, `dr:status` as a whole. */
const BUDGET = 15;

type SimulatedConnection = Awaited<ReturnType<typeof hre.network.create>>;

describe("round trips of reading who may pause and upgrade", () => {
  let connection: SimulatedConnection;
  let accounts: readonly Address[];
  let timelock: Address;

  beforeEach(async () => {
    connection = await hre.network.create();
    const signers = await connection.ethers.getSigners();
    accounts = signers.map(({ address }) => address as Address);
    const safe = await deploySafe(connection, {
      owners: accounts.slice(1, 4),
      threshold: 2,
    });
    timelock = await deployTimelock(connection, {
      minDelaySeconds: 172_800,
      proposers: [safe],
      executors: [ZERO_ADDRESS],
    });
  });

  async function measure(
    proxies: readonly Address[],
    fromBlock = 0n,
  ): Promise<{ readonly permissions: Permission[]; readonly count: number }> {
    const rpc = new CountingRpc(new ProviderRpc("test", connection.provider));
    const reader = await BlockReader.at(rpc);
    const graph = new AuthorityGraph(reader, fromBlock);
    const permissions = await Promise.all(
      proxies.map(async (address) => {
        const state = await inspectProxy(reader, address);
        return state === undefined
          ? expect.fail("there is no code")
          : await Promise.all([
              pausePermission(graph, state),
              upgradePermission(graph, state),
            ]);
      }),
    );
    return { permissions: permissions.flat(), count: rpc.roundTrips };
  }

  /** Each with a ProxyAdmin of its own, all owned by the timelock. */
  async function deployTransparent(count: number): Promise<Address[]> {
    const implementation = await deploy(connection, "SkillProfile");
    const initialize = await encode(connection, "SkillProfile", "initialize", [
      timelock,
    ]);
    return await deployMany(count, TRANSPARENT_PROXY, [
      implementation,
      timelock,
      initialize,
    ]);
  }

  /** Paused by an account, upgraded by the timelock, each by a role. */
  async function deployWithRoles(count: number): Promise<Address[]> {
    const implementation = await deploy(connection, "Endorsement");
    const initialize = await encode(connection, "Endorsement", "initialize", [
      accounts[0],
    ]);
    const proxies = await deployMany(count, ERC1967_PROXY, [
      implementation,
      initialize,
    ]);
    for (const proxy of proxies) {
      const contract = await contractAt(connection, "Endorsement", proxy);
      const role = id("UPGRADER_ROLE");
      await send(connection, contract, "grantRole", [role, timelock]);
    }
    return proxies;
  }

  async function deployMany(
    count: number,
    name: string,
    args: readonly unknown[],
  ): Promise<Address[]> {
    const proxies: Address[] = [];
    while (proxies.length < count) {
      proxies.push(await deploy(connection, name, args));
    }
    return proxies;
  }

  for (const [name, deployProxies] of [
    ["owned by a timelock that a Safe proposes to", deployTransparent],
    ["with roles", deployWithRoles],
  ] as const) {
    it(`are as many for 200 proxies ${name} as for 2`, async () => {
      const proxies = await deployProxies(200);
      const few = await measure(proxies.slice(0, 2));
      const many = await measure(proxies);
      expect(many.permissions).to.have.length(400);
      expect(many.permissions.every(({ confirmed }) => confirmed)).to.equal(
        true,
      );
      expect(many.count).to.equal(few.count);
      expect(many.count).to.be.at.most(BUDGET);
    });
  }

  it("stay within the budget for a mixture, governance older than the contracts included", async () => {
    const fromBlock =
      BigInt(await connection.ethers.provider.getBlockNumber()) + 1n;
    const manager = await deployAccessManager(connection);
    const managed = await deployManaged(connection, manager);
    await grantManagedRole(connection, manager, managed.proxy, {
      roleId: 1n,
      functions: ["pause()", "upgradeToAndCall(address,bytes)"],
      members: [timelock],
      executionDelaySeconds: 60,
    });
    const proxies = [
      managed.proxy,
      ...(await deployTransparent(3)),
      ...(await deployWithRoles(3)),
    ];
    const { permissions, count } = await measure(proxies, fromBlock);
    expect(permissions.every(({ confirmed }) => confirmed)).to.equal(true);
    expect(count).to.be.at.most(BUDGET);
  });
});
