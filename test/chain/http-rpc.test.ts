import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";

import { expect } from "chai";
import fc from "fast-check";

import {
  HttpRpc,
  isUnanswered,
  type HttpRpcOptions,
} from "../../src/chain/http-rpc.js";
import {
  RpcResponseError,
  type RpcOutcome,
  type RpcRequest,
} from "../../src/chain/rpc.js";
import type { Clock } from "../../src/core/clock.js";
import type { DrError } from "../../src/core/errors.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import {
  BY_HAND,
  echo,
  echoAll,
  failure,
  result,
  useJsonRpcServer,
  type Answer,
  type Message,
} from "./json-rpc-server.js";

const NOW = new Date("2026-01-02T03:04:05Z");

/** Doesn't wait; says how long it would have waited. */
class Hasty implements Clock {
  readonly waits: number[] = [];
  now(): Date {
    return NOW;
  }
  sleep(milliseconds: number): Promise<void> {
    this.waits.push(milliseconds);
    return Promise.resolve();
  }
}

describe("HttpRpc", () => {
  const server = useJsonRpcServer();
  let clock: Hasty;

  beforeEach(() => {
    clock = new Hasty();
  });

  function open(options: Partial<HttpRpcOptions> = {}): HttpRpc {
    return new HttpRpc({
      network: "testnet",
      url: server.url,
      clock,
      ...options,
    });
  }

  describe("answers", () => {
    it("are matched by their id, in whatever order they come", async () => {
      server.answer = (body) => [body].flat().map(echo).reverse();
      expect(valuesOf(await open().batch(numbered(7)))).to.deep.equal([
        0, 1, 2, 3, 4, 5, 6,
      ]);
      expect(server.bodies).to.have.length(1);
    });

    it("may be null, falsy or beside an error that is null", async () => {
      for (const value of [null, "", 0, false]) {
        server.answer = (body) => ({
          ...result(idOf(body), value),
          error: null,
        });
        expect(await open().request("eth_anything")).to.equal(value);
      }
    });

    it("may be errors, alone and in a batch", async () => {
      server.answer = (body) =>
        Array.isArray(body)
          ? body.map((one, index) =>
              index === 1
                ? failure(one.id, 3, "execution reverted")
                : echo(one),
            )
          : failure(body.id, -32601, "no such method");
      const rpc = open();
      const [first, second, third] = await rpc.batch(numbered(3));
      expect([first, third].map((one) => one?.ok)).to.deep.equal([true, true]);
      expect(errorOf(second)).to.include({
        code: 3,
        message: "execution reverted",
      });
      expect(await thrownBy(rpc.request("eth_none")))
        .to.be.instanceOf(RpcResponseError)
        .with.property("code", -32601);
    });

    it("may be errors under an HTTP status of an error", async () => {
      for (const status of [400, 404, 500]) {
        server.answer = (body, response) => {
          response.statusCode = status;
          return failure(idOf(body), -32000, "header not found");
        };
        const error = await thrownBy(open().request("eth_call"));
        expect(error, `${status}`).to.be.instanceOf(RpcResponseError);
        expect((error as Error).message).to.equal("header not found");
      }
      expect(clock.waits).to.deep.equal([]);
    });

    it("may come compressed", async () => {
      server.answer = (body, response) => {
        response.setHeader("content-encoding", "gzip");
        response.end(gzipSync(JSON.stringify(echoAll(body))));
        return BY_HAND;
      };
      expect(valuesOf(await open().batch(numbered(3)))).to.deep.equal([
        0, 1, 2,
      ]);
    });

    it("aren't believed when they are to another request", async () => {
      server.answer = (body) => result(idOf(body) + 1, "0x1");
      expect(await codeOf(() => open().request("eth_chainId"))).to.equal(
        "RPC_ANSWER_INVALID",
      );
    });

    it("are asked for again alone when a batch lacks them", async () => {
      server.answer = (body) =>
        Array.isArray(body)
          ? body.map((one) =>
              one.params[0] === 2 ? result(987_654, "a stranger's") : echo(one),
            )
          : echo(body);
      const outcomes = await open().batch(numbered(4));
      expect(valuesOf(outcomes)).to.deep.equal([0, 1, 2, 3]);
      expect(askedAlone()).to.deep.equal([2]);
    });

    it("are asked for again where the node found their batch's answer too long", async () => {
      server.answer = (body) => {
        const requests = [body].flat();
        const answers = requests.map((one, index) =>
          index < 4 ? echo(one) : failure(one.id, -32003, "response too large"),
        );
        return Array.isArray(body) ? answers : answers[0];
      };
      const rpc = open();
      expect(valuesOf(await rpc.batch(numbered(10)))).to.deep.equal([
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
      ]);
      expect(rpc.batchLimit).to.equal(Infinity);
    });
  });

  describe("a batch that the server refuses", () => {
    const refusals: Readonly<Record<string, Answer>> = {
      "with HTTP 413": (_, response) => end(response, 413, "<h1>too big</h1>"),
      "with HTTP 400": (_, response) => end(response, 400, ""),
      "with one error": () => failure(null, -32600, "batch too large"),
      "with one error in an array": (body) => [
        failure(idOf(body), -32600, "batch too large"),
      ],
      "with one error under HTTP 500": (_, response) =>
        end(response, 500, JSON.stringify(failure(null, -32600, "too many"))),
      "with fewer answers": (body) => [body].flat().slice(1).map(echo),
      "with no answers": () => [],
    };
    for (const [how, refuse] of Object.entries(refusals)) {
      it(`${how} is halved, and its size remembered`, async () => {
        server.answer = (body, response, incoming) =>
          Array.isArray(body) && body.length > 3
            ? refuse(body, response, incoming)
            : echoAll(body);
        const rpc = open();
        const numbers = Array.from({ length: 20 }, (_, index) => index);
        expect(valuesOf(await rpc.batch(numbered(20)))).to.deep.equal(numbers);
        expect(rpc.batchLimit).to.equal(3);
        server.bodies.length = 0;
        expect(valuesOf(await rpc.batch(numbered(20)))).to.deep.equal(numbers);
        expect(server.bodies).to.have.length(7);
      });
    }

    it("goes one by one in the end, not all at once", async () => {
      server.answer = async (body) => {
        if (Array.isArray(body)) {
          return failure(null, -32600, "no");
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
        return echo(body);
      };
      const outcomes = await open().batch(numbered(200));
      expect(valuesOf(outcomes)).to.have.length(200);
      expect(server.busiest).to.be.within(2, 32);
    });

    it("doesn't raise the limit again, whichever refusal comes last", async () => {
      const big = "0x".padEnd(1_000_000, "0");
      const received = async (count: number): Promise<void> => {
        while (server.bodies.length < count) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      server.answer = async (body) => {
        if (sizeOf(body) === 1) {
          return echoAll(body);
        }
        // The four are refused when the two are already asked for one by one.
        await received(sizeOf(body));
        return failure(null, -32600, "no");
      };
      // Its bytes split this into one of four and one of two.
      const requests = [1, 2, 3, big, big.slice(0, 600_000), 4].map(toRequest);
      await open().batch(requests);
      const sizes = server.bodies.map(sizeOf);
      expect(sizes.slice(0, 2)).to.have.members([4, 2]);
      expect(sizes.slice(2)).to.deep.equal([1, 1, 1, 1, 1, 1]);
    });

    it("holds every answer once, however it is refused", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 40 }),
          fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
          async (count, limits) => {
            server.answer = (body) => {
              const limit = Number(limits.next().value);
              return sizeOf(body) > limit && Array.isArray(body)
                ? [body].flat().slice(0, limit).map(echo)
                : echoAll(body);
            };
            const outcomes = await open().batch(numbered(count));
            expect(valuesOf(outcomes)).to.deep.equal(
              Array.from({ length: count }, (_, index) => index),
            );
          },
        ),
        { numRuns: 50 },
      );
    });
  });

  it("splits what is too long for one request before it sends it", async () => {
    const long = "0x".padEnd(400_000, "é");
    const rpc = open();
    await rpc.batch(Array.from({ length: 5 }, () => toRequest(long)));
    expect(server.bodies.map(sizeOf)).to.deep.equal([1, 1, 1, 1, 1]);
    server.bodies.length = 0;
    await rpc.batch(
      Array.from({ length: 8 }, () => toRequest("0x".padEnd(400_000, "0"))),
    );
    expect(server.bodies.map(sizeOf)).to.have.members([3, 3, 2]);
    expect(rpc.batchLimit).to.equal(Infinity);
    expect(await rpc.batch([])).to.deep.equal([]);
  });

  describe("a busy server", () => {
    const waits = {
      "": [500, 1000, 2000, 4000],
      "7": [7000, 7000, 7000, 7000],
      "0": [0, 0, 0, 0],
      "86400": [10_000, 10_000, 10_000, 10_000],
      "Fri, 02 Jan 2026 03:04:08 GMT": [3000, 3000, 3000, 3000],
      "Fri, 02 Jan 2026 03:04:01 GMT": [0, 0, 0, 0],
      "Fri, 02 Jan 2099 03:04:08 GMT": [10_000, 10_000, 10_000, 10_000],
      "in a while": [500, 1000, 2000, 4000],
    };
    for (const [retryAfter, expected] of Object.entries(waits)) {
      it(`is given the time it asks for, within bounds: "${retryAfter}"`, async () => {
        server.answer = (_, response) => {
          response.setHeader("retry-after", retryAfter);
          return end(response, 429, "slow down");
        };
        expect(await codeOf(() => open().request("eth_chainId"))).to.equal(
          "RPC_RATE_LIMITED",
        );
        expect(clock.waits).to.deep.equal(expected);
        expect(server.bodies).to.have.length(5);
      });
    }

    it("is asked again after any 5xx, and then answers", async () => {
      for (const status of [500, 502, 503, 504, 520, 429, 408]) {
        server.bodies.length = 0;
        server.answer = (body, response) =>
          server.bodies.length < 3
            ? end(response, status, '{"error":"internal server error"}')
            : echoAll(body);
        expect(await open().request("eth_chainId")).to.equal("eth_chainId");
        expect(server.bodies, `${status}`).to.have.length(3);
      }
    });

    it("is given up when it stays at a 5xx, as a batch too", async () => {
      for (const count of [1, 9]) {
        server.bodies.length = 0;
        server.answer = (_, response) => end(response, 500, "<h1>oops</h1>");
        const error = await refusalOf(() => open().batch(numbered(count)));
        expect(error.code).to.equal("RPC_UNREACHABLE");
        expect(error.message).to.include("HTTP 500");
        expect(server.bodies).to.have.length(5);
      }
    });

    it("may say so in JSON-RPC: only what it refused is asked again", async () => {
      const wordings = [
        [429, "Your app has exceeded its compute units per second capacity."],
        [-32005, "project ID request rate exceeded"],
        [-32007, "50/second request limit reached - reduce calls per second"],
        [-32016, "over rate limit"],
      ] as const;
      for (const [code, wording] of wordings) {
        server.bodies.length = 0;
        server.answer = (body) =>
          server.bodies.length > 1
            ? echoAll(body)
            : [body]
                .flat()
                .map((one) =>
                  one.params[0] === 1
                    ? failure(one.id, code, wording)
                    : echo(one),
                );
        const outcomes = await open().batch(numbered(3));
        expect(valuesOf(outcomes), wording).to.deep.equal([0, 1, 2]);
        expect(server.bodies.map(sizeOf)).to.deep.equal([3, 1]);
      }
    });

    it("is given up when it says so in JSON-RPC again and again", async () => {
      server.answer = (body) => {
        const all = [body].flat().map(({ id }) => failure(id, 429, "slow"));
        return Array.isArray(body) ? all : all[0];
      };
      const rpc = open();
      for (const ask of [
        () => rpc.request("eth_chainId"),
        () => rpc.batch(numbered(2)),
      ]) {
        clock.waits.length = 0;
        expect(await codeOf(ask)).to.equal("RPC_RATE_LIMITED");
        expect(clock.waits).to.deep.equal([500, 1000, 2000, 4000]);
      }
    });

    it("isn't asked for smaller batches for that", async () => {
      server.answer = (body) =>
        server.bodies.length < 3 ? failure(null, 429, "slow") : echoAll(body);
      await open().batch(numbered(5));
      expect(server.bodies.map(sizeOf)).to.deep.equal([5, 5, 5]);
    });

    it("isn't meant by a contract that reverts for a rate limit of its own", async () => {
      server.answer = (body) =>
        failure(idOf(body), 3, "execution reverted: rate limit exceeded");
      await thrownBy(open().request("eth_call"));
      expect(server.bodies).to.have.length(1);
    });
  });

  describe("no answer", () => {
    it("is said when the connection breaks, before or amid the answer", async () => {
      for (const begun of [false, true]) {
        server.answer = (_, response) => {
          if (begun) {
            response.writeHead(200, { "content-length": "1000" });
            response.write('{"jsonrpc":"2.0","id":1,"res');
          }
          setTimeout(() => response.destroy(), 5);
          return BY_HAND;
        };
        const error = await refusalOf(() => open().request("eth_chainId"));
        expect(error.code).to.equal("RPC_UNREACHABLE");
        expect(isUnanswered(error)).to.equal(true);
      }
    });

    it("is said when the compressed answer is broken", async () => {
      server.answer = (_, response) => {
        response.setHeader("content-encoding", "gzip");
        response.end("not gzip");
        return BY_HAND;
      };
      expect(await codeOf(() => open().request("eth_chainId"))).to.equal(
        "RPC_UNREACHABLE",
      );
    });

    it("is said when nobody listens", async () => {
      const url = "http://127.0.0.1:1";
      const error = await refusalOf(() => open({ url }).batch(numbered(3)));
      expect(error.code).to.equal("RPC_UNREACHABLE");
    });

    it("is said after the timeout, also when the answer has begun", async () => {
      for (const begun of [false, true]) {
        server.answer = (_, response) => {
          if (begun) {
            response.writeHead(200);
            response.write('{"jsonrpc":');
          }
          return BY_HAND;
        };
        const error = await refusalOf(() =>
          open({ timeoutMs: 60 }).request("eth_chainId"),
        );
        expect(error.code).to.equal("RPC_TIMEOUT");
        expect(error.values).to.include({
          method: "eth_chainId",
          seconds: 0.06,
        });
      }
    });

    it("is what anything but JSON-RPC is", async () => {
      const strange = [
        [200, "<html>Welcome</html>"],
        [200, ""],
        [200, "null"],
        [200, '"0x1"'],
        [200, "{}"],
        [200, "[]"],
        [200, '{"id":1,"error":"quota"}'],
        [404, "<html>Not found</html>"],
        [301, ""],
      ] as const;
      for (const [status, text] of strange) {
        server.answer = (_, response) => {
          return end(response, status, text);
        };
        const error = await refusalOf(() => open().request("eth_chainId"));
        expect(error.code, text).to.equal("RPC_ANSWER_INVALID");
        expect(error.values.status).to.equal(status);
        expect(isUnanswered(error)).to.equal(true);
        expect(
          await codeOf(() => open().batch(numbered(2))),
          `${text} to a batch`,
        ).to.equal("RPC_ANSWER_INVALID");
      }
    });
  });

  describe("credentials and keys", () => {
    it("go from the URL into a header", async () => {
      const seen: unknown[] = [];
      server.answer = (body, _, { headers, url }) => {
        seen.push([headers.authorization, url]);
        return echoAll(body);
      };
      for (const user of ["me:pa%40ss", "token", ":secret", "me:100%"]) {
        const url = `http://${user}@127.0.0.1:${server.port}/v3/key?a=b`;
        await open({ url }).request("eth_chainId");
      }
      const expected = ["me:pa@ss", "token:", ":secret", "me:100%"];
      expect(seen).to.deep.equal(
        expected.map((text) => [
          `Basic ${Buffer.from(text).toString("base64")}`,
          "/v3/key?a=b",
        ]),
      );
    });

    it("aren't carried elsewhere by a redirection", async () => {
      const visited: unknown[] = [];
      server.answer = (body, response, { url }) => {
        visited.push(url);
        response.setHeader("location", "/elsewhere");
        return url === "/" ? end(response, 307, "") : echoAll(body);
      };
      expect(await codeOf(() => open().request("eth_chainId"))).to.equal(
        "RPC_ANSWER_INVALID",
      );
      expect(visited).to.deep.equal(["/"]);
    });

    it("may be headers of their own", async () => {
      server.answer = (body, _, { headers }) =>
        result(idOf(body), headers["x-api-key"]);
      const rpc = open({ headers: { "x-api-key": "k" } });
      expect(await rpc.request("eth_chainId")).to.equal("k");
    });

    for (const status of [401, 402, 403]) {
      it(`are spoken of when they are refused: HTTP ${status}, at once`, async () => {
        server.answer = (body, response) =>
          end(
            response,
            status,
            JSON.stringify(
              failure(idOf(body), -32600, "Must be authenticated"),
            ),
          );
        const error = await refusalOf(() => open().batch(numbered(20)));
        expect(error.code).to.equal("RPC_ACCESS_DENIED");
        expect(error.values).to.include({
          status,
          reason: "Must be authenticated",
        });
        expect(error.fix).to.include("httpHeaders");
        expect(server.bodies).to.have.length(1);
        expect(isUnanswered(error)).to.equal(false);
      });
    }

    const SECRETS = ["us3rname", "p4ssword", "p%34th-key-1", "p4th-key-1"];
    const MORE = ["qu3ry-key-1", "h3ader-key-1"];
    const secretUrl = (port: number): string =>
      `http://us3rname:p4ssword@127.0.0.1:${port}/v3/p%34th-key-1/?key=qu3ry-key-1`;
    const headers = { "x-api-key": "h3ader-key-1" };

    const failures: Readonly<Record<string, Answer>> = {
      "401": (_, response) => end(response, 401, "no"),
      "403 that quotes the URL": (body, response, { url = "" }) =>
        end(response, 403, JSON.stringify(failure(idOf(body), 1, url))),
      "404": (_, response) => end(response, 404, "no"),
      "429": (_, response) => end(response, 429, "no"),
      "500": (_, response) => end(response, 500, "no"),
      "a redirection": (_, response, { url = "" }) => {
        response.setHeader("location", url);
        return end(response, 302, "no");
      },
      "a broken connection": (_, response) => {
        response.destroy();
        return BY_HAND;
      },
      "no answer": () => BY_HAND,
      "an error that quotes the URL": (body, _, { url = "" }) =>
        failure(idOf(body), -32000, `no project ${decodeURI(url)} or ${url}`),
    };
    for (const [name, answer] of Object.entries(failures)) {
      it(`aren't told by errors: ${name}`, async () => {
        server.answer = answer;
        const rpc = open({
          url: secretUrl(server.port),
          headers,
          timeoutMs: 100,
        });
        expectNoSecrets(await thrownBy(rpc.request("eth_chainId")));
        expectNoSecrets(
          await thrownBy(rpc.batch(numbered(2)).then(firstFailure)),
        );
        expectNoSecrets(rpc);
      });
    }

    it("aren't told where no request can be made", async () => {
      const unreachable = open({ url: secretUrl(1), headers });
      expectNoSecrets(await thrownBy(unreachable.request("eth_chainId")));
      const badHeader = open({ headers: { "x-api-key": "h3ader-key-1\n1" } });
      const error = await refusalOf(() => badHeader.request("eth_chainId"));
      expect(error.code).to.equal("RPC_UNREACHABLE");
      expectNoSecrets(error);
    });

    it("aren't told where the URL is none", async () => {
      for (const url of [
        "us3rname:p4ssword@example.org/p4th-key-1",
        "wss://us3rname:p4ssword@example.org/p4th-key-1",
        "http://us3rname:p4ssword@exa mple.org/",
        "",
      ]) {
        const error = await refusalOf(() => open({ url }));
        expect(error.code, url).to.equal("RPC_URL_INVALID");
        expectNoSecrets(error);
      }
    });

    function expectNoSecrets(thing: unknown): void {
      const error = thing as Partial<DrError>;
      const told = [
        inspect(thing, { depth: Infinity, showHidden: true }),
        JSON.stringify(thing),
        error.message,
        error.fix,
        error.stack,
        inspect(error.cause, { depth: Infinity, showHidden: true }),
      ].join("\n");
      for (const secret of [...SECRETS, ...MORE]) {
        expect(told).to.not.include(secret);
      }
    }
  });

  function askedAlone(): unknown[] {
    return server.bodies
      .filter((body): body is Message => !Array.isArray(body))
      .map(({ params }) => params[0]);
  }
});

function numbered(count: number): RpcRequest[] {
  return Array.from({ length: count }, (_, index) => toRequest(index));
}

function toRequest(parameter: unknown): RpcRequest {
  return { method: "eth_echo", params: [parameter] };
}

function valuesOf(outcomes: readonly RpcOutcome[]): unknown[] {
  return outcomes.map((outcome) => (outcome.ok ? outcome.result : outcome));
}

function errorOf(outcome: RpcOutcome | undefined): unknown {
  return outcome?.ok === false ? outcome.error : undefined;
}

function firstFailure(outcomes: readonly RpcOutcome[]): void {
  const failed = outcomes.find(({ ok }) => !ok);
  if (failed?.ok === false) {
    throw failed.error;
  }
}

function idOf(body: Message | Message[]): number {
  return [body].flat()[0]?.id ?? 0;
}

function sizeOf(body: Message | Message[]): number {
  return [body].flat().length;
}

function end(response: ServerResponse, status: number, text: string): symbol {
  response.statusCode = status;
  response.end(text);
  return BY_HAND;
}

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return expect.fail("nothing was thrown");
}
