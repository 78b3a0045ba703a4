import { expect } from "chai";

import { BlockReader, readChainId } from "../../src/chain/block-reader.js";
import { HttpRpc } from "../../src/chain/http-rpc.js";
import { MULTICALL3 } from "../../src/chain/multicall.js";
import { MULTICALL3_CODE } from "../../src/chain/multicall3-code.js";
import type { RpcOutcome } from "../../src/chain/rpc.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { codeOf } from "../deployments/refusal.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { startFaultyRpc, type FaultyRpc } from "../helpers/faulty-rpc.js";

/** PUSH0 CALLDATALOAD PUSH0 MSTORE, return: the selector comes back as a word. */
const MIRROR: Hex = "0x5f355f5260205ff3";
const REVERTS: Hex = "0x5f5ffd";
/** JUMPDEST PUSH0 JUMP, for ever. */
const GREEDY: Hex = "0x5b5f56";
/** CALLER, returned. */
const CALLER: Hex = "0x335f5260205ff3";

const mirror = addressOf(1);
const reverts = addressOf(2);
const greedy = addressOf(3);
const caller = addressOf(4);
const nobody = addressOf(5);

const SLOT: Hex = `0x${"0".repeat(64)}`;

describe("BlockReader", () => {
  let anvil: Anvil;
  let node: FaultyRpc;
  let rpc: HttpRpc;

  before(async function () {
    requireAnvil(this);
    anvil = await startAnvil();
    node = await startFaultyRpc(anvil.url);
    for (const [address, code] of [
      [mirror, MIRROR],
      [reverts, REVERTS],
      [greedy, GREEDY],
      [caller, CALLER],
    ]) {
      await ask("anvil_setCode", address, code);
    }
  });

  after(async () => {
    await node.close();
    await anvil.stop();
  });

  beforeEach(async () => {
    node.limits.batchSize = Infinity;
    rpc = new HttpRpc({ network: "testnet", url: node.url });
    await ask("anvil_setCode", MULTICALL3, MULTICALL3_CODE);
    node.resetCounts();
  });

  async function ask(method: string, ...params: unknown[]): Promise<unknown> {
    const own = new HttpRpc({ network: "testnet", url: anvil.url });
    return await own.request(method, params);
  }

  /** Calls of the mirror, each with an answer of its own. */
  async function callMirror(
    reader: BlockReader,
    count: number,
  ): Promise<unknown[]> {
    return await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        wordOf(await reader.callRaw({ to: mirror, data: dataOf(index) })),
      ),
    );
  }

  function mirrored(count: number): string[] {
    return Array.from({ length: count }, (_, index) => dataOf(index));
  }

  it("reads everything at its block, whatever comes after", async () => {
    await ask("anvil_setBalance", nobody, "0x7");
    await ask("anvil_setStorageAt", mirror, SLOT, SLOT.replace(/0$/, "5"));
    await ask("evm_mine");
    const reader = await BlockReader.at(rpc);
    // anvil changes the state of its latest block.
    await ask("evm_mine");
    await ask("anvil_setBalance", nobody, "0x8");
    await ask("anvil_setStorageAt", mirror, SLOT, SLOT.replace(/0$/, "6"));
    await ask("evm_mine");
    expect(await reader.balance(nobody)).to.equal(7n);
    expect(await reader.storage(mirror, SLOT)).to.equal(
      SLOT.replace(/0$/, "5"),
    );
    expect(await reader.code(mirror)).to.equal(MIRROR);
    const later = await BlockReader.at(rpc);
    expect(await later.balance(nobody)).to.equal(8n);
    const again = await BlockReader.at(rpc, reader.block.number);
    expect(again.block).to.deep.equal(reader.block);
    expect(await again.balance(nobody)).to.equal(7n);
  });

  it("sends what is asked for in one turn as one batch", async () => {
    const reader = await BlockReader.at(rpc);
    node.resetCounts();
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        for (let ready = 0; ready < index % 5; ready += 1) {
          await Promise.resolve();
        }
        await reader.code(addressOf(1000 + index));
        await reader.balance(addressOf(1000 + index));
      }),
    );
    expect(node.roundTrips).to.equal(2);
    expect(node.requests()).to.have.length(200);
    const tag = `0x${reader.block.number.toString(16)}`;
    for (const { params } of node.requests()) {
      expect(params.at(-1)).to.equal(tag);
    }
  });

  it("asks for the same once, at once or later", async () => {
    const reader = await BlockReader.at(rpc);
    await Promise.all([reader.code(mirror), reader.code(mirror)]);
    await reader.code(mirror);
    await reader.call(mirror, "function a() view returns (bytes32)");
    await reader.call(mirror, "function a() view returns (bytes32)");
    await reader.call(mirror, "function b() view returns (bytes32)");
    expect(node.requests("eth_getCode")).to.have.length(1);
    expect(node.requests("eth_call")).to.have.length(2);
  });

  it("takes a revert, no code and another shape for no value", async () => {
    const reader = await BlockReader.at(rpc);
    const version = "function version() view returns (string)";
    for (const address of [reverts, nobody, mirror]) {
      expect(await reader.call(address, version)).to.equal(undefined);
    }
    const outcome = await reader.callRaw({ to: reverts, data: "0x" });
    expect(outcome.ok).to.equal(false);
  });

  it("takes no answer for none, and asks again", async () => {
    const reader = await BlockReader.at(rpc);
    const read = async (): Promise<unknown> =>
      await reader.callRaw({ to: mirror, data: "0x12345678" });
    node.inject({ method: "eth_call", fault: "drop-before", times: 1 });
    expect(await codeOf(read)).to.equal("RPC_UNREACHABLE");
    expect(await read()).to.have.property("ok", true);
  });

  it("takes the node's own failure for no answer", async () => {
    const failure = {
      error: { code: -32000, message: "header not found" },
    } as const;
    const reader = await BlockReader.at(rpc);
    const restore = node.inject({ fault: failure });
    const reads = [
      () => reader.call(mirror, "function c() view returns (bytes32)"),
      () => reader.code(addressOf(77)),
      () => reader.storage(addressOf(77), SLOT),
      () => reader.balance(addressOf(77)),
      () => BlockReader.at(rpc),
      () => readChainId(rpc),
    ];
    for (const read of reads) {
      expect(await codeOf(read)).to.equal("RPC_FAILED");
    }
    restore();
    expect(await codeOf(() => BlockReader.at(rpc, 1_000_000n))).to.equal(
      "RPC_FAILED",
    );
  });

  describe("where the node takes small batches only", () => {
    beforeEach(() => {
      node.limits.batchSize = 4;
      rpc.batchLimit = 4;
    });

    it("calls through Multicall3", async () => {
      const reader = await BlockReader.at(rpc);
      expect(await callMirror(reader, 500)).to.deep.equal(mirrored(500));
      expect(node.requests("eth_call")).to.have.length(3);
    });

    it("asks alone for what has a sender, or isn't a call", async () => {
      const reader = await BlockReader.at(rpc);
      const [asked, balance, , ...sendersSeen] = await Promise.all([
        callMirror(reader, 10),
        reader.balance(nobody),
        reader.code(mirror),
        ...[mirror, reverts].map(async (from) =>
          wordOf(await reader.callRaw({ to: caller, data: "0x", from })),
        ),
      ]);
      expect(asked).to.deep.equal(mirrored(10));
      expect(balance).to.be.a("bigint");
      expect(sendersSeen).to.deep.equal(
        [
          mirror.slice(2).padStart(64, "0"),
          reverts.slice(2).padStart(64, "0"),
        ].map((word) => `0x${word}`),
      );
      expect(node.requests("eth_call")).to.have.length(3);
    });

    it("asks alone for what fails in there: a greedy one may have taken its gas", async () => {
      const reader = await BlockReader.at(rpc);
      const greedyCalls = [1, 2, 3].map(
        async (index) =>
          (await reader.callRaw({ to: greedy, data: dataOf(index) })).ok,
      );
      const [others, reverted, ...answered] = await Promise.all([
        callMirror(reader, 60),
        reader.callRaw({ to: reverts, data: "0x" }),
        ...greedyCalls,
      ]);
      expect(others).to.deep.equal(mirrored(60));
      expect(reverted.ok).to.equal(false);
      expect(answered).to.deep.equal([false, false, false]);
    });

    it("does without Multicall3 where there is none", async () => {
      await ask("anvil_setCode", MULTICALL3, "0x");
      const reader = await BlockReader.at(rpc);
      expect(await callMirror(reader, 21)).to.deep.equal(mirrored(21));
      expect(node.requests("eth_call")).to.have.length(21);
    });

    it("does without it where nothing tells whether it is there", async () => {
      const reader = await BlockReader.at(rpc);
      node.inject({ method: "eth_getCode", fault: "drop-before", times: 1 });
      expect(await callMirror(reader, 10)).to.deep.equal(mirrored(10));
    });

    it("does without it where it answers nonsense", async () => {
      await ask("anvil_setCode", MULTICALL3, MIRROR);
      const reader = await BlockReader.at(rpc);
      expect(await callMirror(reader, 10)).to.deep.equal(mirrored(10));
    });
  });
});

function addressOf(number: number): Address {
  return `0x${(0xdead_0000 + number).toString(16).padStart(40, "0")}`;
}

function dataOf(index: number): Hex {
  return `0x${(0x1234_0000 + index).toString(16).padEnd(64, "0")}`;
}

function wordOf(outcome: RpcOutcome): unknown {
  return outcome.ok ? outcome.result : outcome.error;
}
