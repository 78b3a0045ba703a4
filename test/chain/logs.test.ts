import { expect } from "chai";
import fc from "fast-check";

import { readLogs, type Log } from "../../src/chain/logs.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcRequest,
} from "../../src/chain/rpc.js";
import { DrError } from "../../src/core/errors.js";
import type { Hex } from "../../src/core/hex.js";
import { codeOf } from "../deployments/refusal.js";

const TOPIC: Hex = `0x${"11".repeat(32)}`;

/** A chain of blocks with so many logs each; `refuse` throws what the node has against a range. */
class LogRpc implements Rpc {
  readonly network = "testnet";
  readonly asked: (readonly [from: number, to: number])[] = [];
  readonly #counts: readonly number[];
  readonly #refuse: (from: number, to: number) => void;

  constructor(
    counts: readonly number[],
    refuse: (from: number, to: number) => void = () => undefined,
  ) {
    this.#counts = counts;
    this.#refuse = refuse;
  }

  request(method: string, params: readonly unknown[] = []): Promise<unknown> {
    expect(method).to.equal("eth_getLogs");
    const filter = params[0] as Record<string, unknown>;
    expect(filter.topics).to.deep.equal([TOPIC]);
    expect(filter.fromBlock).to.match(/^0x/);
    expect(filter.toBlock).to.match(/^0x/);
    const from = Number(filter.fromBlock);
    const to = Number(filter.toBlock);
    this.asked.push([from, to]);
    return Promise.resolve().then(() => {
      this.#refuse(from, to);
      return this.#counts
        .map((_, block) => block)
        .filter((block) => block >= from && block <= to)
        .flatMap((block) => this.#logsOf(block));
    });
  }

  batch(requests: readonly RpcRequest[]): never {
    expect.fail(`a batch of ${requests.length}`);
  }

  #logsOf(block: number): object[] {
    return Array.from({ length: this.#counts[block] ?? 0 }, (_, index) => ({
      address: TOPIC.slice(0, 42),
      topics: [TOPIC],
      data: "0x",
      blockNumber: `0x${block.toString(16)}`,
      transactionHash: TOPIC,
      logIndex: `0x${index.toString(16)}`,
    }));
  }
}

async function read(
  rpc: Rpc,
  fromBlock: number,
  toBlock: number,
): Promise<string[]> {
  const logs = await readLogs(rpc, {
    topics: [TOPIC],
    fromBlock: BigInt(fromBlock),
    toBlock: BigInt(toBlock),
  });
  return logs.map(placeOf);
}

function placeOf({ blockNumber, logIndex }: Log): string {
  return `${String(blockNumber)}:${logIndex}`;
}

function placesIn(
  counts: readonly number[],
  from: number,
  to: number,
): string[] {
  return counts.flatMap((count, block) =>
    block < from || block > to
      ? []
      : Array.from({ length: count }, (_, index) => `${block}:${index}`),
  );
}

/** How providers say that it is too much; nearly every one in words of its own. */
const REFUSALS: readonly (readonly [code: number, message: string])[] = [
  [
    -32602,
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0x0, 0x1]",
  ],
  [-32005, "query returned more than 10000 results"],
  [-32005, "query exceeds max block range 100000"],
  [-32005, "query timeout exceeded"],
  [-32614, "eth_getLogs is limited to a 10,000 range"],
  [
    -32600,
    "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range",
  ],
  [-32000, "block range is too wide"],
  [-32062, "Block range is too large"],
  [
    -32701,
    "Please specify an address in your request or, to remove restrictions, order a dedicated full node",
  ],
  [-32000, "exceed maximum block range: 5000"],
  [-32000, "query exceeds the range of 1024 blocks"],
  [-32603, "request timed out"],
  [-32001, "backend response too large"],
  [35, "ranges over 10000 blocks are not supported on freetier"],
  [-32008, "Response is too big"],
  [-32000, "getLogs request exceeded max allowed range"],
  [0, "Try with this block range [0x0, 0x7d0]."],
];

