import { expect } from "chai";
import { id } from "ethers";
import hre from "hardhat";

import type { Authority } from "../../src/authority/authority.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import { contractAt, deploy, send } from "../helpers/contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  grantManagedRole,
  timelockName,
} from "../helpers/deploy-governance.js";
import { PROXY_ADMIN } from "../helpers/deploy-platform.js";
import { AlteredRpc } from "./altered-rpc.js";
import { setCode } from "./bytecode.js";
import { openGraph } from "./open-graph.js";

const MANAGER =
  "@openzeppelin/contracts/access/manager/AccessManager.sol:AccessManager";

type SimulatedConnection = Awaited<ReturnType<typeof hre.network.create>>;

describe("AuthorityGraph", () => {
  let connection: SimulatedConnection;
  let accounts: readonly Address[];

  beforeEach(async () => {
    connection = await hre.network.create();
    const signers = await connection.ethers.getSigners();
    accounts = signers.map(({ address }) => address as Address);
  });

  function account(index: number): Address {
    return accounts[index] ?? ZERO_ADDRESS;
  }

  function eoa(index: number): Authority {
    return { kind: "eoa", address: account(index) };
  }

  async function resolve(address: Address): Promise<Authority> {
    const { graph } = await openGraph(connection);
    return await graph.resolve(address);
  }

  it("takes an account with a key for one, whatever the case it is written in", async () => {
    const lower = account(1).toLowerCase() as Address;
    expect(await resolve(lower)).to.deep.equal(eoa(1));
  });

  it("takes an account with an EIP-7702 delegation for one, too", async () => {
    const plain = await deploy(connection, "PlainPausable", [account(0)]);
    await setCode(connection, account(1), `0xef0100${plain.slice(2)}`);
    expect(await resolve(account(1))).to.deep.equal(eoa(1));
  });

  it("calls the zero address nobody", async () => {
    expect(await resolve(ZERO_ADDRESS)).to.deep.equal({ kind: "nobody" });
  });

  it("finds a Safe's threshold, version and owners", async () => {
    const safe = await deploySafe(connection, {
      owners: [account(1), account(2), account(3)],
      threshold: 2,
    });
    expect(await resolve(safe)).to.deep.equal({
      kind: "safe",
      address: safe,
      version: "1.5.0",
      threshold: 2,
      owners: [eoa(1), eoa(2), eoa(3)],
    });
  });

  it("follows a Safe that is an owner of a Safe", async () => {
    const inner = await deploySafe(connection, {
      owners: [account(1)],
      threshold: 1,
    });
    const outer = await deploySafe(connection, {
      owners: [inner, account(2)],
      threshold: 2,
    });
    const authority = await resolve(outer);
    expect(authority).to.have.nested.property("owners[0].kind", "safe");
    expect(authority)
      .to.have.nested.property("owners[0].owners")
      .that.deep.equals([eoa(1)]);
  });

  describe("what isn't a Safe though it answers like one", () => {
    let safe: Address;

    beforeEach(async () => {
      const owners = [account(1)];
      safe = await deploySafe(connection, { owners, threshold: 1 });
    });

    it("is one with owners that nobody is", async () => {
      await connection.provider.request({
        method: "hardhat_setStorageAt",
        params: [safe, "0x3", `0x${"7".padStart(64, "0")}`],
      });
      expect(await resolve(safe)).to.deep.equal({
        kind: "contract",
        address: safe,
      });
    });

    it("is a contract that asks a Safe and has nothing in its own storage", async () => {
      // Passes every call on: calldatacopy, CALL, returndatacopy, return.
      const forwarder: Hex = `0x365f5f375f5f365f5f73${safe.slice(2)}5af1503d5f5f3e3d5ff3`;
      await setCode(connection, account(9), forwarder);
      expect(await resolve(account(9))).to.deep.equal({
        kind: "contract",
        address: account(9),
      });
    });
  });

  for (const version of [4, 5] as const) {
    describe(`TimelockController ${String(version)}`, () => {
      it("gives delay, proposers, executors and cancellers", async () => {
        const timelock = await deployTimelock(connection, {
          minDelaySeconds: 172_800,
          proposers: [account(1), account(2)],
          executors: [account(3)],
          version,
        });
        expect(await resolve(timelock)).to.deep.equal({
          kind: "timelock",
          address: timelock,
          delaySeconds: 172_800n,
          proposers: [eoa(1), eoa(2)],
          executors: [eoa(3)],
          cancellers: [eoa(1), eoa(2)],
          openExecutor: false,
        });
      });

      it("says when anybody may execute", async () => {
        const timelock = await deployTimelock(connection, {
          minDelaySeconds: 60,
          proposers: [account(1)],
          executors: [ZERO_ADDRESS, account(3)],
          version,
        });
        expect(await resolve(timelock)).to.deep.include({
          openExecutor: true,
          executors: [],
        });
      });

      it("leaves out who was revoked, and shows who was granted again", async () => {
        const timelock = await deployTimelock(connection, {
          minDelaySeconds: 60,
          proposers: [account(1), account(2)],
          executors: [account(3)],
          admin: account(0),
          version,
        });
        const contract = await contractAt(
          connection,
          timelockName(version),
          timelock,
        );
        const role = id("PROPOSER_ROLE");
        for (const proposer of [account(1), account(2)]) {
          await send(connection, contract, "revokeRole", [role, proposer]);
        }
        await send(connection, contract, "grantRole", [role, account(2)]);
        expect(await resolve(timelock)).to.deep.include({
          proposers: [eoa(2)],
        });
      });
    });
  }

  describe("AccessManager", () => {
    it("gives its administrators when no function is in question", async () => {
      const manager = await deployAccessManager(connection);
      expect(await resolve(manager)).to.deep.equal({
        kind: "access-manager",
        address: manager,
        roleId: 0n,
        members: [{ authority: eoa(0), delaySeconds: 0n }],
      });
    });

    it("gives who holds the role of the function, with their delays", async () => {
      const manager = await deployAccessManager(connection);
      const target = account(9);
      await grantManagedRole(connection, manager, target, {
        roleId: 7n,
        functions: ["pause()"],
        members: [account(1)],
      });
      await grantManagedRole(connection, manager, target, {
        roleId: 7n,
        functions: [],
        members: [account(2)],
        executionDelaySeconds: 3600,
      });
      const { graph } = await openGraph(connection);
      const authority = await graph.resolve(manager, {
        target,
        selector: "0x8456cb59",
      });
      expect(authority).to.deep.equal({
        kind: "access-manager",
        address: manager,
        roleId: 7n,
        members: [
          { authority: eoa(1), delaySeconds: 0n },
          { authority: eoa(2), delaySeconds: 3600n },
        ],
      });
    });

    it("leaves out who was granted with a delay that isn't over", async () => {
      const manager = await deployAccessManager(connection);
      const contract = await contractAt(connection, MANAGER, manager);
      await send(connection, contract, "setGrantDelay", [7n, 86_400]);
      await connection.provider.request({
        method: "evm_increaseTime",
        params: [6 * 86_400],
      });
      await grantManagedRole(connection, manager, account(9), {
        roleId: 7n,
        functions: ["pause()"],
        members: [account(1)],
      });
      const { graph } = await openGraph(connection);
      expect(
        await graph.resolve(manager, {
          target: account(9),
          selector: "0x8456cb59",
        }),
      ).to.deep.include({ roleId: 7n, members: [] });
    });

    it("says anyone of a function that is public, and of a closed target nobody", async () => {
      const manager = await deployAccessManager(connection);
      const contract = await contractAt(connection, MANAGER, manager);
      const wanted = { target: account(9), selector: "0x8456cb59" } as const;
      await send(connection, contract, "setTargetFunctionRole", [
        wanted.target,
        [wanted.selector],
        2n ** 64n - 1n,
      ]);
      const open = await openGraph(connection);
      expect(await open.graph.resolve(manager, wanted)).to.deep.include({
        members: [{ authority: { kind: "anyone" }, delaySeconds: 0n }],
      });

      await send(connection, contract, "setTargetClosed", [
        wanted.target,
        true,
      ]);
      const closed = await openGraph(connection);
      expect(await closed.graph.resolve(manager, wanted)).to.deep.include({
        members: [],
      });
    });
  });

  describe("other contracts", () => {
    it("names the owner", async () => {
      const plain = await deploy(connection, "PlainPausable", [account(4)]);
      expect(await resolve(plain)).to.deep.equal({
        kind: "contract",
        address: plain,
        owner: eoa(4),
      });
    });

    it("says contract when nothing is known", async () => {
      const unknown = await deploy(connection, "UnknownOwner");
      expect(await resolve(unknown)).to.deep.equal({
        kind: "contract",
        address: unknown,
      });
    });

    it("isn't led astray by one that answers everything with zeros", async () => {
      // RETURN(0, 0xa0), whatever is called.
      const yes = account(9);
      await setCode(connection, yes, "0x60a05ff3");
      expect(await resolve(yes)).to.deep.equal({
        kind: "contract",
        address: yes,
        owner: { kind: "nobody" },
      });
    });

    it("cuts a cycle where it closes", async () => {
      const first = await deploy(connection, PROXY_ADMIN, [account(0)]);
      const second = await deploy(connection, PROXY_ADMIN, [first]);
      const contract = await contractAt(connection, PROXY_ADMIN, first);
      await send(connection, contract, "transferOwnership", [second]);
      expect(await resolve(first)).to.deep.equal({
        kind: "contract",
        address: first,
        owner: {
          kind: "contract",
          address: second,
          owner: { kind: "unfollowed", address: first, reason: "cycle" },
        },
      });
    });

    it("stops following a chain that has no end in sight", async () => {
      let last = account(0);
      for (let count = 0; count < 12; count += 1) {
        last = await deploy(connection, PROXY_ADMIN, [last]);
      }
      expect(JSON.stringify(await resolve(last))).to.include(
        '"kind":"unfollowed"',
      );
    });
  });

  it("follows a Safe that proposes to a timelock that owns a contract", async () => {
    const safe = await deploySafe(connection, {
      owners: [account(1), account(2)],
      threshold: 2,
    });
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 60,
      proposers: [safe],
      executors: [safe],
    });
    const admin = await deploy(connection, PROXY_ADMIN, [timelock]);
    const owners = [eoa(1), eoa(2)];
    expect(await resolve(admin))
      .to.have.nested.property("owner.proposers[0]")
      .that.deep.includes({ kind: "safe", owners });
  });

  describe("the log of role events", () => {
    it("isn't trusted when it has no grant at all", async () => {
      const timelock = await deployTimelock(connection, {
        minDelaySeconds: 60,
        proposers: [account(1)],
        executors: [account(1)],
      });
      const { graph } = await openGraph(connection, {
        through: (inner) =>
          new AlteredRpc(inner, ({ method }) =>
            method === "eth_getLogs" ? { ok: true, result: [] } : undefined,
          ),
      });
      expect(await graph.resolve(timelock)).to.deep.include({
        proposers: [{ kind: "unlisted" }],
        executors: [{ kind: "unlisted" }],
        openExecutor: false,
      });
    });

    it("is read with one filter for all contracts", async () => {
      const timelocks = await Promise.all(
        [1, 2, 3].map(
          async (index) =>
            await deployTimelock(connection, {
              minDelaySeconds: 60,
              proposers: [account(index)],
              executors: [account(index)],
            }),
        ),
      );
      const { graph, rpc } = await openGraph(connection);
      const found = await Promise.all(
        timelocks.map(async (timelock) => await graph.resolve(timelock)),
      );
      expect(
        found.map((each) => "proposers" in each && each.proposers[0]),
      ).to.deep.equal([eoa(1), eoa(2), eoa(3)]);
      expect(rpc.asked("eth_getLogs")).to.equal(1);
    });
  });
});
