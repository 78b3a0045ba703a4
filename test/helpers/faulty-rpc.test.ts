import { expect } from "chai";

import { requireAnvil, startAnvil, type Anvil } from "./anvil.js";
import { startFaultyRpc, type FaultyRpc } from "./faulty-rpc.js";

const FROM = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const BURN = "0x000000000000000000000000000000000000dEaD";

describe("the faulty RPC", () => {
  let anvil: Anvil | undefined;
  let rpc: FaultyRpc;

  before(async function () {
    requireAnvil(this);
    anvil = await startAnvil();
  });
  after(async () => {
    await anvil?.stop();
  });
  beforeEach(async () => {
    rpc = await startFaultyRpc(anvil?.url ?? "");
  });
  afterEach(async () => {
    await rpc.close();
  });

  it("passes requests and batches on, and counts", async () => {
    expect(await ask("eth_chainId")).to.have.property("result", "0x7a69");
    const answers = await post([
      request("eth_chainId", [], "a"),
      request("eth_blockNumber", [], "b"),
    ]);
    expect(answers).to.be.an("array");
    expect((answers as { id: string }[]).map(({ id }) => id)).to.deep.equal([
      "a",
      "b",
    ]);
    expect(rpc.roundTrips).to.equal(2);
    expect(rpc.requests("eth_chainId")).to.have.length(2);
    rpc.resetCounts();
    expect(rpc.roundTrips).to.equal(0);
  });

  it("answers 429 with Retry-After, and 500, as often as it is told", async () => {
    rpc.inject({ fault: "429", times: 1, retryAfterSeconds: 3 });
    const limited = await fetchRaw(request("eth_chainId"));
    expect(limited.status).to.equal(429);
    expect(limited.headers.get("retry-after")).to.equal("3");
    rpc.inject({ fault: "500", method: "eth_chainId", times: 1, skip: 1 });
    expect((await fetchRaw(request("eth_chainId"))).status).to.equal(200);
    expect((await fetchRaw(request("eth_blockNumber"))).status).to.equal(200);
    expect((await fetchRaw(request("eth_chainId"))).status).to.equal(500);
    expect((await fetchRaw(request("eth_chainId"))).status).to.equal(200);
  });

  it("drops the connection before the node sees the transaction, or after", async () => {
    const before = await nonce();
    const transaction = { from: FROM, to: BURN, value: "0x1" };
    for (const fault of ["drop-before", "drop-after"] as const) {
      rpc.inject({ method: "eth_sendTransaction", fault, times: 1 });
      const failure = await failureOf(ask("eth_sendTransaction", transaction));
      expect(failure).to.equal("TypeError");
    }
    expect(await nonce()).to.equal(before + 1);
  });

  it("hangs until the client gives up", async () => {
    const restore = rpc.inject({ fault: "hang" });
    const signal = AbortSignal.timeout(100);
    const failure = await failureOf(fetchRaw(request("eth_chainId"), signal));
    expect(failure).to.equal("TimeoutError");
    restore();
    expect(await ask("eth_chainId")).to.have.property("result");
  });

  it("answers in the node's stead, to that request alone", async () => {
    rpc.inject({ method: "eth_call", fault: { answer: "0x01" } });
    rpc.inject({
      method: "eth_gasPrice",
      fault: { error: { code: -32000, message: "no" } },
    });
    expect(
      await post([
        request("eth_call", [], 1),
        request("eth_chainId", [], 2),
        request("eth_gasPrice", [], 3),
      ]),
    ).to.deep.equal([
      { jsonrpc: "2.0", id: 1, result: "0x01" },
      { jsonrpc: "2.0", id: 2, result: "0x7a69" },
      { jsonrpc: "2.0", id: 3, error: { code: -32000, message: "no" } },
    ]);
  });

  it("refuses batches that are too long, in either way", async () => {
    rpc.limits.batchSize = 1;
    const batch = [request("eth_chainId"), request("eth_chainId")];
    expect(await post(batch)).to.have.nested.property("error.code", -32600);
    rpc.limits.batchRefusal = "status";
    expect((await fetchRaw(batch)).status).to.equal(413);
    expect(await post(batch.slice(1))).to.have.length(1);
  });

  it("refuses logs of too many blocks", async () => {
    await ask("anvil_mine", "0x10");
    rpc.limits.logBlocks = 10;
    const range = (fromBlock: string, toBlock: string): object => ({
      fromBlock,
      toBlock,
    });
    expect(await ask("eth_getLogs", range("0x1", "0xa"))).to.have.property(
      "result",
    );
    for (const tooLong of [range("0x1", "0xb"), range("0x1", "latest")]) {
      expect(await ask("eth_getLogs", tooLong)).to.have.nested.property(
        "error.code",
        -32005,
      );
    }
  });

  it("adds latency to a round trip", async () => {
    rpc.limits.latencyMs = 100;
    const started = performance.now();
    await ask("eth_chainId");
    expect(performance.now() - started).to.be.at.least(99);
  });

  function request(
    method: string,
    params: readonly unknown[] = [],
    id: unknown = 1,
  ): object {
    return { jsonrpc: "2.0", id, method, params };
  }

  async function fetchRaw(
    body: unknown,
    signal?: AbortSignal,
  ): Promise<Response> {
    return await fetch(rpc.url, {
      method: "POST",
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async function post(body: unknown): Promise<unknown> {
    return await (await fetchRaw(body)).json();
  }

  async function ask(method: string, ...params: unknown[]): Promise<unknown> {
    return await post(request(method, params));
  }

  async function nonce(): Promise<number> {
    const answer = await ask("eth_getTransactionCount", FROM, "latest");
    return Number((answer as { result: string }).result);
  }

  async function failureOf(promise: Promise<unknown>): Promise<string> {
    try {
      await promise;
      return "none";
    } catch (error) {
      return (error as Error).name;
    }
  }
});
