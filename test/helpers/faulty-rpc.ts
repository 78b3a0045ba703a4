import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What goes wrong with a request. `drop-before`: the node never saw it.
 * `drop-after`: the node did it, the client never hears. An `error` or an
 * `answer` is given in the node's stead, to that request of a batch alone; the
 * others befall the whole HTTP request.
 */
export type Fault =
  | "hang"
  | "429"
  | "500"
  | "drop-before"
  | "drop-after"
  | { readonly error: JsonRpcError }
  | { readonly answer: unknown };

export interface Injection {
  readonly fault: Fault;
  /** Every method when left out. */
  readonly method?: string;
  /** Only requests with this in their parameters. */
  readonly containing?: string;
  /** How often; always when left out. */
  readonly times?: number;
  /** How many matching requests pass unharmed before. */
  readonly skip?: number;
  /** For `429`. */
  readonly retryAfterSeconds?: number;
}

/** What the server puts up with, until it is changed. */
export interface Limits {
  /** Added to each HTTP round trip. */
  latencyMs?: number;
  /** Requests in one batch. */
  batchSize?: number;
  /** A batch that is too long: one error object, or HTTP 413. */
  batchRefusal?: "object" | "status";
  /** Blocks in one `eth_getLogs`, both ends counted. */
  logBlocks?: number;
}

export interface SeenRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface FaultyRpc {
  readonly url: string;
  readonly limits: Limits;
  /** HTTP requests received so far. */
  readonly roundTrips: number;
  /** Every JSON-RPC request so far, in order, of one method or of all. */
  requests(method?: string): readonly SeenRequest[];
  /** @returns takes the injection back. */
  inject(injection: Injection): () => void;
  /** Forgets what was counted; injections and limits stay. */
  resetCounts(): void;
  close(): Promise<void>;
}

interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

interface JsonRpcRequest extends SeenRequest {
  readonly id: unknown;
}

interface Rule extends Injection {
  left: number;
  toSkip: number;
}

