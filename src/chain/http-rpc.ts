import { systemClock, type Clock } from "../core/clock.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import { redactorOf } from "./redaction.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
  type RpcRequest,
} from "./rpc.js";

export interface HttpRpcOptions {
  readonly network: string;
  /** May hold secrets: only its host is ever shown. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one HTTP round trip. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

const ATTEMPTS = 5;
const BACKOFF_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** Above this a batch is split before it is tried; anvil takes 2 MB. */
const BATCH_BYTES = 1_500_000;

interface JsonRpcResponse {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { code: number; message: string; data?: unknown };
}

/**
 * JSON-RPC over HTTP with real batches, which Hardhat's provider hasn't. A
 * batch that the server refuses is halved, and its size remembered.
 */
export class HttpRpc implements Rpc {
  readonly network: string;
  readonly #url: string;
  readonly #redact: (text: string) => string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #nextId = 1;
  batchLimit = Number.POSITIVE_INFINITY;

  constructor({ network, url, headers, timeoutMs, clock }: HttpRpcOptions) {
    this.network = network;
    const { href, authorization } = withoutCredentials(url);
    this.#url = href;
    this.#redact = redactorOf(url);
    this.#headers = {
      "content-type": "application/json",
      ...authorization,
      ...headers,
    };
    this.#timeoutMs = timeoutMs ?? 30_000;
    this.#clock = clock ?? systemClock;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    const body = { jsonrpc: "2.0", id: this.#nextId++, method, params };
    try {
      const answer = await this.#post(body, method);
      return unwrap(this.#asOutcome(answer as JsonRpcResponse));
    } catch (error) {
      throw this.#translate(error, method);
    }
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    if (requests.length === 0) {
      return [];
    }
    const chunks = chunk(requests, this.batchLimit);
    const outcomes = await Promise.all(
      chunks.map(async (part) => await this.#batchOnce(part)),
    );
    return outcomes.flat();
  }

  async #batchOnce(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    const [only] = requests;
    if (requests.length === 1 && only !== undefined) {
      return [await outcomeOf(this.request(only.method, only.params))];
    }
    const firstId = this.#nextId;
    this.#nextId += requests.length;
    const body = requests.map(({ method, params }, index) => ({
      jsonrpc: "2.0",
      id: firstId + index,
      method,
      params,
    }));
    const answers = await this.#postBatch(body, requests.length);
    if (answers === "refused") {
      this.batchLimit = Math.ceil(requests.length / 2);
      return await this.batch(requests);
    }
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    return requests.map((_, index) =>
      this.#asOutcome(byId.get(firstId + index)),
    );
  }

  /** "refused" when the server takes no batch of this size. */
  async #postBatch(
    body: readonly object[],
    size: number,
  ): Promise<readonly JsonRpcResponse[] | "refused"> {
    try {
      const answer = await this.#post(body, `a batch of ${String(size)}`);
      // A server that refuses the batch as a whole answers with one object.
      return Array.isArray(answer) && answer.length >= size
        ? (answer as JsonRpcResponse[])
        : "refused";
    } catch (error) {
      if (error instanceof HttpStatusError && error.status < 500) {
        return "refused";
      }
      throw this.#translate(error, `a batch of ${String(size)}`);
    }
  }

