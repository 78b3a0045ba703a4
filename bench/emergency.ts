import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";

import { HDNodeWallet, Mnemonic } from "ethers";

import { HttpRpc } from "../src/chain/http-rpc.js";
import type { Rpc } from "../src/chain/rpc.js";
import type { Address, Hex } from "../src/core/hex.js";
import { count } from "../src/display/text.js";
import { startAnvil } from "../test/helpers/anvil.js";
import { connectTo } from "../test/helpers/connect-anvil.js";
import {
  deploy,
  encode,
  signer,
  type Connection,
} from "../test/helpers/contracts.js";
import {
  deploySafe,
  placeMultiSend,
} from "../test/helpers/deploy-governance.js";
import {
  PROXY_ADMIN,
  proxyAdminOf,
  TRANSPARENT_PROXY,
} from "../test/helpers/deploy-platform.js";
import type { Measurement } from "./measurement.js";
import type { Project } from "./project.js";

const SIZE = 20;
const OWNERS = 5;
const THRESHOLD = 3;
const TARGET_GAS_RATIO = 1.1;
const TARGET_BLOCKS = 2;
/** As on Ethereum. */
const BLOCK_SECONDS = 12;
/** Anvil's own. */
const MNEMONIC = "test test test test test test test test test test test junk";

interface Scene {
  readonly url: string;
  readonly rpc: Rpc;
  readonly safe: Address;
  readonly owners: readonly HDNodeWallet[];
  readonly proxies: readonly {
    readonly proxy: Address;
    readonly admin: Address;
  }[];
  readonly pause: Hex;
  /** Calldata of a ProxyAdmin. */
  readonly upgrade: (proxy: Address) => Promise<Hex>;
  readonly next: Address;
}

interface Execution {
  readonly gas: bigint;
  /** From the third signature to what `dr:resume` calls done. */
  readonly blocks: bigint;
}

/**
 * `dr:emergency` for proxies that a 3-of-5 Safe owns: the gas of its one
 * transaction against the bare calls, each in a transaction of its own, and
 * the time it takes once the last signature is there.
 */
export async function* measureEmergency(
  project: Project,
): AsyncGenerator<Measurement> {
  const anvil = await startAnvil();
  const connection = await connectTo(anvil.url);
  try {
    const scene = await prepare(connection, anvil.url);
    await scene.rpc.request("evm_setAutomine", [false]);
    for (const isPaused of [false, true]) {
      if (isPaused) {
        await sendBare(scene, "pause");
      }
      await initialize(project, scene);
      const snapshot = await scene.rpc.request("evm_snapshot");
      const { gas, blocks } = await execute(project, scene);
      await scene.rpc.request("evm_revert", [snapshot]);
      yield describeBlocks(blocks, isPaused);
      const second = await scene.rpc.request("evm_snapshot");
      const bare = isPaused
        ? await sendBare(scene, "upgrade")
        : (await sendBare(scene, "pause")) + (await sendBare(scene, "upgrade"));
      await scene.rpc.request("evm_revert", [second]);
      yield describeGas(gas, bare, isPaused);
    }
  } finally {
    await connection.close();
    await anvil.stop();
  }
}

function describeGas(
  gas: bigint,
  bare: bigint,
  isPaused: boolean,
): Measurement {
  const ratio = Number(gas) / Number(bare);
  const calls = isPaused ? "upgradeAndCall" : "pause + upgradeAndCall";
  const perProxy = (total: bigint) => `${String(total / BigInt(SIZE))} gas`;
  return {
    what: `emergency ${SIZE}, each: ${calls}`,
    ours: perProxy(gas),
    peer: perProxy(bare),
    ratio: `${ratio.toFixed(2)} ×`,
    target: `≤ ${TARGET_GAS_RATIO} ×`,
    isMet: ratio <= TARGET_GAS_RATIO,
  };
}

function describeBlocks(blocks: bigint, isPaused: boolean): Measurement {
  return {
    what: `emergency ${SIZE}${isPaused ? ", paused" : ""}: signed to verified`,
    ours: count(Number(blocks), "block"),
    peer: "",
    ratio: "",
    target: `≤ ${TARGET_BLOCKS}`,
    isMet: blocks <= BigInt(TARGET_BLOCKS),
  };
}

