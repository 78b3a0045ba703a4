import { expect } from "chai";
import { id } from "ethers";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import hre from "hardhat";

import type { Authority, Permission } from "../../src/authority/authority.js";
import type { AuthorityGraph } from "../../src/authority/graph.js";
import { findPermission } from "../../src/authority/permission.js";
import {
  pausePermission,
  upgradePermission,
} from "../../src/authority/proxy-permission.js";
import { encodeCall } from "../../src/chain/abi.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import { inspectProxy, type ProxyState } from "../../src/proxy/inspect.js";
import {
  contractAt,
  deploy,
  deployCode,
  encode,
  send,
} from "../helpers/contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  grantManagedRole,
  handOver,
} from "../helpers/deploy-governance.js";
import { deployPlatform, PROXY_ADMIN } from "../helpers/deploy-platform.js";
import {
  deployManaged,
  deployPlain,
  deployTransparentV4,
  deployTransparentWithAccount,
  deployUups,
  deployUupsV4,
  deployWithPauser,
  deployZos,
} from "../helpers/deploy-proxies.js";
import { AlteredRpc } from "./altered-rpc.js";
import {
  dispatcher,
  minimalClone,
  onlyFrom,
  returnAddress,
  REVERT,
  revertWith,
  setCode,
  STOP,
} from "./bytecode.js";
import { openGraph } from "./open-graph.js";

const PAUSE = encodeCall("function pause()");
const UNPAUSE = encodeCall("function unpause()");
const OWNER: Hex = "0x8da5cb5b";
const ENFORCED_PAUSE: Hex = "0xd93c0665";
const OWNABLE_UNAUTHORIZED: Hex = "0x118cdaa7";
const PAUSER_ROLE = id("PAUSER_ROLE") as Hex;
const UPGRADER_ROLE = id("UPGRADER_ROLE") as Hex;

type SimulatedConnection = Awaited<ReturnType<typeof hre.network.create>>;
type Ask = (graph: AuthorityGraph, proxy: ProxyState) => Promise<Permission>;

