import { readFile } from "node:fs/promises";

import { expect } from "chai";
import { keccak256 } from "ethers";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { RpcResponseError, type Rpc } from "../../src/chain/rpc.js";
import { DrError } from "../../src/core/errors.js";
import type { Address, Hex } from "../../src/core/hex.js";
import {
  readChainHistory,
  type ChainHistory,
} from "../../src/deployments/chain-history.js";
import { findFirstBlock } from "../../src/chain/deployment-block.js";
import { inspectProxy } from "../../src/proxy/inspect.js";
import { BEACON_SLOT, IMPLEMENTATION_SLOT } from "../../src/proxy/slots.js";
import { contractAt, deploy, deployCode, send } from "../helpers/contracts.js";
import {
  BEACON,
  BEACON_PROXY,
  breakPlatform,
  deployPlatform,
  upgradePlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import {
  deployPlain,
  deployTransparentV4,
  deployUups,
  deployUupsV4,
  deployZos,
  upgradeProxy,
} from "../helpers/deploy-proxies.js";
import { chainPorts } from "./chain-ports.js";
import { codeOf } from "./refusal.js";

/** Compiled by OpenZeppelin; this project's artifacts don't have it. */
const BEACON_V4 = new URL(
  "../../node_modules/@openzeppelin/contracts-v4/build/contracts/UpgradeableBeacon.json",
  import.meta.url,
);

describe("readChainHistory", () => {
  let connection: NetworkConnection;
  let platform: Platform;

  beforeEach(async () => {
    connection = await hre.network.create();
    platform = await deployPlatform(connection);
  });

  function rpc(): Rpc {
    return new ProviderRpc("simulated", connection.provider);
  }

  async function historyOf(
    address: Address,
    through: Rpc = rpc(),
  ): Promise<ChainHistory> {
    const reader = await BlockReader.at(through);
    const state = await inspectProxy(reader, address);
    return await readChainHistory(reader, state!, chainPorts);
  }

  /** Writes a slot as nothing on a real chain could: without a transaction. */
  async function setAddress(
    proxy: Address,
    slot: Hex,
    address: Address,
  ): Promise<void> {
    const word = `0x${address.slice(2).toLowerCase().padStart(64, "0")}`;
    await connection.provider.request({
      method: "hardhat_setStorageAt",
      params: [proxy, slot, word],
    });
  }

  async function mine(blocks: number): Promise<void> {
    await connection.provider.request({
      method: "hardhat_mine",
      params: [`0x${blocks.toString(16)}`],
    });
  }

  function steps({ history }: ChainHistory): (readonly [string, Address])[] {
    return history.map(
      ({ reason, implementation }) => [reason, implementation] as const,
    );
  }

  it("tells deployment, upgrade and rollback of each kind of proxy", async () => {
    const bad = await breakPlatform(connection, platform);
    await upgradePlatform(connection, platform, platform.implementations);
    for (const name of ["skillProfile", "endorsement", "skillClaim"] as const) {
      const found = await historyOf(platform[name]);
      const good = platform.implementations[name];
      expect(steps(found)).to.deep.equal([
        ["deploy", good],
        ["upgrade", bad[name]],
        ["rollback", good],
      ]);
      expect(found.gaps).to.deep.equal([]);
      expect(found.implementations[good]?.version).to.equal("1.0.0");
      expect(found.implementations[bad[name]]?.version).to.equal("2.0.0");
    }
  });

  it("gives each entry its transaction, block and time", async () => {
    await breakPlatform(connection, platform);
    const { history } = await historyOf(platform.endorsement);
    for (const { tx, block, at } of history) {
      const receipt = await connection.ethers.provider.getTransactionReceipt(
        tx!,
      );
      expect(block).to.equal(receipt?.blockNumber);
      const mined = await connection.ethers.provider.getBlock(block!);
      expect(Date.parse(at!) / 1000).to.equal(mined?.timestamp);
      expect(at).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });

  it("gives each implementation the hash of its code", async () => {
    const { implementations } = await historyOf(platform.endorsement);
    const address = platform.implementations.endorsement;
    const code = await connection.ethers.provider.getCode(address);
    expect(implementations[address]?.codeHash).to.equal(
      keccak256(code),
    );
  });

  it("reads a transparent proxy of OpenZeppelin 4", async () => {
    const target = await deployTransparentV4(connection);
    const next = await deploy(connection, "PausableV4");
    await upgradeProxy(connection, target, next);
    const found = await historyOf(target.proxy);
    expect(steps(found)).to.deep.equal([
      ["deploy", target.implementation],
      ["upgrade", next],
    ]);
    expect(found.gaps).to.deep.equal([]);
  });

  it("reads a UUPS proxy of OpenZeppelin 4", async () => {
    const { proxy, implementation } = await deployUupsV4(connection);
    const next = await deploy(connection, "UupsV4");
    const self = await contractAt(connection, "UupsV4", proxy);
    await send(connection, self, "upgradeTo", [next]);
    const found = await historyOf(proxy);
    expect(steps(found)).to.deep.equal([
      ["deploy", implementation],
      ["upgrade", next],
    ]);
    expect(found.gaps).to.deep.equal([]);
  });

  it("reads a zOS proxy, whose constructor logs nothing and whose event isn't indexed", async () => {
    const target = await deployZos(connection);
    const alone = await historyOf(target.proxy);
    expect(steps(alone)).to.deep.equal([["deploy", target.implementation]]);
    const next = await deploy(connection, "PausableV4");
    await upgradeProxy(connection, target, next);
    const found = await historyOf(target.proxy);
    expect(steps(found)).to.deep.equal([
      ["deploy", target.implementation],
      ["upgrade", next],
    ]);
    expect(found.gaps).to.deep.equal([]);
    expect(found.history[0]?.block).to.equal(alone.history[0]?.block);
  });

  it("reads a beacon of OpenZeppelin 4, whose constructor logs nothing", async () => {
    const first = platform.implementations.skillClaim;
    const { bytecode } = JSON.parse(await readFile(BEACON_V4, "utf8")) as {
      bytecode: Hex;
    };
    const beacon = await deployCode(
      connection,
      `${bytecode}${first.slice(2).padStart(64, "0")}`,
    );
    const proxy = await deploy(connection, BEACON_PROXY, [beacon, "0x"]);
    const next = await deploy(connection, "SkillClaimV2");
    const shared = await contractAt(connection, BEACON, beacon);
    await send(connection, shared, "upgradeTo", [next]);
    const found = await historyOf(proxy);
    expect(steps(found)).to.deep.equal([
      ["deploy", first],
      ["upgrade", next],
    ]);
    expect(found.gaps).to.deep.equal([]);
  });

  it("takes a plain contract for its own implementation", async () => {
    const plain = await deployPlain(connection);
    const found = await historyOf(plain);
    expect(steps(found)).to.deep.equal([["deploy", plain]]);
    expect(found.history[0]?.block).to.equal(
      await connection.ethers.provider.getBlockNumber(),
    );
    expect(found.gaps).to.deep.equal([]);
  });

  it("reports a change that was never logged, and believes the slot", async () => {
    const { proxy, implementation } = await deployUups(connection);
    const other = await deploy(connection, "UupsV5");
    await setAddress(proxy, IMPLEMENTATION_SLOT, other);
    const found = await historyOf(proxy);
    expect(steps(found)).to.deep.equal([
      ["deploy", implementation],
      ["found", other],
    ]);
    expect(found.gaps).to.deep.equal([
      { kind: "unlogged-change", logged: implementation, current: other },
    ]);
  });

  it("tells of a beacon the proxy had before", async () => {
    const beacon = await deploy(connection, BEACON, [
      platform.implementations.skillClaim,
      platform.owner,
    ]);
    await setAddress(platform.skillClaim, BEACON_SLOT, beacon);
    const { gaps } = await historyOf(platform.skillClaim);
    expect(gaps.map(({ kind }) => kind)).to.deep.equal(["earlier-beacon"]);
    expect(gaps[0]).to.have.property("beacon", platform.beacon);
  });

  it("finds when a proxy got its first implementation, if not at birth and without a log", async () => {
    const proxy: Address = "0x00000000000000000000000000000000000000aA";
    const { implementation, proxy: model } = await deployUups(connection);
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [proxy, await connection.ethers.provider.getCode(model)],
    });
    await mine(3);
    await setAddress(proxy, IMPLEMENTATION_SLOT, implementation);
    const block = await connection.ethers.provider.getBlockNumber();
    await mine(3);
    const found = await historyOf(proxy);
    expect(steps(found)).to.deep.equal([["deploy", implementation]]);
    expect(found.history[0]?.block).to.be.within(block, block + 1);
    expect(found.gaps).to.deep.equal([]);
  });

  it("marks an implementation without code as bad", async () => {
    const { proxy, implementation } = await deployUups(connection);
    const next = await deploy(connection, "UupsV5");
    await upgradeProxy(
      connection,
      { proxy, implementation, owner: proxy },
      next,
    );
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [implementation, "0x"],
    });
    const { implementations } = await historyOf(proxy);
    expect(implementations[implementation]?.bad).to.contain("no code");
    expect(implementations[next]?.bad).to.equal(undefined);
  });

  describe("on a node without old state", () => {
    /** Refuses state before the latest block, as a pruned node does. */
    function pruned(fault: Error): Rpc {
      const inner = rpc();
      let head: Promise<string> | undefined;
      const refuse = async (
        method: string,
        params: readonly unknown[],
      ): Promise<boolean> => {
        head ??= inner.request("eth_blockNumber") as Promise<string>;
        return (
          ["eth_getCode", "eth_getStorageAt", "eth_call"].includes(method) &&
          params.at(-1) !== (await head)
        );
      };
      const request: Rpc["request"] = async (method, params = []) => {
        if (await refuse(method, params)) {
          throw fault;
        }
        return await inner.request(method, params);
      };
      return {
        network: "pruned",
        request,
        batch: async (requests) =>
          await Promise.all(
            requests.map(async ({ method, params }) => {
              if (!(await refuse(method, params))) {
                return (await inner.batch([{ method, params }]))[0]!;
              }
              if (fault instanceof RpcResponseError) {
                return { ok: false as const, error: fault };
              }
              throw fault;
            }),
          ),
      };
    }

    const missing = new RpcResponseError("missing trie node 0xabc", -32000);

    it("takes the whole history from logs that begin with the creation", async () => {
      await breakPlatform(connection, platform);
      for (const name of ["skillProfile", "endorsement"] as const) {
        const found = await historyOf(platform[name], pruned(missing));
        const complete = await historyOf(platform[name]);
        expect(found).to.deep.equal(complete);
      }
    });

    it("knows a birth inside another's transaction by the admin that is set", async () => {
      const inner = pruned(missing);
      const madeByFactory: Rpc = {
        ...inner,
        request: async (method, params) => {
          const answer = await inner.request(method, params);
          return method === "eth_getTransactionReceipt"
            ? { ...(answer as object), contractAddress: null }
            : answer;
        },
      };
      const told = await historyOf(platform.skillProfile, madeByFactory);
      expect(told.gaps).to.deep.equal([]);
      const silent = await historyOf(platform.endorsement, madeByFactory);
      expect(silent.gaps).to.deep.equal([{ kind: "start-unknown" }]);
    });

    it("says that the start is unknown when no log begins with the creation", async () => {
      const target = await deployZos(connection);
      const alone = await historyOf(target.proxy, pruned(missing));
      expect(steps(alone)).to.deep.equal([["found", target.implementation]]);
      const next = await deploy(connection, "PausableV4");
      await upgradeProxy(connection, target, next);
      const found = await historyOf(target.proxy, pruned(missing));
      expect(found.gaps).to.deep.equal([{ kind: "start-unknown" }]);
      expect(found.history.at(-1)?.implementation).to.equal(next);
    });

    it("doesn't take a broken connection for missing state", async () => {
      const broken = pruned(
        new DrError("RPC_UNREACHABLE", {
          network: "pruned",
          host: "localhost",
          reason: "ECONNRESET",
        }),
      );
      const code = await codeOf(() => historyOf(platform.endorsement, broken));
      expect(code).to.equal("RPC_UNREACHABLE");
    });
  });
});

describe("findFirstBlock", () => {
  it("finds it wherever it is, in few questions", async () => {
    for (const first of [0n, 1n, 2n, 7n, 999n, 1_000n]) {
      let questions = 0;
      const found = await findFirstBlock(0n, 1_000n, (block) => {
        questions += 1;
        return Promise.resolve(block >= first);
      });
      expect(found).to.equal(first);
      expect(questions).to.be.lessThan(13);
    }
  });
});
