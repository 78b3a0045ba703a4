import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { startAnvil, type Anvil } from "./anvil.js";
import { CliProject, KEYS, type BuiltPlugin } from "./cli-project.js";
import { connectTo } from "./connect-anvil.js";
import { contractAt, send, signer } from "./contracts.js";
import {
  BEACON,
  breakPlatform,
  deployPlatform,
  PROXY_ADMIN,
  type Platform,
} from "./deploy-platform.js";
import { DELAY_SECONDS, govern, type GovernanceKind } from "./govern.js";
import { RawRpc, type MinedTransaction } from "./raw-rpc.js";
import { platformProxies } from "./recovery-session.js";

/** EIP-1967, `eip1967.proxy.implementation`. */
const IMPLEMENTATION_SLOT =
  "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
const PAUSED = "0x5c975abb";
const BEACON_IMPLEMENTATION = "0x5c60da1b";

export interface SceneOptions {
  /** Whether the bad upgrade has landed; default: true. */
  readonly broken?: boolean;
  /** The second account owns the ProxyAdmin and the beacon. */
  readonly twoSigners?: boolean;
  /** Who owns everything instead of the first account. */
  readonly governance?: GovernanceKind;
  /** Seconds from block to block, once all is deployed, 1 by default; or each transaction at once, or only when told to. */
  readonly blocks?: number | "at once" | "when told";
  readonly chainId?: number;
  /** Makes the URL that the project knows of the node's. */
  readonly disguise?: (url: string) => string;
}

/** The platform on an anvil of its own, and a project that can recover it. */
export class RecoveryScene {
  readonly anvil: Anvil;
  readonly rpc: RawRpc;
  readonly project: CliProject;
  readonly platform: Platform;
  readonly governance: GovernanceKind | undefined;
  #snapshot = "";
  #deployFile = "";
  #block = 0;
  #nonces: readonly number[] = [];

  private constructor(
    anvil: Anvil,
    project: CliProject,
    platform: Platform,
    governance: GovernanceKind | undefined,
  ) {
    this.governance = governance;
    this.anvil = anvil;
    this.rpc = new RawRpc(anvil.url);
    this.project = project;
    this.platform = platform;
  }

  static async create(
    plugin: BuiltPlugin,
    options: SceneOptions = {},
  ): Promise<RecoveryScene> {
    const { broken = true, twoSigners = false, chainId = 31337 } = options;
    const { governance } = options;
    const anvil = await startAnvil({
      args: ["--chain-id", String(chainId)],
    });
    const connection = await connectTo(anvil.url);
    const platform = await deployPlatform(connection);
    if (broken) {
      await breakPlatform(connection, platform);
    }
    if (twoSigners) {
      const { address } = await signer(connection, 1);
      for (const [name, at] of [
        [PROXY_ADMIN, platform.proxyAdmin],
        [BEACON, platform.beacon],
      ] as const) {
        const contract = await contractAt(connection, name, at);
        await send(connection, contract, "transferOwnership", [address]);
      }
    }
    if (governance !== undefined) {
      await govern(connection, platform, governance);
    }
    await connection.close();
    const url = options.disguise?.(anvil.url) ?? anvil.url;
    const project = await CliProject.create(plugin, { url, accounts: KEYS });
    const scene = new RecoveryScene(anvil, project, platform, governance);
    await scene.#initialize(options.blocks ?? 1);
    return scene;
  }