  #translate(error: unknown, method: string): unknown {
    return error instanceof HttpStatusError
      ? new DrError(
          "RPC_FAILED",
          { network: this.network, method, reason: error.message },
          { cause: error },
        )
      : error;
  }

  #asOutcome(answer: JsonRpcResponse | undefined): RpcOutcome {
    if (answer?.error !== undefined) {
      const { message, code, data } = answer.error;
      const error = new RpcResponseError(this.#redact(message), code, data);
      return { ok: false, error };
    }
    if (answer === undefined || !("result" in answer)) {
      return {
        ok: false,
        error: new RpcResponseError("the node left this request unanswered", 0),
      };
    }
    return { ok: true, result: answer.result };
  }

  async #post(body: unknown, what: string): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#fetch(JSON.stringify(body), what, attempt);
      if (response !== "again") {
        return response;
      }
    }
  }

  async #fetch(body: string, what: string, attempt: number): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url, {
        method: "POST",
        headers: this.#headers,
        body,
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      throw this.#unanswered(error, what);
    }
    if (isTransient(response.status)) {
      if (attempt === ATTEMPTS) {
        throw this.#refusal(response.status, attempt);
      }
      await this.#clock.sleep(waitMs(response, attempt));
      return "again";
    }
    return this.#parse(text, response.status);
  }

  #parse(text: string, status: number): unknown {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    if (typeof parsed !== "object" || parsed === null) {
      throw new HttpStatusError(
        status,
        `HTTP ${String(status)} without a JSON-RPC answer`,
      );
    }
    return parsed;
  }

  #unanswered(error: unknown, what: string): DrError {
    const host = hostOf(this.#url);
    if (error instanceof Error && error.name === "TimeoutError") {
      return new DrError("RPC_TIMEOUT", {
        network: this.network,
        host,
        method: what,
        seconds: this.#timeoutMs / 1000,
      });
    }
    return new DrError("RPC_UNREACHABLE", {
      network: this.network,
      host,
      reason: reasonOf(error),
    });
  }

  #refusal(status: number, attempts: number): DrError {
    const host = hostOf(this.#url);
    return status === 429
      ? new DrError("RPC_RATE_LIMITED", {
          network: this.network,
          host,
          attempts,
        })
      : new DrError("RPC_UNREACHABLE", {
          network: this.network,
          host,
          reason: `HTTP ${String(status)}`,
        });
  }
}

class HttpStatusError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The outcome of one request, a node's refusal included. */
export async function outcomeOf(
  request: Promise<unknown>,
): Promise<RpcOutcome> {
  try {
    return { ok: true, result: await request };
  } catch (error) {
    if (error instanceof RpcResponseError) {
      return { ok: false, error };
    }
    throw error;
  }
}

export function unwrap(outcome: RpcOutcome): unknown {
  if (outcome.ok) {
    return outcome.result;
  }
  throw outcome.error;
}

/** Host and port of a URL; the path often is an API key. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an invalid URL";
}

/** Whether no answer came, so that nobody knows if the node acted on the request. */
export function isUnanswered(error: unknown): boolean {
  return isDrError(error, "RPC_UNREACHABLE", "RPC_TIMEOUT", "RPC_RATE_LIMITED");
}

/** fetch refuses URLs with a user and password: they go into a header. */
function withoutCredentials(url: string): {
  href: string;
  authorization: Record<string, string>;
} {
  const parsed = new URL(url);
  if (parsed.username === "") {
    return { href: url, authorization: {} };
  }
  const credentials = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  parsed.username = "";
  parsed.password = "";
  return {
    href: parsed.href,
    authorization: {
      authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
    },
  };
}

function isTransient(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

function waitMs(response: Response, attempt: number): number {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const wait = Number.isFinite(seconds)
    ? seconds * 1000
    : BACKOFF_MS * 2 ** attempt;
  return Math.min(wait, LONGEST_WAIT_MS);
}

/** undici hides the reason in `cause`, and its messages may quote the URL. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause) {
    return String(cause.code);
  }
  return cause instanceof Error ? "the connection broke" : messageOf(error);
}

function chunk(
  requests: readonly RpcRequest[],
  limit: number,
): readonly (readonly RpcRequest[])[] {
  const chunks: RpcRequest[][] = [[]];
  let bytes = 0;
  for (const request of requests) {
    const size = JSON.stringify(request.params).length + 80;
    const last = chunks.at(-1) ?? [];
    if (
      last.length > 0 &&
      (last.length >= limit || bytes + size > BATCH_BYTES)
    ) {
      chunks.push([request]);
      bytes = size;
    } else {
      last.push(request);
      bytes += size;
    }
  }
  return chunks;
}
