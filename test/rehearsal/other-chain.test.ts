import { expect } from "chai";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrError } from "../../src/core/errors.js";
import type { SimulatedNetwork } from "../../src/rehearsal/fork.js";
import { rehearseProcedure } from "../../src/session/rehearse-procedure.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { signer } from "../helpers/contracts.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { startFaultyRpc, type FaultyRpc } from "../helpers/faulty-rpc.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";
import { createSimulation } from "./simulation.js";

/** Of nobody in particular: it has no power over anything. */
const POWERLESS_KEY = `0x${"5".repeat(64)}`;
const CHAIN_ID = 424_242;
const WRITES = /^(eth_send|eth_sign|personal_|anvil_|hardhat_|evm_)/;

const ROLLBACK = {
  kind: "rollback",
  names: [],
  all: true,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
} as const;

describe("a rehearsal on a chain that Hardhat doesn't know", function () {
  const folder = useTemporaryFolder();
  let anvil: Anvil;
  let rpc: FaultyRpc;
  let live: NetworkConnection;
  let platform: Platform;

  before(function () {
    requireAnvil(this);
  });

  beforeEach(async () => {
    anvil = await startAnvil({ args: ["--chain-id", String(CHAIN_ID)] });
    live = await connectTo(anvil.url);
    const owner = await signer(live, 4);
    platform = await deployPlatform(live, owner);
    await breakPlatform(live, platform);
    rpc = await startFaultyRpc(anvil.url);
  });

  afterEach(async () => {
    await rpc.close();
    await anvil.stop();
  });

  /** Through the watched RPC, as a machine that holds only a powerless key. */
  async function openSource() {
    const connection = await connectTo(rpc.url, { accounts: [POWERLESS_KEY] });
    const source = sessionSource(connection, folder.path);
    await initialize(source, platformProxies(platform));
    rpc.resetCounts();
    return source;
  }

  it("acts as the real authority, under the real chainId", async () => {
    const forks: SimulatedNetwork[] = [];
    const chainIds: unknown[] = [];
    const urls: string[] = [];
    const { report } = await rehearseProcedure(
      await openSource(),
      async (override) => {
        urls.push(override.forking!.url as string);
        const fork = await createSimulation(override);
        forks.push(fork);
        chainIds.push(await fork.provider.request({ method: "eth_chainId" }));
        return fork;
      },
      ROLLBACK,
    );
    expect(chainIds.map(Number)).to.deep.equal([CHAIN_ID]);
    expect(report.chainId).to.equal(CHAIN_ID);
    const answered = await fetch(urls[0]!).catch(() => "closed");
    expect(answered).to.equal("closed");
    expect(report.verdict, report.findings.join()).to.equal("clean");
    expect(
      report.accounts.map(({ address, held }) => [address, held]),
    ).to.deep.equal([[platform.owner, false]]);
    expect(
      rpc.requests().filter(({ method }) => WRITES.test(method)),
    ).to.deep.equal([]);
  });

  it("forks an RPC that is slow and refuses now and then", async () => {
    const source = await openSource();
    rpc.limits.latencyMs = 10;
    rpc.inject({ fault: "429", method: "eth_getStorageAt", times: 2 });
    const { report } = await rehearseProcedure(
      source,
      createSimulation,
      ROLLBACK,
    );
    expect(report.verdict, report.findings.join()).to.equal("clean");
  });

  it("leaves the chain alone", async () => {
    const source = await openSource();
    const look = async () =>
      await Promise.all(
        [
          ["eth_blockNumber"],
          ["eth_getTransactionCount", platform.owner, "pending"],
          ["eth_getBalance", platform.owner, "latest"],
        ].map(
          async ([method, ...params]) =>
            (await live.provider.request({
              method: method!,
              params,
            })) as unknown,
        ),
      );
    const before = await look();
    await rehearseProcedure(source, createSimulation, ROLLBACK);
    expect(await look()).to.deep.equal(before);
  });

  it("says when the authority couldn't pay", async () => {
    await live.provider.request({
      method: "anvil_setBalance",
      params: [platform.owner, "0x10"],
    });
    const { report } = await rehearseProcedure(
      await openSource(),
      createSimulation,
      ROLLBACK,
    );
    expect(report.verdict).to.equal("attention");
    const [account] = report.accounts;
    expect(account).to.include({ balance: "16", canPay: false });
    expect(report.findings.join()).to.include(platform.owner);
  });

  it("rehearses as an account that nobody holds here, when it is named", async () => {
    const { report } = await rehearseProcedure(
      await openSource(),
      createSimulation,
      { kind: "pause", names: ["Endorsement"], all: false },
      { from: platform.owner },
    );
    expect(report.accounts[0]!.address).to.equal(platform.owner);
  });

  it("is FORK_FAILED when the fork can't be made", async () => {
    const source = await openSource();
    const failure = await rehearseProcedure(
      source,
      async () => await Promise.reject(new Error("no EVM here")),
      ROLLBACK,
    ).catch((error: unknown) => error as DrError);
    expect(failure).to.include({ code: "FORK_FAILED" });
  });
});