/** Proxies, each with a ProxyAdmin of its own, whose every power the Safe has. */
async function prepare(connection: Connection, url: string): Promise<Scene> {
  const owners = Array.from({ length: OWNERS }, (_, index) =>
    HDNodeWallet.fromMnemonic(
      Mnemonic.fromPhrase(MNEMONIC),
      `m/44'/60'/0'/0/${String(index + 1)}`,
    ),
  );
  await placeMultiSend(connection);
  const safe = await deploySafe(connection, {
    owners: owners.map(({ address }) => address as Address),
    threshold: THRESHOLD,
    version: "1.4.1",
  });
  const [implementation, next, initialized] = await Promise.all([
    deploy(connection, "SkillProfile"),
    deploy(connection, "SkillProfileV2", [], await signer(connection, 6)),
    encode(connection, "SkillProfile", "initialize", [safe]),
  ]);
  const proxies: Scene["proxies"][number][] = [];
  while (proxies.length < SIZE) {
    const proxy = await deploy(connection, TRANSPARENT_PROXY, [
      implementation,
      safe,
      initialized,
    ]);
    proxies.push({ proxy, admin: await proxyAdminOf(connection, proxy) });
  }
  const rpc = new HttpRpc({ network: "bench", url });
  await rpc.request("anvil_impersonateAccount", [safe]);
  await rpc.request("anvil_setBalance", [safe, "0x56bc75e2d63100000"]);
  return {
    url,
    rpc,
    safe,
    owners,
    proxies,
    pause: await encode(connection, "SkillProfile", "pause"),
    upgrade: async (proxy) =>
      await encode(connection, PROXY_ADMIN, "upgradeAndCall", [
        proxy,
        next,
        "0x",
      ]),
    next,
  };
}

async function initialize(project: Project, { url, proxies }: Scene) {
  await rm(project.deployment, { recursive: true, force: true });
  const named = proxies.map(
    ({ proxy }, index) => `Proxy${String(index)}=${proxy}`,
  );
  await project.hardhat(
    ["dr:init", ...named, "--yes", "--network", "bench"],
    url,
  );
}

/** As the Safe itself could, were it an account: a transaction for each call. */
async function sendBare(
  { rpc, safe, proxies, pause, upgrade }: Scene,
  deed: "pause" | "upgrade",
): Promise<bigint> {
  let gas = 0n;
  for (const { proxy, admin } of proxies) {
    const to = deed === "pause" ? proxy : admin;
    const data = deed === "pause" ? pause : await upgrade(proxy);
    const hash = await rpc.request("eth_sendTransaction", [
      { from: safe, to, data },
    ]);
    await rpc.request("evm_mine");
    gas += await gasOf(rpc, hash as Hex);
  }
  return gas;
}

async function gasOf(rpc: Rpc, hash: Hex): Promise<bigint> {
  const receipt = (await rpc.request("eth_getTransactionReceipt", [hash])) as {
    readonly status: Hex;
    readonly gasUsed: Hex;
  };
  assert.equal(receipt.status, "0x1");
  return BigInt(receipt.gasUsed);
}

/** From a machine that has no owner's key: proposed, signed elsewhere, resumed. */
async function execute(project: Project, scene: Scene): Promise<Execution> {
  const { url, rpc, owners, next } = scene;
  const run = async (...args: readonly string[]) =>
    await project.hardhat(
      [...args, "--yes", "--json", "--network", "bench"],
      url,
      { mayWait: true },
    );
  await rm(path.join(project.deployment, "safe"), {
    recursive: true,
    force: true,
  });
  await run("dr:emergency", "--all", "--to", next);
  const [file] = await readdir(path.join(project.deployment, "safe"));
  const hash = path.basename(file ?? "", ".json");
  for (const owner of owners.slice(0, THRESHOLD)) {
    const { serialized } = owner.signingKey.sign(hash);
    await run("dr:safe:sign", hash, "--signature", serialized);
  }
  await rpc.request("evm_setIntervalMining", [BLOCK_SECONDS]);
  const before = await blockNumber(rpc);
  const resumed = JSON.parse(await run("dr:resume")) as { status: string };
  const after = await blockNumber(rpc);
  await rpc.request("evm_setIntervalMining", [0]);
  assert.equal(resumed.status, "done");
  const [tx, ...others] = await transactionsBetween(rpc, before, after);
  assert(tx !== undefined && others.length === 0, "it isn't one transaction");
  return { gas: await gasOf(rpc, tx), blocks: after - before };
}

async function transactionsBetween(
  rpc: Rpc,
  before: bigint,
  last: bigint,
): Promise<readonly Hex[]> {
  const transactions: Hex[] = [];
  for (let number = before + 1n; number <= last; number += 1n) {
    const block = (await rpc.request("eth_getBlockByNumber", [
      `0x${number.toString(16)}`,
      false,
    ])) as { readonly transactions: readonly Hex[] };
    transactions.push(...block.transactions);
  }
  return transactions;
}

async function blockNumber(rpc: Rpc): Promise<bigint> {
  return BigInt((await rpc.request("eth_blockNumber")) as Hex);
}
