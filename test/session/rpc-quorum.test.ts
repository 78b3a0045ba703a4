import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";
import type { ResolvedConfigurationVariable } from "hardhat/types/config";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrConfig } from "../../src/config/types.js";
import { DrError } from "../../src/core/errors.js";
import type { Address, Hex } from "../../src/core/hex.js";
import type { Facts } from "../../src/recovery/facts.js";
import { factsOfPause } from "../../src/recovery/intent-facts.js";
import { factsOfProposal } from "../../src/recovery/safe/proposal-facts.js";
import { createDisasterRecovery } from "../../src/session/disaster-recovery.js";
import {
  openSession,
  type Session,
  type SessionSource,
} from "../../src/session/open-session.js";
import { preparePause, prepareRollback } from "../../src/session/procedure.js";
import { rehearseProcedure } from "../../src/session/rehearse-procedure.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { signer } from "../helpers/contracts.js";
import {
  deploySafe,
  deployTimelock,
  handOver,
} from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  type Implementations,
  type Platform,
} from "../helpers/deploy-platform.js";
import {
  startFaultyRpc,
  type FaultyRpc,
  type Injection,
} from "../helpers/faulty-rpc.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";
import { createSimulation } from "../rehearsal/simulation.js";
import { conductWith } from "./recovery.js";

const SECRET = "5ecre7";
const LIE: Hex = `0x${"1".repeat(40).padStart(64, "0")}`;
const PAUSE_ALL = { names: [], all: true, paused: true } as const;
const ROLLBACK_ALL = {
  names: [],
  all: true,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
};