describe("readLogs", () => {
  it("asks once where the node answers, for just these blocks", async () => {
    const counts = [1, 2, 0, 3, 1];
    const rpc = new LogRpc(counts);
    expect(await read(rpc, 1, 3)).to.deep.equal(placesIn(counts, 1, 3));
    expect(rpc.asked).to.deep.equal([[1, 3]]);
  });

  it("asks nothing where there are no blocks", async () => {
    const rpc = new LogRpc([1]);
    expect(await read(rpc, 5, 4)).to.deep.equal([]);
    expect(rpc.asked).to.deep.equal([]);
  });

  for (const [code, message] of REFUSALS) {
    it(`asks for less when it is told ${code} "${message.slice(0, 60)}"`, async () => {
      const counts = Array.from({ length: 100 }, (_, block) => block % 3);
      const rpc = new LogRpc(counts, (from, to) => {
        if (to - from >= 7) {
          throw new RpcResponseError(message, code);
        }
      });
      expect(await read(rpc, 0, 99)).to.deep.equal(placesIn(counts, 0, 99));
    });
  }

  it("asks for less when the node takes too long, or is cut off", async () => {
    for (const error of [
      new DrError("RPC_TIMEOUT", {
        network: "testnet",
        host: "h",
        method: "eth_getLogs",
        seconds: 30,
      }),
      new DrError("RPC_ANSWER_INVALID", {
        network: "testnet",
        host: "h",
        method: "eth_getLogs",
        status: 200,
      }),
    ]) {
      const counts = Array.from({ length: 20 }, () => 1);
      const rpc = new LogRpc(counts, (from, to) => {
        if (to - from >= 5) {
          throw error;
        }
      });
      expect(await read(rpc, 0, 19)).to.deep.equal(placesIn(counts, 0, 19));
    }
  });

  it("asks for more again after a crowded stretch", async () => {
    const counts = Array.from({ length: 4_096 }, (_, block) =>
      block < 16 ? 10 : 0,
    );
    const rpc = new LogRpc(counts, (from, to) => {
      if (placesIn(counts, from, to).length > 20) {
        throw new RpcResponseError(
          "query returned more than 20 results",
          -32005,
        );
      }
    });
    expect(await read(rpc, 0, 4_095)).to.have.length(160);
    expect(rpc.asked).to.have.length.below(50);
  });

  it("has every log once and in order, whatever is refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 60 }),
        fc.nat({ max: 70 }),
        fc.nat({ max: 70 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 4, max: 12 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        async (counts, from, to, blocks, results, moods) => {
          const rpc = new LogRpc(counts, (first, last) => {
            const isTooMuch =
              last - first + 1 > blocks ||
              placesIn(counts, first, last).length > results;
            if (isTooMuch || (first !== last && moods.pop() === true)) {
              throw new RpcResponseError("block range is too wide", -32000);
            }
          });
          expect(await read(rpc, from, to)).to.deep.equal(
            placesIn(counts, from, to),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("takes more logs in one answer than a call takes arguments", async () => {
    const rpc = new LogRpc([200_000]);
    expect(await read(rpc, 0, 0)).to.have.length(200_000);
  });

  it("says so when a single block is refused", async () => {
    const rpc = new LogRpc([1, 2, 3], (_, to) => {
      if (to >= 2) {
        throw new RpcResponseError("query returned more than 1 result", -32005);
      }
    });
    expect(await codeOf(() => read(rpc, 0, 2))).to.equal("RPC_FAILED");
    expect(rpc.asked.at(-1)).to.deep.equal([2, 2]);
    expect(rpc.asked).to.have.length.below(7);
  });

  it("doesn't ask for less where that is no help", async () => {
    const failures: readonly (readonly [Error, string])[] = [
      [new RpcResponseError("method not found", -32601), "RPC_FAILED"],
      [new RpcResponseError("Invalid API key", -32000), "RPC_FAILED"],
      [new RpcResponseError("unauthorized", -32000), "RPC_FAILED"],
      [
        new DrError("RPC_UNREACHABLE", {
          network: "testnet",
          host: "h",
          reason: "ECONNREFUSED",
        }),
        "RPC_UNREACHABLE",
      ],
    ];
    for (const [failure, code] of failures) {
      const rpc = new LogRpc([], () => {
        throw failure;
      });
      expect(await codeOf(() => read(rpc, 0, 1_000))).to.equal(code);
      expect(rpc.asked).to.have.length(1);
    }
  });
});
