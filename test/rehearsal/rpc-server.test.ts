import { expect } from "chai";

import {
  RpcResponseError,
  type Rpc,
  type RpcRequest,
} from "../../src/chain/rpc.js";
import { outcomeOf } from "../../src/chain/http-rpc.js";
import { DrError } from "../../src/core/errors.js";
import { serveRpc, type RpcServer } from "../../src/rehearsal/rpc-server.js";

interface Answer {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Answers with what it is asked, and keeps count. */
class EchoRpc implements Rpc {
  readonly network = "echo";
  readonly asked: RpcRequest[] = [];
  batches = 0;
  failing: Error | undefined;

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    this.asked.push({ method, params });
    if (this.failing !== undefined) {
      throw this.failing;
    }
    return await Promise.resolve(
      method === "eth_getBlockByNumber" && params[0] === "0xff"
        ? null
        : [method, ...params],
    );
  }

  async batch(requests: readonly RpcRequest[]) {
    this.batches += 1;
    return await Promise.all(
      requests.map(
        async ({ method, params }) =>
          await outcomeOf(this.request(method, params)),
      ),
    );
  }
}

describe("the server that a fork reads from", () => {
  let rpc: EchoRpc;
  let server: RpcServer;

  beforeEach(async () => {
    rpc = new EchoRpc();
    server = await serveRpc(rpc);
  });

  afterEach(async () => {
    await server.close();
  });

  async function post(body: unknown): Promise<unknown> {
    const response = await fetch(server.url, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return await response.json();
  }

  const ask = async (method: string, ...params: unknown[]) =>
    (await post({ jsonrpc: "2.0", id: 1, method, params })) as Answer;

  it("listens to this machine only, on a path of its own", async () => {
    const { hostname, origin, pathname } = new URL(server.url);
    expect(hostname).to.equal("127.0.0.1");
    expect(pathname).to.match(/^\/[0-9a-f]{32}$/);
    for (const [path, method] of [
      ["/", "POST"],
      ["/0000", "POST"],
      [pathname, "GET"],
    ] as const) {
      const response = await fetch(`${origin}${path}`, { method });
      expect(response.status, path).to.equal(404);
    }
    expect(rpc.asked).to.deep.equal([]);
  });

  it("answers one question, or many", async () => {
    expect(await ask("eth_getCode", "0x1", "latest")).to.deep.equal({
      jsonrpc: "2.0",
      id: 1,
      result: ["eth_getCode", "0x1", "latest"],
    });
    const answers = (await post([
      { jsonrpc: "2.0", id: "a", method: "eth_blockNumber", params: [] },
      { jsonrpc: "2.0", id: "b", method: "eth_chainId" },
    ])) as Answer[];
    expect(answers.map(({ id, result }) => [id, result])).to.deep.equal([
      ["a", ["eth_blockNumber"]],
      ["b", ["eth_chainId"]],
    ]);
    expect(rpc.batches).to.equal(2);
  });

  it("serves reads and nothing else", async () => {
    for (const method of [
      "eth_sendTransaction",
      "eth_sendRawTransaction",
      "eth_sign",
      "eth_accounts",
      "hardhat_setBalance",
      "evm_mine",
      "personal_unlockAccount",
      "debug_traceTransaction",
    ]) {
      const { error } = await ask(method);
      expect(error!.code, method).to.equal(-32601);
    }
    expect(rpc.asked).to.deep.equal([]);
  });

  it("asks once for what can't change, and again for what can", async () => {
    for (const [method, params, times] of [
      ["eth_getStorageAt", ["0x1", "0x0", "0x10"], 1],
      ["eth_getBalance", ["0x1", "latest"], 2],
      ["eth_getBlockByNumber", ["0x10", false], 1],
      ["eth_getBlockByNumber", ["latest", false], 2],
      ["eth_getBlockByNumber", ["0xff", false], 2],
      ["eth_blockNumber", [], 2],
    ] as const) {
      rpc.asked.length = 0;
      const first = await ask(method, ...params);
      expect(await ask(method, ...params)).to.deep.equal(first);
      expect(rpc.asked.length, method).to.equal(times);
    }
  });

  it("passes errors on, and doesn't remember them", async () => {
    const params = ["0x1", "0x0", "0x10"];
    rpc.failing = new RpcResponseError("pruned", -32000);
    expect((await ask("eth_getStorageAt", ...params)).error).to.deep.equal({
      code: -32000,
      message: "pruned",
    });
    rpc.failing = new DrError("RPC_UNREACHABLE", {
      network: "echo",
      host: "example.org",
      reason: "gone",
    });
    const { error } = await ask("eth_getStorageAt", ...params);
    expect(error!.code).to.equal(-32603);
    rpc.failing = undefined;
    expect((await ask("eth_getStorageAt", ...params)).result).to.deep.equal([
      "eth_getStorageAt",
      ...params,
    ]);
  });

  it("says when it isn't asked anything", async () => {
    for (const body of ["{", "null", { id: 1 }, [1]]) {
      const [answer] = [await post(body)].flat() as Answer[];
      expect(answer!.error!.code).to.equal(-32700);
    }
  });
});
