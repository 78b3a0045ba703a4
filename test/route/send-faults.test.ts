import { expect } from "chai";
import { Transaction } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import type { Json } from "../../src/core/canonical-json.js";
import { DrError } from "../../src/core/errors.js";
import type { Hex } from "../../src/core/hex.js";
import { createLocalSigner } from "../../src/route/direct/local-signer.js";
import { sendAll, type SendPorts } from "../../src/route/direct/send.js";
import type { StepLog } from "../../src/run/step.js";
import { createDisasterRecovery } from "../../src/session/disaster-recovery.js";
import {
  openSession,
  type SessionOptions,
} from "../../src/session/open-session.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { contractAt, read, send, signer } from "../helpers/contracts.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import { startFaultyRpc, type FaultyRpc } from "../helpers/faulty-rpc.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";

/** Of anvil's first account; everybody knows it. */
const KEY =
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/** `_paused` of OpenZeppelin 5: keccak256("openzeppelin.storage.Pausable"), ERC-7201. */
const PAUSED_SLOT =
  "0xcd5ed15c6e187e77e9aee88184c21f4f2182ab5827cb3b7e07fbedcd63f03300";
const SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

describe("sending against the odds", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  let anvil: Anvil;
  let rpc: FaultyRpc;
  /** Straight to the node. */
  let direct: NetworkConnection;
  let connection: NetworkConnection;
  let platform: Platform;

  beforeEach(async function () {
    requireAnvil(this);
    anvil = await startAnvil();
    rpc = await startFaultyRpc(anvil.url);
    direct = await connectTo(anvil.url);
    platform = await deployPlatform(direct);
    connection = await connectTo(rpc.url, { accounts: [KEY], timeout: 2_000 });
    await initialize(source(), platformProxies(platform));
  });

  afterEach(async () => {
    await rpc.close();
    await anvil.stop();
  });

  function source(transactions: object = {}) {
    return sessionSource(connection, folder.path, {
      transactions: {
        stuckAfterSeconds: 30,
        giveUpAfterSeconds: 20,
        pollSeconds: 0.05,
        ...transactions,
      },
    });
  }

  async function pauseAll(
    transactions: object = {},
    options: SessionOptions = {},
  ) {
    const dr = createDisasterRecovery(source(transactions));
    const { contracts } = await dr.pause(options);
    return contracts;
  }

  async function ask(method: string, params: unknown[] = []): Promise<unknown> {
    return await direct.provider.request({ method, params });
  }

  /** Every transaction of the sender's, as `to input`, by nonce. */
  async function sentSince(block: number): Promise<string[]> {
    const latest = Number(await ask("eth_blockNumber"));
    const calls: string[] = [];
    for (let number = block + 1; number <= latest; number += 1) {
      const { transactions } = (await ask("eth_getBlockByNumber", [
        `0x${number.toString(16)}`,
        true,
      ])) as { transactions: { from: Hex; to: Hex; input: Hex }[] };
      calls.push(...transactions.map(({ to, input }) => `${to} ${input}`));
    }
    return calls;
  }

  async function expectPausedOnce(start: number): Promise<void> {
    const calls = await sentSince(start);
    const pauses = calls.filter((call) => call.endsWith(" 0x8456cb59"));
    expect(pauses).to.have.lengthOf(3);
    expect(new Set(pauses).size).to.equal(3);
  }

  /** A block now and then, until the work is done. */
  async function mineUntil(work: Promise<unknown>): Promise<void> {
    const blocks = setInterval(() => {
      ask("evm_mine").catch(() => undefined);
    }, 100);
    try {
      await work;
    } finally {
      clearInterval(blocks);
    }
  }

  /** Until the node itself has as many waiting: the server in front of it sees them earlier. */
  async function untilWaiting(count: number): Promise<void> {
    await until(async () => {
      const { pending } = (await ask("txpool_status")) as { pending: Hex };
      return Number(pending) >= count;
    });
  }

  const height = async () => Number(await ask("eth_blockNumber"));

  it("puts all pauses into one batch", async () => {
    const start = await height();
    const contracts = await pauseAll();
    expect(contracts.map(({ paused }) => paused)).to.deep.equal([
      true,
      true,
      true,
    ]);
    expect(rpc.requests("eth_sendRawTransaction")).to.have.lengthOf(3);
    await expectPausedOnce(start);
  });

  it("doesn't send again what the node took without a word", async () => {
    const start = await height();
    rpc.inject({
      method: "eth_sendRawTransaction",
      fault: "drop-after",
      times: 1,
    });
    await pauseAll();
    await expectPausedOnce(start);
  });

  it("sends again what never arrived", async () => {
    const start = await height();
    rpc.inject({
      method: "eth_sendRawTransaction",
      fault: "drop-before",
      times: 1,
    });
    await pauseAll();
    await expectPausedOnce(start);
  });

  it("waits as long as a busy node asks for", async () => {
    const start = await height();
    rpc.inject({ fault: "429", times: 3, retryAfterSeconds: 1 });
    await pauseAll();
    await expectPausedOnce(start);
  });

  it("says that the RPC is down", async () => {
    await rpc.close();
    await expectCode(pauseAll(), "RPC_UNREACHABLE");
  });

  it("says that the RPC hangs", async () => {
    rpc.inject({ fault: "hang" });
    await expectCode(pauseAll(), "RPC_TIMEOUT");
  });

  it("takes another nonce when somebody took this one", async () => {
    const start = await height();
    // The node tells a nonce that is used up by the time of sending.
    const count = (await ask("eth_getTransactionCount", [
      SENDER,
      "pending",
    ])) as Hex;
    const own = await signer(direct);
    await (await own.sendTransaction({ to: SENDER, value: 1n })).wait();
    rpc.inject({
      method: "eth_getTransactionCount",
      fault: { answer: count },
      times: 1,
    });
    await pauseAll();
    await expectPausedOnce(start);
  });

  it("replaces what is stuck, with the same nonce and higher fees", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const paused = pauseAll({ stuckAfterSeconds: 1 });
    await until(() => rpc.requests("eth_sendRawTransaction").length >= 6);
    await ask("evm_mine");
    await paused;
    await expectPausedOnce(start);
  });

  it("goes on waiting when a reorganisation takes its block back", async () => {
    await ask("evm_setAutomine", [false]);
    const start = await height();
    const paused = pauseAll({}, { confirmations: 3 });
    await untilWaiting(3);
    await ask("evm_mine");
    const looks = rpc.requests("eth_getTransactionReceipt").length;
    await until(
      () => rpc.requests("eth_getTransactionReceipt").length > looks + 9,
    );
    await ask("anvil_reorg", [1, []]);
    await mineUntil(paused);
    await expectPausedOnce(start);
  });

  it("lets a bad contract not hold the others", async () => {
    // Endorsement's pauser loses the role.
    const endorsement = await contractAt(
      direct,
      "Endorsement",
      platform.endorsement,
    );
    const role = await read(endorsement, "PAUSER_ROLE");
    await send(direct, endorsement, "renounceRole", [role, SENDER]);
    await expectCode(pauseAll(), "NOBODY_MAY");
    const dr = createDisasterRecovery(source());
    const { contracts } = await dr.status();
    const state = Object.fromEntries(
      contracts.map((one) => [one.name, "paused" in one && one.paused]),
    );
    expect(state).to.deep.equal({
      SkillProfile: true,
      Endorsement: false,
      SkillClaim: true,
    });
  });

  it("sends through the private RPC only", async () => {
    const secret = await startFaultyRpc(anvil.url);
    try {
      await pauseAll({}, { privateRpc: secret.url });
      expect(rpc.requests("eth_sendRawTransaction")).to.deep.equal([]);
      expect(secret.requests("eth_sendRawTransaction")).to.have.lengthOf(3);
    } finally {
      await secret.close();
    }
  });

  it("gives up on an RPC that always asks to wait", async () => {
    rpc.inject({ fault: "429", retryAfterSeconds: 0 });
    await expectCode(pauseAll(), "RPC_RATE_LIMITED");
  });

  it("stops when nothing is mined for too long", async () => {
    await ask("evm_setAutomine", [false]);
    const paused = pauseAll({ giveUpAfterSeconds: 0.5 });
    await expectCode(paused, "NOT_MINED");
  });

  it("says that what is mined isn't deep enough, where the chain stands still", async () => {
    const start = await height();
    const messages: string[] = [];
    const progress = (message: string): void => {
      messages.push(message);
    };
    await expectCode(
      pauseAll(
        { stuckAfterSeconds: 0.1, giveUpAfterSeconds: 0.5 },
        { confirmations: 9, progress },
      ),
      "NOT_DEEP_ENOUGH",
    );
    expect(
      messages.filter((one) => one.includes("waiting for 9 confirmations")),
    ).to.have.lengthOf(3);
    await createDisasterRecovery(source()).resume(undefined, {
      confirmations: 1,
    });
    await expectPausedOnce(start);
  });

  it("waits as long as blocks come, however many are asked for", async () => {
    const start = await height();
    await mineUntil(
      pauseAll({ giveUpAfterSeconds: 0.8 }, { confirmations: 20 }),
    );
    expect((await height()) - start).to.be.at.least(20);
    await expectPausedOnce(start);
  });

  it("says that an older transaction of the account must be mined first", async () => {
    await ask("evm_setAutomine", [false]);
    const own = await signer(direct);
    const older = await own.sendTransaction({ to: SENDER, value: 1n });
    const start = await height();
    await expectCode(
      pauseAll({ stuckAfterSeconds: 0.1, giveUpAfterSeconds: 1 }),
      "OLDER_TRANSACTION_WAITS",
    );
    // Higher fees for what isn't at fault would be of no use.
    expect(rpc.requests("eth_sendRawTransaction")).to.have.lengthOf(3);
    const { nonce } = older;
    const gasPrice = 100_000_000_000n;
    await own.sendTransaction({ to: SENDER, nonce, gasPrice });
    await mineUntil(createDisasterRecovery(source()).resume());
    await expectPausedOnce(start);
  });

  it("goes on by itself when the older transaction is mined", async () => {
    await ask("evm_setAutomine", [false]);
    await (await signer(direct)).sendTransaction({ to: SENDER, value: 1n });
    const start = await height();
    const messages: string[] = [];
    const paused = pauseAll(
      { stuckAfterSeconds: 0.1 },
      { progress: (message) => messages.push(message) },
    );
    await until(() =>
      messages.some((one) => one.includes("waiting for nonce")),
    );
    await ask("evm_mine");
    await paused;
    await expectPausedOnce(start);
  });

  it("keeps a nonce that a node has taken, until the chain has spent it", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const paused = pauseAll({ stuckAfterSeconds: 0.5 });
    await until(() => rpc.requests("eth_sendRawTransaction").length >= 3);
    // The node has forgotten them and says that somebody else's wait there.
    rpc.inject({ method: "eth_getTransactionByHash", fault: { answer: null } });
    rpc.inject({
      method: "eth_sendRawTransaction",
      fault: {
        error: { code: -32000, message: "replacement transaction underpriced" },
      },
      times: 3,
    });
    await until(() => rpc.requests("eth_sendRawTransaction").length >= 9);
    await ask("evm_mine");
    await paused;
    const nonces = new Set(
      rpc
        .requests("eth_sendRawTransaction")
        .map(({ params: [raw] }) => Transaction.from(raw as string).nonce),
    );
    expect(nonces.size).to.equal(3);
    await expectPausedOnce(start);
  });

  it("doesn't make again what succeeded, whatever a node that lags says", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const paused = pauseAll();
    await untilWaiting(3);
    const old = await ask("eth_getBlockByNumber", ["latest", false]);
    // One of three is mined at first: then all of them are looked at again.
    rpc.inject({
      method: "eth_getBlockByNumber",
      fault: { answer: old },
      times: 2,
    });
    await ask("evm_mine");
    await paused;
    expect(rpc.requests("eth_sendRawTransaction")).to.have.lengthOf(3);
    await expectPausedOnce(start);
  });

  for (const [count, code] of [
    [1, "TRANSACTION_REVERTED"],
    [2, "SOME_TRANSACTIONS_FAILED"],
  ] as const) {
    it(`tells of ${String(count)} that reverted in their block`, async () => {
      await ask("evm_setAutomine", [false]);
      const paused = pauseAll();
      paused.catch(() => undefined);
      await untilWaiting(3);
      const proxies = [platform.skillProfile, platform.endorsement];
      for (const proxy of proxies.slice(0, count)) {
        await ask("anvil_setStorageAt", [proxy, PAUSED_SLOT, wordOf(1)]);
      }
      await ask("evm_mine");
      await expectCode(paused, code);
    });
  }

  it("says who can't pay", async () => {
    await ask("anvil_setBalance", [SENDER, "0x1"]);
    await expectCode(pauseAll(), "OUT_OF_FUNDS");
  });

  it("says what the node has against a transaction", async () => {
    rpc.inject({
      method: "eth_sendRawTransaction",
      fault: { error: { code: -32000, message: "type not supported" } },
    });
    await expectCode(pauseAll(), "SEND_REFUSED");
  });

  it("knows a journal of other transactions", async () => {
    const log = logWith([await intentOf("stranger", "0x")]);
    await expectCode(
      sendAll(await sendPorts(), [], log),
      "JOURNAL_FOREIGN_TRANSACTION",
    );
  });

  it("goes on with what is under way and takes nonces behind it, whatever a node that lags says", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const nonce = await ask("eth_getTransactionCount", [SENDER, "latest"]);
    const log = logWith([await intentOf("first", "0x01")]);
    // The first two are asked for what is under way, the third for a new nonce.
    rpc.inject({
      method: "eth_getTransactionCount",
      fault: { answer: nonce },
      skip: 2,
      times: 1,
    });
    const isDone = async () => (await height()) > start;
    const work = sendAll(
      await sendPorts(),
      (["0x01", "0x02"] as const).map((data, index) => ({
        key: index === 0 ? "first" : "second",
        to: SENDER,
        value: 0n,
        data,
        label: data,
        isDone,
      })),
      log,
    );
    await untilWaiting(2);
    await ask("evm_mine");
    await work;
    expect(await sentSince(start)).to.deep.equal([
      `${SENDER.toLowerCase()} 0x01`,
      `${SENDER.toLowerCase()} 0x02`,
    ]);
  });

  it("gives two steps that go on at the same time nonces of their own", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const { openRoute } = (await openSession(source())).ports;
    const works = (["0x01", "0x02"] as const).map(async (data) => {
      const [step] = openRoute({ kind: "direct", from: SENDER }).toSteps(
        data,
        data,
        [
          {
            contracts: [data],
            call: { to: SENDER, value: 0n, data, label: data },
            isDone: async () =>
              (await sentSince(start)).some((call) => call.endsWith(data)),
          },
        ],
      );
      const log = logWith([]);
      await step!.run(log);
      return log.entries.map((entry) => (entry as { kind: string }).kind);
    });
    const work = Promise.all(works);
    await mineUntil(work);
    expect((await work).flat()).to.not.include("void");
    expect((await sentSince(start)).toSorted()).to.deep.equal([
      `${SENDER.toLowerCase()} 0x01`,
      `${SENDER.toLowerCase()} 0x02`,
    ]);
  });

  it("knows its own transaction, though the node's height is behind its count", async () => {
    const start = await height();
    const intent = await intentOf("first", "0x01");
    await (
      await (await signer(direct)).sendTransaction({ to: SENDER, data: "0x01" })
    ).wait();
    // Of one batch a node may answer the first request before a block and the second after it.
    rpc.inject({
      method: "eth_blockNumber",
      fault: { answer: `0x${start.toString(16)}` },
      times: 3,
    });
    const outgoing = {
      key: "first",
      to: SENDER,
      value: 0n,
      data: "0x01",
      label: "0x01",
      isDone: () => Promise.resolve(false),
    } as const;
    await sendAll(await sendPorts(), [outgoing], logWith([intent]));
    expect(await sentSince(start)).to.deep.equal([
      `${SENDER.toLowerCase()} 0x01`,
    ]);
  });

  async function sendPorts(): Promise<SendPorts> {
    const { rpc: chain, clock } = (await openSession(source())).ports;
    return {
      rpc: chain,
      broadcastRpc: chain,
      signer: createLocalSigner(KEY),
      chainId: 31337,
      clock,
      confirmations: 1,
      pollMs: 10,
      stuckAfterMs: 1_000,
      giveUpAfterMs: 1_000,
      progress: () => undefined,
    };
  }

  /** As an interrupted run left it: announced, and perhaps not sent. */
  async function intentOf(key: string, data: Hex): Promise<Json> {
    const next = await ask("eth_getTransactionCount", [SENDER, "latest"]);
    return {
      key,
      block: String(await height()),
      transaction: {
        from: SENDER,
        to: SENDER,
        value: "0",
        data,
        nonce: Number(next),
        gas: "30000",
        chainId: 31337,
        fees: { type: "legacy", gasPrice: "2000000000" },
      },
    };
  }

  it("stops for Ctrl-C while it waits, and goes on later", async () => {
    const start = await height();
    await ask("evm_setAutomine", [false]);
    const controller = new AbortController();
    const paused = pauseAll({}, { signal: controller.signal });
    await until(() => rpc.requests("eth_sendRawTransaction").length >= 3);
    controller.abort(new DrError("INTERRUPTED", {}));
    await expectCode(paused, "INTERRUPTED");
    await ask("evm_setAutomine", [true]);
    await ask("evm_mine");
    await createDisasterRecovery(source()).resume();
    await expectPausedOnce(start);
  });
});

function logWith(intents: readonly Json[]): StepLog {
  const entries: Json[] = [{ kind: "intent", intents }];
  return {
    entries,
    append: (entry) => {
      entries.push(entry);
      return Promise.resolve();
    },
  };
}

function wordOf(value: number): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await holds()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect.fail("it took too long");
}

async function expectCode(
  work: Promise<unknown>,
  code: DrError["code"],
): Promise<void> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(DrError);
    expect((error as DrError).code).to.equal(code);
    return;
  }
  expect.fail(`nothing was thrown, instead of ${code}`);
}