  async #initialize(
    blocks: NonNullable<SceneOptions["blocks"]>,
  ): Promise<void> {
    const named = Object.entries(platformProxies(this.platform)).map(
      ([name, proxy]) => `${name}=${proxy}`,
    );
    const { exitCode, stderr } = await this.project.hardhat(
      "dr:init",
      ...named,
      "--yes",
    );
    expect(exitCode, stderr).to.equal(0);
    this.#deployFile = await this.readDeployFile();
    if (blocks !== "at once") {
      await this.rpc.request("evm_setAutomine", [false]);
    }
    if (typeof blocks === "number") {
      await this.rpc.request("evm_setIntervalMining", [blocks]);
    }
    await this.#remember();
  }

  async #remember(): Promise<void> {
    this.#snapshot = (await this.rpc.request("evm_snapshot")) as string;
    this.#block = await this.rpc.blockNumber();
    this.#nonces = await this.#countNonces();
  }

  /** As long as every delay there is. */
  async passDelay(): Promise<void> {
    await this.rpc.request("evm_increaseTime", [DELAY_SECONDS]);
  }

  async readDeployFile(): Promise<string> {
    return await readFile(join(this.project.folder, "deploy.json"), "utf8");
  }

  /** As it was when it was made: the chain, deploy.json, no runs. */
  async reset(): Promise<void> {
    await this.rpc.request("anvil_dropAllTransactions");
    await this.rpc.request("evm_revert", [this.#snapshot]);
    await rm(this.project.folder, { recursive: true, force: true });
    await mkdir(this.project.folder, { recursive: true });
    await writeFile(join(this.project.folder, "deploy.json"), this.#deployFile);
    await this.#remember();
  }

  async end(): Promise<void> {
    await this.anvil.stop();
    await this.project.remove();
  }

  async sent(): Promise<MinedTransaction[]> {
    return await this.rpc.transactionsAfter(this.#block);
  }

  /** Transactions that wait to be mined. */
  async pending(): Promise<number> {
    const { pending } = (await this.rpc.request("txpool_status")) as {
      readonly pending: string;
    };
    return Number(pending);
  }

  /**
   * That just these transactions were mined, each once, and nothing else:
   * `0` for a transaction of the first account, `1` of the second.
   */
  async expectSent(perAccount: readonly number[]): Promise<void> {
    const sent = await this.sent();
    const calls = sent.map(({ to, input }) => `${String(to)} ${input}`);
    expect(new Set(calls).size, "something was sent twice").to.equal(
      calls.length,
    );
    expect(await this.pending(), "something still waits").to.equal(0);
    const used = (await this.#countNonces()).map(
      (nonce, index) => nonce - this.#nonces[index]!,
    );
    expect(used, "nonces used").to.deep.equal(perAccount);
    expect(calls, "transactions mined").to.have.lengthOf(
      perAccount.reduce((sum, count) => sum + count, 0),
    );
  }

  async #countNonces(): Promise<number[]> {
    const accounts = (await this.rpc.request("eth_accounts")) as string[];
    return await Promise.all(
      accounts.slice(0, 2).map(async (one) => await this.rpc.nonce(one)),
    );
  }

  /** Where the three proxies point, by their slots. */
  async implementations(): Promise<readonly string[]> {
    const { skillProfile, endorsement, beacon } = this.platform;
    const [transparent, uups, ofBeacon] = await Promise.all([
      this.rpc.addressInSlot(skillProfile, IMPLEMENTATION_SLOT),
      this.rpc.addressInSlot(endorsement, IMPLEMENTATION_SLOT),
      this.rpc.call(beacon, BEACON_IMPLEMENTATION),
    ]);
    return [transparent, uups, `0x${ofBeacon.slice(-40)}`];
  }

  async paused(): Promise<readonly boolean[]> {
    const proxies = Object.values(platformProxies(this.platform));
    return await Promise.all(
      proxies.map(async (proxy) => {
        return BigInt(await this.rpc.call(proxy, PAUSED)) === 1n;
      }),
    );
  }

  /** That a rollback is complete: on the chain, in deploy.json, in the folder. */
  async expectRolledBack(): Promise<void> {
    const { skillProfile, endorsement, skillClaim } =
      this.platform.implementations;
    expect(await this.implementations()).to.deep.equal(
      [skillProfile, endorsement, skillClaim].map((one) => one.toLowerCase()),
    );
    expect(await this.paused()).to.deep.equal([false, false, false]);
    const history = await this.reasons();
    for (const reasons of Object.values(history)) {
      expect(reasons).to.deep.equal(["deploy", "upgrade", "rollback"]);
    }
    const layouts = await readdir(join(this.project.folder, "layouts"));
    expect(layouts, "layouts of both versions").to.have.lengthOf(6);
    await this.expectTidy();
  }

  /** Why each contract's implementation changed, as deploy.json has it. */
  async reasons(): Promise<Readonly<Record<string, readonly string[]>>> {
    const { contracts } = JSON.parse(await this.readDeployFile()) as {
      readonly contracts: Readonly<
        Record<string, { readonly history: readonly { reason: string }[] }>
      >;
    };
    return Object.fromEntries(
      Object.entries(contracts).map(([name, { history }]) => [
        name,
        history.map(({ reason }) => reason),
      ]),
    );
  }

  /** That no temporary file and no lock that holds is left, and that journals verify. */
  async expectTidy(): Promise<void> {
    const names = await readdir(this.project.folder, { recursive: true });
    const strange = names.filter(
      (name) =>
        !/^(deploy\.json|runs|layouts|safe|runs\/[^/]+\.ndjson|layouts\/0x[0-9a-f]{40}\.json|safe\/0x[0-9a-f]{64}\.json|\.lock)$/i.test(
          name,
        ),
    );
    expect(strange).to.deep.equal([]);
    if (names.includes(".lock")) {
      const text = await readFile(join(this.project.folder, ".lock"), "utf8");
      const { pid } = JSON.parse(text) as { readonly pid: number };
      expect(() => process.kill(pid, 0), "the lock holds").to.throw();
    }
    for (const text of (await this.project.journals()).values()) {
      expectChained(text);
    }
  }
}

/** The hash chain as docs/architecture.md describes it, checked without the code that makes it. */
export function expectChained(journal: string): void {
  expect(journal === "" || journal.endsWith("\n")).to.equal(true);
  let prev = "0".repeat(64);
  for (const [seq, line] of journal.split("\n").slice(0, -1).entries()) {
    const { hash, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(rest).to.include({ seq, prev });
    const digest = createHash("sha256").update(canonical(rest)).digest("hex");
    expect(hash, `hash of record ${String(seq)}`).to.equal(digest);
    prev = digest;
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value);
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  const members = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`);
  return `{${members.join(",")}}`;
}