describe("a quorum of RPCs", function () {
  this.timeout(120_000);
  const folder = useTemporaryFolder();
  let anvil: Anvil;
  let connection: NetworkConnection;
  let platform: Platform;
  let bad: Implementations;
  let safe: Address;
  let snapshot: unknown;
  /** Two more RPCs of the same chain. */
  let second: FaultyRpc;
  let third: FaultyRpc;

  before(async function () {
    requireAnvil(this);
    anvil = await startAnvil();
    connection = await connectTo(anvil.url);
    platform = await deployPlatform(connection);
    bad = await breakPlatform(connection, platform);
    safe = await deploySafe(connection, {
      owners: [
        platform.owner,
        (await signer(connection, 1)).address as Address,
      ],
      threshold: 2,
    });
  });

  after(async () => {
    await connection.close();
    await anvil.stop();
  });

  beforeEach(async () => {
    snapshot = await connection.provider.request({ method: "evm_snapshot" });
    second = await startFaultyRpc(anvil.url);
    third = await startFaultyRpc(anvil.url);
    await initialize(source(), platformProxies(platform));
  });

  afterEach(async () => {
    await Promise.all([second.close(), third.close()]);
    await connection.provider.request({
      method: "evm_revert",
      params: [snapshot],
    });
  });

  function source(urls: readonly string[] = []): SessionSource {
    return sessionSource(connection, folder.path, { rpcQuorum: every(urls) });
  }

  async function open(
    urls: readonly string[] = [secretUrl(second), secretUrl(third)],
  ): Promise<Session> {
    return await openSession(source(urls));
  }

  /** What it says of these facts is refused, and no secret shown. */
  async function refusal(
    facts: Facts,
    urls?: readonly string[],
  ): Promise<DrError> {
    const { ports } = await open(urls);
    const error = await refusalOf(async () => await ports.assertAgreed!(facts));
    expect(`${error.message} ${error.fix}`).to.not.include(SECRET);
    return error;
  }

  async function refusalWith(
    injection: Injection,
    facts: Facts = { safes: [safe] },
  ): Promise<DrError> {
    const takeBack = third.inject(injection);
    try {
      return await refusal(facts);
    } finally {
      takeBack();
    }
  }

  const block = async (): Promise<number> =>
    await connection.ethers.provider.getBlockNumber();

  it("is asked nothing where none is configured", async () => {
    const { ports } = await openSession(source());
    expect(ports).to.not.have.property("assertAgreed");
    const { plan } = await preparePause({ ports } as Session, PAUSE_ALL);
    expect(plan).to.not.have.property("assertAgreed");
  });

  it("is named in the plan's notes, and asked again before the first step", async () => {
    const session = await open();
    const { plan } = await prepareRollback(session, ROLLBACK_ALL);
    expect(plan.notes).to.include(
      `3 RPCs agree at block ${String(await block())}.`,
    );
    // One to find the block, one for all that is asked.
    expect(second.roundTrips).to.equal(2);
    const { outcome } = await conductWith(session, plan, {});
    expect(outcome.status).to.equal("done");
    expect(second.roundTrips).to.equal(4);
    const slots = second.requests("eth_getStorageAt").length / 2;
    expect(slots).to.equal(3 * 5);
  });

  it("is asked by code too, and by dr:resume", async () => {
    const session = await open();
    const { plan } = await preparePause(session, PAUSE_ALL);
    const { run } = await conductWith(session, plan, {
      pause: () => Promise.reject(new DrError("INTERRUPTED", {})),
    });
    const dr = createDisasterRecovery(
      source([secretUrl(second), secretUrl(third)]),
    );
    const honest = third.inject({
      method: "eth_getStorageAt",
      fault: { answer: LIE },
    });
    const before = await block();
    for (const call of [
      async () => await dr.resume(run),
      async () => await dr.pause(),
    ]) {
      expect((await refusalOf(call)).code).to.equal("RPC_DISAGREES");
    }
    expect(await block()).to.equal(before);
    honest();
    expect(await dr.resume(run)).to.equal(run);
  });

  it("refuses before the first step when one lies after the approval", async () => {
    const session = await open();
    const { plan } = await prepareRollback(session, ROLLBACK_ALL);
    third.inject({
      method: "eth_getStorageAt",
      containing: platform.endorsement,
      times: 1,
      fault: { answer: LIE },
    });
    const before = await block();
    const error = await refusalOf(
      async () => await conductWith(session, plan, {}),
    );
    expect(error.code).to.equal("RPC_DISAGREES");
    expect(error.values).to.include({
      network: "localhost",
      block: BigInt(before),
      what: "Endorsement's implementation slot",
    });
    const hosts = [anvil, second].map(({ url }) => new URL(url).host);
    expect(error.values.answers).to.equal(
      [
        `${bad.endorsement} according to ${hosts.join(", ")}`,
        `0x${"1".repeat(40)} according to ${new URL(third.url).host}`,
        `${bad.endorsement} or ${platform.implementations.endorsement} or nothing according to the plan`,
      ].join("; "),
    );
    expect(error.message).to.not.include(SECRET);
    expect(await block()).to.equal(before);
    const files = await readdir(join(folder.path, "localhost"));
    expect(files).to.deep.equal(["deploy.json"]);
  });

  it("notices a lie about every fact a Safe's signer builds on", async () => {
    const owners = `${"20".padStart(64, "0")}${"1".padStart(64, "0")}${LIE.slice(2)}`;
    const lies: [string, string, Hex][] = [
      ["0xaffed0e0", "the nonce of", LIE],
      ["0xa0e67e2b", "the owners of", `0x${owners}`],
      ["0xe75235b8", "the threshold of", LIE],
    ];
    for (const [selector, what, answer] of lies) {
      const error = await refusalWith({
        method: "eth_call",
        containing: selector,
        fault: { answer },
      });
      expect(error.code).to.equal("RPC_DISAGREES");
      expect(error.values.what).to.equal(`${what} the Safe ${safe}`);
    }
    const singleton = await refusalWith({
      method: "eth_getStorageAt",
      fault: { answer: LIE },
    });
    expect(singleton.values.what).to.equal(`the singleton of the Safe ${safe}`);
  });

  it("says owners and numbers as people read them", async () => {
    const { values } = await refusalWith({
      method: "eth_call",
      containing: "0xaffed0e0",
      fault: { answer: `0x${"7".padStart(64, "0")}` },
    });
    const hosts = [anvil, second].map(({ url }) => new URL(url).host);
    expect(values.answers).to.equal(
      `0 according to ${hosts.join(", ")}; 7 according to ${new URL(third.url).host}`,
    );
  });

  it("notices other code, a revert, and another slot of the proxy", async () => {
    const { skillProfile } = bad;
    const code = await refusalWith(
      { method: "eth_getCode", fault: { answer: "0x6000" } },
      { codes: [{ address: skillProfile }] },
    );
    expect(code.code).to.equal("RPC_DISAGREES");
    expect(code.values.what).to.equal(`the code at ${skillProfile}`);
    const reverts = await refusalWith({
      method: "eth_call",
      containing: "0xaffed0e0",
      fault: { error: { code: 3, message: "execution reverted" } },
    });
    expect(reverts.code).to.equal("RPC_DISAGREES");
    expect(reverts.values.answers).to.include("a revert according to");
    const proxies = [{ name: "SkillProfile", proxy: platform.skillProfile }];
    for (const [skip, slot] of [
      "implementation",
      "admin",
      "beacon",
    ].entries()) {
      const { values } = await refusalWith(
        { method: "eth_getStorageAt", skip, times: 1, fault: { answer: LIE } },
        { proxies },
      );
      expect(values.what).to.equal(`SkillProfile's ${slot} slot`);
    }
  });

  it("refuses what all say but nobody approved", async () => {
    const hash: Hex = `0x${"ab".repeat(32)}`;
    const codes = [{ address: bad.skillProfile, hash }];
    const error = await refusal({ codes });
    expect(error.code).to.equal("RPC_DISAGREES");
    expect(error.values.answers).to.include(`${hash} according to the plan`);
    const proxies = [
      {
        name: "SkillClaim",
        proxy: platform.skillClaim,
        beacon: platform.beacon,
        implementations: [platform.implementations.skillClaim],
      },
    ];
    const moved = await refusal({ proxies });
    expect(moved.values.what).to.equal(
      "the implementation of SkillClaim's beacon",
    );
  });

  it("asks for the operations of a timelock, through all that is nested", async () => {
    const owner = platform.owner;
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 60,
      proposers: [owner],
      executors: [owner],
    });
    const direct = { kind: "direct", from: owner } as const;
    const outer: Address = "0x00000000000000000000000000000000000007Aa";
    const facts = factsOfPause({
      paused: true,
      contracts: [
        {
          name: "SkillProfile",
          proxy: platform.skillProfile,
          route: {
            kind: "timelock",
            timelock,
            delaySeconds: "60",
            executor: direct,
            proposer: {
              kind: "access-manager",
              manager: outer,
              member: direct,
              delaySeconds: "0",
            },
          },
        },
      ],
    });
    const [operation, schedule] = facts.operations!;
    expect(operation).to.include({ kind: "timelock", at: timelock });
    expect(schedule).to.include({ kind: "access-manager", at: outer });
    const { values } = await refusalWith(
      {
        method: "eth_call",
        containing: operation!.id.slice(2),
        fault: { answer: `0x${"1".padStart(64, "0")}` },
      },
      facts,
    );
    expect(values.what).to.equal(
      `operation ${operation!.id} of the timelock ${timelock}`,
    );
  });

  it("asks about the Safe that a plan goes through, and about a proposal's contracts", async () => {
    await handOver(connection, platform, safe);
    const session = await open();
    const endorsement = { names: ["Endorsement"], all: false, paused: true };
    const { plan } = await preparePause(session, endorsement);
    expect(plan.notes.join()).to.include("3 RPCs agree at block");
    const honest = second.inject({
      method: "eth_call",
      containing: "0xaffed0e0",
      fault: { answer: LIE },
    });
    const lied = await refusalOf(
      async () => await preparePause(session, endorsement),
    );
    expect(lied.code).to.equal("RPC_DISAGREES");
    honest();
    const contract = {
      name: "Endorsement",
      proxy: platform.endorsement,
      implementation: platform.implementations.endorsement,
    };
    // It points to the bad one by now.
    const error = await refusal(
      factsOfProposal({ safe, contracts: [contract] }),
    );
    expect(error.code).to.equal("RPC_DISAGREES");
  });

  it("agrees at the lowest common block with one that lags", async () => {
    const behind = (await connection.provider.request({
      method: "eth_getBlockByNumber",
      params: ["latest", false],
    })) as unknown;
    const lowest = await block();
    await connection.provider.request({
      method: "anvil_mine",
      params: ["0x3"],
    });
    third.inject({
      method: "eth_getBlockByNumber",
      containing: "latest",
      fault: { answer: behind },
    });
    const { ports } = await open();
    const agreement = await ports.assertAgreed!({ safes: [safe] });
    expect(agreement).to.deep.equal({ rpcs: 3, block: BigInt(lowest) });
  });

  it("doesn't take one for a witness that lags far behind", async () => {
    const behind = (await connection.provider.request({
      method: "eth_getBlockByNumber",
      params: ["0x1", false],
    })) as { number: string };
    await connection.provider.request({
      method: "evm_increaseTime",
      params: [301],
    });
    await connection.provider.request({ method: "evm_mine" });
    const error = await refusalWith({
      method: "eth_getBlockByNumber",
      containing: "latest",
      fault: { answer: behind },
    });
    expect(error.code).to.equal("RPC_QUORUM_UNAVAILABLE");
    expect(error.values.failures).to.include(
      `${new URL(third.url).host}: its latest block, 1, is`,
    );
  });

  it("names an RPC of another chain, and one on a fork", async () => {
    const other = await startAnvil({ args: ["--chain-id", "5"] });
    const fork = await startAnvil();
    try {
      const wrong = await refusal({}, [secretUrl(second), other.url]);
      expect(wrong.code).to.equal("WRONG_CHAIN");
      expect(wrong.message).to.include(new URL(other.url).host);
      expect(wrong.values).to.include({ actual: 5n, expected: 31337n });
      const split = await refusal({}, [fork.url]);
      expect(split.code).to.equal("RPC_DISAGREES");
      expect(split.values.what).to.equal("the block's hash");
    } finally {
      await Promise.all([other.stop(), fork.stop()]);
    }
  });

  it("names whoever doesn't answer", async () => {
    const echo = { code: -32000, message: `no key ${SECRET} in ${SECRET}` };
    const faults: [Injection, string][] = [
      [{ fault: "429", retryAfterSeconds: 0 }, "HTTP 429"],
      [{ fault: "drop-before" }, "can't be reached"],
      [{ fault: "500" }, "can't be reached (HTTP 500"],
      [{ fault: { error: echo } }, "error -32000 to eth_chainId"],
      [
        { fault: { error: echo }, method: "eth_getStorageAt" },
        "error -32000 to eth_getStorageAt",
      ],
      [
        { fault: { answer: null }, method: "eth_getStorageAt" },
        "isn't hexadecimal",
      ],
      [
        { fault: { answer: null }, method: "eth_getBlockByNumber", skip: 1 },
        "it has no block",
      ],
    ];
    for (const [injection, reason] of faults) {
      const error = await refusalWith(injection);
      expect(error.code, reason).to.equal("RPC_QUORUM_UNAVAILABLE");
      const { host } = new URL(third.url);
      expect(error.values.failures).to.match(new RegExp(`^${host}: `));
      expect(error.values.failures).to.include(reason);
    }
    const { url } = third;
    await third.close();
    const down = await refusal({}, [`${url}/${SECRET}`]);
    expect(down.values.failures).to.include("can't be reached (ECONNREFUSED)");
  });

  it("doesn't wait for one that hangs", async () => {
    third.inject({ fault: "hang" });
    const impatient = await connectTo(anvil.url, { timeout: 1_000 });
    const { ports } = await openSession(
      sessionSource(impatient, folder.path, {
        rpcQuorum: every([secretUrl(third)]),
      }),
    );
    const { values } = await refusalOf(
      async () => await ports.assertAgreed!({}),
    );
    expect(values.failures).to.include("no answer within 1 s");
    await impatient.close();
  });

  it("counts the network's own RPC once, and alone it is none", async () => {
    const { ports } = await open([anvil.url, secretUrl(second)]);
    const { rpcs } = await ports.assertAgreed!({});
    expect(rpcs).to.equal(2);
    for (const urls of [[`${anvil.url}/`], [`ftp://${SECRET}`], [SECRET]]) {
      const error = await refusalOf(async () => await open(urls));
      expect(error.code).to.equal("OPTION_INVALID");
      expect(error.message).to.not.include(SECRET);
    }
  });

  it("belongs to a network: another one, and a simulated one, has none", async () => {
    const urls = [SECRET].map(variable);
    const byName = (name: string) =>
      sessionSource(connection, folder.path, {
        rpcQuorum: { every: [], byNetwork: { [name]: urls } },
      });
    await openSession(byName("mainnet"));
    const error = await refusalOf(
      async () => await openSession(byName("localhost")),
    );
    expect(error.code).to.equal("OPTION_INVALID");
    const simulated = await hre.network.create();
    await openSession(
      sessionSource(simulated, folder.path, { rpcQuorum: every([SECRET]) }),
    );
    await simulated.close();
  });

  it("isn't asked about a fork, which it can't know", async () => {
    const byNetwork = { localhost: [variable(secretUrl(second))] };
    const { outcome } = await rehearseProcedure(
      sessionSource(connection, folder.path, {
        rpcQuorum: { every: [], byNetwork },
      }),
      createSimulation,
      { kind: "pause", names: [], all: true },
    );
    expect(outcome.status).to.equal("done");
    expect(second.roundTrips).to.equal(0);
  });
});

function every(urls: readonly string[]): DrConfig["rpcQuorum"] {
  return { every: urls.map(variable), byNetwork: {} };
}

function variable(url: string): ResolvedConfigurationVariable {
  return {
    _type: "ResolvedConfigurationVariable",
    format: "{variable}",
    get: () => Promise.resolve(url),
    getUrl: () => Promise.resolve(url),
    getBigInt: () => Promise.resolve(0n),
    getHexString: () => Promise.resolve(url),
  };
}

/** The same node, by a URL with a key in every part that can hold one. */
function secretUrl({ url }: { readonly url: string }): string {
  const { host } = new URL(url);
  return `http://${SECRET}:${SECRET}@${host}/v3/${SECRET}?key=${SECRET}`;
}