/** An HTTP JSON-RPC server in front of another one, which fails as it is told. */
export async function startFaultyRpc(
  upstream: string,
  initialLimits: Limits = {},
): Promise<FaultyRpc> {
  const limits = { ...initialLimits };
  const rules = new Set<Rule>();
  let seen: SeenRequest[] = [];
  let roundTrips = 0;

  const handle = async (
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const body = await readBody(incoming);
    roundTrips += 1;
    const requests = [body].flat();
    seen.push(...requests);
    await sleep(limits.latencyMs ?? 0);
    if (Array.isArray(body) && body.length > (limits.batchSize ?? Infinity)) {
      refuseBatch(response, limits);
      return;
    }
    const fired = requests.map((request) => takeRule(rules, request));
    const whole = fired.find((rule) => typeof rule?.fault === "string");
    if (whole !== undefined && whole.fault !== "drop-after") {
      breakExchange(response, whole);
      return;
    }
    const answers = await answerAll(upstream, requests, fired, limits);
    if (whole === undefined) {
      reply(response, 200, Array.isArray(body) ? answers : answers[0]);
    } else {
      response.destroy();
    }
  };

  const server = createServer((incoming, response) => {
    // Whatever goes wrong in here looks to the client like a lost connection.
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${String(port)}`,
    limits,
    get roundTrips() {
      return roundTrips;
    },
    requests: (method) =>
      seen.filter((request) => (method ?? request.method) === request.method),
    inject: (injection) => {
      const rule: Rule = {
        ...injection,
        left: injection.times ?? Infinity,
        toSkip: injection.skip ?? 0,
      };
      rules.add(rule);
      return () => rules.delete(rule);
    },
    resetCounts: () => {
      seen = [];
      roundTrips = 0;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first rule that fires for this request, used up by one. */
function takeRule(
  rules: Set<Rule>,
  { method, params }: JsonRpcRequest,
): Rule | undefined {
  const asked = JSON.stringify([params]).toLowerCase();
  for (const rule of rules) {
    if (
      (rule.method ?? method) !== method ||
      !asked.includes((rule.containing ?? "").toLowerCase())
    ) {
      continue;
    }
    if (rule.toSkip > 0) {
      rule.toSkip -= 1;
      continue;
    }
    rule.left -= 1;
    if (rule.left <= 0) {
      rules.delete(rule);
    }
    return rule;
  }
  return undefined;
}

function breakExchange(
  response: ServerResponse,
  { fault, retryAfterSeconds }: Rule,
): void {
  switch (fault) {
    case "429":
      if (retryAfterSeconds !== undefined) {
        response.setHeader("retry-after", String(retryAfterSeconds));
      }
      reply(response, 429, { error: "too many requests" });
      break;
    case "500":
      reply(response, 500, { error: "internal server error" });
      break;
    case "drop-before":
      response.destroy();
      break;
    default:
      // It hangs: the socket stays open until the client or close() ends it.
      break;
  }
}

function refuseBatch(response: ServerResponse, limits: Limits): void {
  if (limits.batchRefusal === "status") {
    reply(response, 413, { error: "payload too large" });
    return;
  }
  reply(response, 200, {
    jsonrpc: "2.0",
    id: null,
    error: {
      code: -32600,
      message: `batch larger than ${String(limits.batchSize)}`,
    },
  });
}

/** One answer a request, in order; what nobody intercepts goes on in one batch. */
async function answerAll(
  upstream: string,
  requests: readonly JsonRpcRequest[],
  fired: readonly (Rule | undefined)[],
  limits: Limits,
): Promise<unknown[]> {
  const ours = await Promise.all(
    requests.map(
      async (request, index) =>
        intercepted(fired[index]) ??
        (await logRefusal(upstream, request, limits)),
    ),
  );
  const rest = requests.filter((_, index) => ours[index] === undefined);
  const theirs = rest.length === 0 ? [] : await forward(upstream, rest);
  return requests.map(({ id }, index) => {
    const answer = ours[index];
    return answer === undefined
      ? theirs.shift()
      : { jsonrpc: "2.0", id, ...answer };
  });
}

function intercepted(rule: Rule | undefined): object | undefined {
  if (rule === undefined || typeof rule.fault === "string") {
    return undefined;
  }
  return "error" in rule.fault
    ? { error: rule.fault.error }
    : { result: rule.fault.answer };
}

async function logRefusal(
  upstream: string,
  { method, params }: JsonRpcRequest,
  { logBlocks }: Limits,
): Promise<object | undefined> {
  if (method !== "eth_getLogs" || logBlocks === undefined) {
    return undefined;
  }
  const filter = params[0] as { fromBlock?: string; toBlock?: string };
  const [from, to] = await Promise.all([
    blockNumber(upstream, filter.fromBlock),
    blockNumber(upstream, filter.toBlock),
  ]);
  return to - from + 1n > BigInt(logBlocks)
    ? {
        error: {
          code: -32005,
          message: `query exceeds max block range ${String(logBlocks)}`,
        },
      }
    : undefined;
}

async function blockNumber(upstream: string, tag = "latest"): Promise<bigint> {
  if (tag.startsWith("0x")) {
    return BigInt(tag);
  }
  const [answer] = await forward(upstream, [
    { id: 1, method: "eth_getBlockByNumber", params: [tag, false] },
  ]);
  return BigInt((answer as { result: { number: string } }).result.number);
}

async function forward(
  upstream: string,
  requests: readonly JsonRpcRequest[],
): Promise<unknown[]> {
  const numbered = requests.map((request, index) => ({
    ...request,
    jsonrpc: "2.0",
    id: index,
  }));
  const response = await fetch(upstream, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(numbered),
  });
  const answers = (await response.json()) as { id: number }[];
  return requests.map(({ id }, index) => ({
    ...answers.find((answer) => answer.id === index),
    id,
  }));
}

async function readBody(
  incoming: IncomingMessage,
): Promise<JsonRpcRequest | JsonRpcRequest[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as
    JsonRpcRequest | JsonRpcRequest[];
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