describe("permissions", () => {
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

  async function ask(what: Ask, address: Address): Promise<Permission> {
    const { graph } = await openGraph(connection);
    const proxy = await inspectProxy(graph.reader, address);
    if (proxy === undefined) {
      expect.fail("there is no code");
    }
    return await what(graph, proxy);
  }

  async function setPaused(contract: string, proxy: Address): Promise<void> {
    await send(
      connection,
      await contractAt(connection, contract, proxy),
      "pause",
    );
  }

  const owner = { kind: "owner", getter: "owner" } as const;

  describe("pausePermission", () => {
    for (const paused of [false, true]) {
      describe(paused ? "of paused contracts" : "of running contracts", () => {
        it("finds the owner, OpenZeppelin 5", async () => {
          const { skillProfile } = await deployPlatform(connection);
          if (paused) {
            await setPaused("SkillProfile", skillProfile);
          }
          expect(await ask(pausePermission, skillProfile)).to.deep.equal({
            mechanism: owner,
            holders: [eoa(0)],
            confirmed: true,
          });
        });

        it("finds the owner, OpenZeppelin 4", async () => {
          const { proxy } = await deployTransparentV4(connection);
          if (paused) {
            await setPaused("PausableV4", proxy);
          }
          expect(await ask(pausePermission, proxy)).to.deep.equal({
            mechanism: owner,
            holders: [eoa(0)],
            confirmed: true,
          });
        });

        it("finds the members of the role", async () => {
          const { endorsement } = await deployPlatform(connection);
          const contract = await contractAt(
            connection,
            "Endorsement",
            endorsement,
          );
          await send(connection, contract, "grantRole", [
            PAUSER_ROLE,
            account(4),
          ]);
          if (paused) {
            await setPaused("Endorsement", endorsement);
          }
          expect(await ask(pausePermission, endorsement)).to.deep.equal({
            mechanism: {
              kind: "role",
              role: PAUSER_ROLE,
              name: "PAUSER_ROLE",
            },
            holders: [eoa(0), eoa(4)],
            confirmed: true,
          });
        });

        it("finds a pauser beside the owner by letting both try", async () => {
          const { proxy } = await deployWithPauser(connection);
          if (paused) {
            const contract = await contractAt(
              connection,
              "PauserPausable",
              proxy,
              await connection.ethers.getSigner(account(2)),
            );
            await send(connection, contract, "pause");
          }
          expect(await ask(pausePermission, proxy)).to.deep.equal({
            mechanism: { kind: "owner", getter: "pauser" },
            holders: [eoa(2)],
            confirmed: true,
          });
        });
      });
    }

    it("names a pending owner", async () => {
      const plain = await deployPlain(connection);
      const contract = await contractAt(connection, "PlainPausable", plain);
      await send(connection, contract, "transferOwnership", [account(5)]);
      expect(await ask(pausePermission, plain)).to.deep.include({
        mechanism: { ...owner, pendingOwner: account(5) },
        holders: [eoa(0)],
      });
    });

    it("says nobody once the ownership is renounced, though the zero address would pass", async () => {
      const plain = await deployPlain(connection);
      const contract = await contractAt(connection, "PlainPausable", plain);
      await send(connection, contract, "renounceOwnership");
      expect(await ask(pausePermission, plain)).to.deep.equal({
        mechanism: owner,
        holders: [{ kind: "nobody" }],
        confirmed: true,
      });
    });

    it("shows nobody whose role was revoked", async () => {
      const { endorsement } = await deployPlatform(connection);
      const contract = await contractAt(connection, "Endorsement", endorsement);
      const own = [PAUSER_ROLE, account(0)];
      await send(connection, contract, "renounceRole", own);
      expect(await ask(pausePermission, endorsement)).to.deep.include({
        holders: [],
        confirmed: true,
      });
    });

    it("goes by hasRole when the events say otherwise", async () => {
      const { endorsement } = await deployPlatform(connection);
      // _roles[PAUSER_ROLE].hasRole[account 0] in AccessControl's namespace.
      const { graph } = await openGraph(connection);
      const slot = memberSlot(PAUSER_ROLE, account(0));
      expect(await graph.reader.storage(endorsement, slot)).to.match(/1$/);
      await connection.provider.request({
        method: "hardhat_setStorageAt",
        params: [endorsement, slot, `0x${"0".repeat(64)}`],
      });
      expect(await ask(pausePermission, endorsement)).to.deep.include({
        holders: [],
      });
    });

    it("finds all members of a role that many hold", async () => {
      const { endorsement } = await deployPlatform(connection);
      const contract = await contractAt(connection, "Endorsement", endorsement);
      const many = Array.from(
        { length: 40 },
        (_, index) => `0x${String(index + 100).padStart(40, "0")}`,
      );
      for (const member of many) {
        await send(connection, contract, "grantRole", [PAUSER_ROLE, member]);
      }
      const { holders, confirmed } = await ask(pausePermission, endorsement);
      expect(holders).to.have.length(41);
      expect(confirmed).to.equal(true);
    });

    it("says unlisted, and not nobody, when the node keeps no logs", async () => {
      const { endorsement } = await deployPlatform(connection);
      const { graph } = await openGraph(connection, {
        through: (inner) =>
          new AlteredRpc(inner, ({ method }) =>
            method === "eth_getLogs" ? { ok: true, result: [] } : undefined,
          ),
      });
      expect(
        await findPermission(graph, { to: endorsement, calls: [PAUSE] }),
      ).to.deep.include({
        holders: [{ kind: "unlisted" }],
        confirmed: false,
      });
    });

    it("finds the members that an enumerable contract of version 4 lists, whatever words it refuses with", async () => {
      const token = await deployPreset();
      const { graph, rpc } = await openGraph(connection);
      expect(
        await findPermission(graph, {
          to: token,
          calls: [PAUSE, UNPAUSE],
          roleHint: "PAUSE",
        }),
      ).to.deep.equal({
        mechanism: { kind: "role", role: PAUSER_ROLE, name: "PAUSER_ROLE" },
        holders: [eoa(0)],
        confirmed: true,
      });
      expect(rpc.asked("eth_getLogs")).to.equal(1);
    });

    it("lists the members of an enumerable contract without any log", async () => {
      const token = await deployPreset();
      const { graph, rpc } = await openGraph(connection);
      const grant = encodeCall("function grantRole(bytes32,address)", [
        PAUSER_ROLE,
        account(7),
      ]);
      expect(
        await findPermission(graph, { to: token, calls: [grant] }),
      ).to.deep.equal({
        mechanism: {
          kind: "role",
          role: `0x${"0".repeat(64)}`,
          name: "DEFAULT_ADMIN_ROLE",
        },
        holders: [eoa(0)],
        confirmed: true,
      });
      expect(rpc.asked("eth_getLogs")).to.equal(0);
    });

    it("asks the AccessManager, with the delay of each", async () => {
      const manager = await deployAccessManager(connection);
      const { proxy } = await deployManaged(connection, manager);
      const role = { roleId: 3n, functions: ["pause()", "unpause()"] };
      await grantManagedRole(connection, manager, proxy, {
        ...role,
        members: [account(1)],
      });
      await grantManagedRole(connection, manager, proxy, {
        ...role,
        members: [account(2)],
        executionDelaySeconds: 86_400,
      });
      expect(await ask(pausePermission, proxy)).to.deep.equal({
        mechanism: { kind: "access-manager" },
        holders: [
          {
            kind: "access-manager",
            address: manager,
            roleId: 3n,
            members: [
              { authority: eoa(1), delaySeconds: 0n },
              { authority: eoa(2), delaySeconds: 86_400n },
            ],
          },
        ],
        confirmed: true,
      });
    });

    it("follows the holder to the ends", async () => {
      const platform = await deployPlatform(connection);
      const safe = await deploySafe(connection, {
        owners: [account(1), account(2)],
        threshold: 2,
      });
      const timelock = await deployTimelock(connection, {
        minDelaySeconds: 60,
        proposers: [safe],
        executors: [ZERO_ADDRESS],
      });
      await handOver(connection, platform, timelock);
      const { skillProfile, endorsement, skillClaim } = platform;
      for (const proxy of [skillProfile, endorsement, skillClaim]) {
        for (const what of [pausePermission, upgradePermission]) {
          const { holders, confirmed } = await ask(what, proxy);
          expect(confirmed).to.equal(true);
          expect(holders).to.have.length(1);
          expect(holders[0]).to.deep.include({
            kind: "timelock",
            address: timelock,
            openExecutor: true,
          });
          expect(holders[0])
            .to.have.nested.property("proposers[0]")
            .that.deep.includes({
              kind: "safe",
              threshold: 2,
              owners: [eoa(1), eoa(2)],
            });
        }
      }
    });

    it("says absent when there is no such function, behind a proxy too", async () => {
      const { proxy } = await deployUups(connection, "Unpausable");
      expect(await ask(pausePermission, proxy)).to.deep.equal({
        mechanism: { kind: "absent" },
        holders: [],
        confirmed: true,
      });
    });

    it("says absent when a fallback swallows everything, and where no code is", async () => {
      const { graph } = await openGraph(connection);
      // PUSH4 pause() STOP: the selector in the code proves nothing.
      await setCode(connection, account(8), `0x63${PAUSE.slice(2)}${STOP}`);
      for (const to of [account(8), account(9)]) {
        expect(
          await findPermission(graph, { to, calls: [PAUSE] }),
        ).to.have.nested.property("mechanism.kind", "absent");
      }
    });

    it("says anyone when nothing guards the function", async () => {
      await setCode(connection, account(8), dispatcher({ [PAUSE]: STOP }));
      const { graph } = await openGraph(connection);
      expect(
        await findPermission(graph, { to: account(8), calls: [PAUSE] }),
      ).to.deep.equal({
        mechanism: { kind: "open" },
        holders: [{ kind: "anyone" }],
        confirmed: true,
      });
    });

    it("goes by the other call when the state forbids the first before the sender is looked at", async () => {
      const code = dispatcher({
        [PAUSE]: revertWith(ENFORCED_PAUSE),
        [UNPAUSE]: onlyFrom(account(3), revertWith(OWNABLE_UNAUTHORIZED)),
        [OWNER]: returnAddress(account(3)),
      });
      await setCode(connection, account(8), code);
      expect(await ask(pausePermission, account(8))).to.deep.equal({
        mechanism: owner,
        holders: [eoa(3)],
        confirmed: true,
      });
    });

    it("says when the holder gets past the guard but the state allows no call", async () => {
      const plain = await deployPlain(connection);
      await setPaused("PlainPausable", plain);
      const { graph } = await openGraph(connection);
      expect(
        await findPermission(graph, { to: plain, calls: [PAUSE] }),
      ).to.deep.equal({
        mechanism: owner,
        holders: [eoa(0)],
        confirmed: false,
      });
    });

    it("says unknown, and not absent, when a rule is met that it doesn't know", async () => {
      const contract = await deploy(connection, "UnknownOwner");
      const { graph } = await openGraph(connection);
      const data = await encode(connection, "UnknownOwner", "forward", [
        account(1),
        "0x",
      ]);
      expect(
        await findPermission(graph, { to: contract, calls: [data] }),
      ).to.deep.equal({
        mechanism: { kind: "unknown" },
        holders: [],
        confirmed: false,
      });
    });

    it("finds the owner behind a minimal clone that refuses without a word", async () => {
      const code = dispatcher({
        [PAUSE]: onlyFrom(account(3), REVERT),
        [OWNER]: returnAddress(account(3)),
      });
      await setCode(connection, account(8), code);
      await setCode(connection, account(9), minimalClone(account(8)));
      const { graph } = await openGraph(connection);
      expect(
        await findPermission(graph, { to: account(9), calls: [PAUSE] }),
      ).to.deep.equal({
        mechanism: owner,
        holders: [eoa(3)],
        confirmed: true,
      });
    });

    it("doesn't take an owner who is refused as a stranger is for the holder", async () => {
      const { implementation } = await deployWithPauser(connection);
      await setCode(connection, account(9), minimalClone(implementation));
      const contract = await contractAt(
        connection,
        "PauserPausable",
        account(9),
      );
      await send(connection, contract, "initialize", [
        account(1),
        ZERO_ADDRESS,
      ]);
      expect(await ask(pausePermission, account(9))).to.deep.equal({
        mechanism: {
          kind: "unknown",
          refused: {
            to: [account(1)],
            reason: `it reverts with 0x206a346e${"0".repeat(24)}<the sender>`,
          },
        },
        holders: [],
        confirmed: false,
      });
    });
  });

  describe("upgradePermission", () => {
    it("finds the owner of a ProxyAdmin, OpenZeppelin 5", async () => {
      const { skillProfile, proxyAdmin } = await deployPlatform(connection);
      expect(await ask(upgradePermission, skillProfile)).to.deep.equal({
        mechanism: { kind: "proxy-admin", address: proxyAdmin },
        holders: [eoa(0)],
        confirmed: true,
      });
    });

    it("finds the owner of a ProxyAdmin, OpenZeppelin 4", async () => {
      const { proxy, admin } = await deployTransparentV4(connection);
      expect(await ask(upgradePermission, proxy)).to.deep.equal({
        mechanism: { kind: "proxy-admin", address: admin },
        holders: [eoa(0)],
        confirmed: true,
      });
    });

    it("says nobody when the ProxyAdmin's ownership is renounced", async () => {
      const { skillProfile, proxyAdmin } = await deployPlatform(connection);
      const admin = await contractAt(connection, PROXY_ADMIN, proxyAdmin);
      await send(connection, admin, "renounceOwnership");
      expect(await ask(upgradePermission, skillProfile)).to.deep.equal({
        mechanism: { kind: "proxy-admin", address: proxyAdmin },
        holders: [{ kind: "nobody" }],
        confirmed: true,
      });
    });

    it("finds the role that the ProxyAdmin's AccessManager asks for", async () => {
      const { skillProfile, proxyAdmin } = await deployPlatform(connection);
      const manager = await deployAccessManager(connection);
      const admin = await contractAt(connection, PROXY_ADMIN, proxyAdmin);
      await send(connection, admin, "transferOwnership", [manager]);
      await grantManagedRole(connection, manager, proxyAdmin, {
        roleId: 5n,
        functions: ["upgradeAndCall(address,address,bytes)"],
        members: [account(6)],
        executionDelaySeconds: 60,
      });
      expect(await ask(upgradePermission, skillProfile)).to.deep.equal({
        mechanism: { kind: "proxy-admin", address: proxyAdmin },
        holders: [
          {
            kind: "access-manager",
            address: manager,
            roleId: 5n,
            members: [{ authority: eoa(6), delaySeconds: 60n }],
          },
        ],
        confirmed: true,
      });
    });

    for (const [name, deployProxy] of [
      ["a transparent proxy", deployTransparentWithAccount],
      ["a zOS proxy", deployZos],
    ] as const) {
      it(`finds the account in the admin slot of ${name}`, async () => {
        const { proxy } = await deployProxy(connection);
        expect(await ask(upgradePermission, proxy)).to.deep.equal({
          mechanism: { kind: "proxy-admin-slot" },
          holders: [eoa(1)],
          confirmed: true,
        });
      });
    }

    it("finds a Safe in the admin slot", async () => {
      const safe = await deploySafe(connection, {
        owners: [account(1)],
        threshold: 1,
      });
      const { proxy } = await deployTransparentV4(connection, {
        proxyAdmin: safe,
      });
      const permission = await ask(upgradePermission, proxy);
      expect(permission).to.deep.include({
        mechanism: { kind: "proxy-admin-slot" },
        confirmed: true,
      });
      expect(permission).to.have.nested.property("holders[0].kind", "safe");
    });

    it("names the contract in the admin slot when its rule is unknown", async () => {
      const upgrade = "0x99a88ec4";
      const code = dispatcher({ [upgrade]: revertWith("0x12345678") });
      await setCode(connection, account(8), code);
      const { proxy } = await deployTransparentV4(connection, {
        proxyAdmin: account(8),
      });
      expect(await ask(upgradePermission, proxy)).to.deep.equal({
        mechanism: { kind: "proxy-admin-slot" },
        holders: [{ kind: "contract", address: account(8) }],
        confirmed: true,
      });
    });

    it("finds the role of a UUPS proxy, OpenZeppelin 5", async () => {
      const { endorsement } = await deployPlatform(connection);
      expect(await ask(upgradePermission, endorsement)).to.deep.equal({
        mechanism: { kind: "role", role: UPGRADER_ROLE, name: "UPGRADER_ROLE" },
        holders: [eoa(0)],
        confirmed: true,
      });
    });

    it("finds the owner of a UUPS proxy, OpenZeppelin 4", async () => {
      const { proxy } = await deployUupsV4(connection);
      expect(await ask(upgradePermission, proxy)).to.deep.equal({
        mechanism: owner,
        holders: [eoa(0)],
        confirmed: true,
      });
    });

    it("finds the owner of the beacon", async () => {
      const { skillClaim, beacon } = await deployPlatform(connection);
      const contract = await contractAt(connection, PROXY_ADMIN, beacon);
      await send(connection, contract, "transferOwnership", [account(8)]);
      expect(await ask(upgradePermission, skillClaim)).to.deep.equal({
        mechanism: owner,
        holders: [eoa(8)],
        confirmed: true,
      });
    });

    it("says absent of a plain contract", async () => {
      const plain = await deployPlain(connection);
      expect(await ask(upgradePermission, plain)).to.have.nested.property(
        "mechanism.kind",
        "absent",
      );
    });
  });

  /** OpenZeppelin 4.9's enumerable, pausable token, of its own bytecode. */
  async function deployPreset(): Promise<Address> {
    const path = createRequire(import.meta.url).resolve(
      "@openzeppelin/contracts-v4/build/contracts/ERC20PresetMinterPauser.json",
    );
    const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8")) as {
      abi: [];
      bytecode: Hex;
    };
    const factory = new connection.ethers.ContractFactory(abi, bytecode);
    const { data } = await factory.getDeployTransaction("Token", "TKN");
    return await deployCode(connection, data as Hex);
  }

  /** Where AccessControlUpgradeable 5 keeps that an account has a role. */
  function memberSlot(role: Hex, member: Address): Hex {
    const { AbiCoder, keccak256 } = connection.ethers;
    const nest = (key: string, slot: string, type: string): string =>
      keccak256(
        AbiCoder.defaultAbiCoder().encode([type, "bytes32"], [key, slot]),
      );
    const namespace =
      "0x02dd7bc7dec4dceedda775e58dd541e08a116c6c53815c0bd028192f7b626800";
    return nest(member, nest(role, namespace, "bytes32"), "address") as Hex;
  }
});
