import { systemClock, type Clock } from "../core/clock.js";
import { DrError, isDrError } from "../core/errors.js";
import { parseRetryAfter } from "../core/retry-after.js";
import {
  answers,
  isAnswer,
  isLeftOut,
  isRateLimited,
  toOutcome,
  type JsonRpcAnswer,
} from "./json-rpc.js";
import { parseEndpoint, type RpcEndpoint } from "./rpc-endpoint.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
  type RpcRequest,
} from "./rpc.js";
import { Turnstile } from "./turnstile.js";

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
/** Where no batches are taken, thousands of reads would open as many sockets. */
const ROUND_TRIPS_AT_ONCE = 32;
const DENIALS: readonly number[] = [401, 402, 403];
const BUSY: readonly number[] = [408, 429, 502, 503, 504];

interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** undefined where it isn't JSON. */
  readonly body: unknown;
}

/**
 * JSON-RPC over HTTP with real batches, which Hardhat's provider hasn't. A
 * batch that the server refuses is halved, and its size remembered.
 */
export class HttpRpc implements Rpc {
  readonly network: string;
  readonly #endpoint: RpcEndpoint;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #turnstile = new Turnstile(ROUND_TRIPS_AT_ONCE);
  #nextId = 1;
  batchLimit = Number.POSITIVE_INFINITY;

  /** @throws {DrError} RPC_URL_INVALID. */
  constructor({ network, url, headers, timeoutMs, clock }: HttpRpcOptions) {
    this.network = network;
    this.#endpoint = parseEndpoint(network, url);
    this.#headers = {
      "content-type": "application/json",
      ...this.#endpoint.headers,
      ...headers,
    };
    this.#timeoutMs = timeoutMs ?? 30_000;
    this.#clock = clock ?? systemClock;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    return unwrap(await this.#askOne({ method, params }));
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    const ask = async (some: readonly RpcRequest[]): Promise<RpcOutcome[]> =>
      await this.#askInChunks(some, this.batchLimit);
    let outcomes = await ask(requests);
    for (let attempt = 1; outcomes.some(isRateLimited); attempt += 1) {
      if (attempt === ATTEMPTS) {
        throw this.#givenUp(429);
      }
      await this.#clock.sleep(backoffMs(attempt));
      outcomes = await fillGaps(
        requests,
        without(outcomes, isRateLimited),
        ask,
      );
    }
    return outcomes;
  }

  async #askInChunks(
    requests: readonly RpcRequest[],
    limit: number,
  ): Promise<RpcOutcome[]> {
    const outcomes = await Promise.all(
      chunk(requests, limit).map(async (part) => await this.#askTogether(part)),
    );
    return outcomes.flat();
  }

  async #askTogether(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    const [only] = requests;
    if (requests.length === 1 && only !== undefined) {
      return [await this.#askOne(only)];
    }
    const firstId = this.#nextId;
    this.#nextId += requests.length;
    const body = requests.map((request, index) =>
      toMessage(request, firstId + index),
    );
    const half = Math.ceil(requests.length / 2);
    const found = await this.#post(body, `a batch of ${requests.length}`);
    const all = asBatch(found.body, requests.length);
    if (all === undefined) {
      this.batchLimit = Math.min(this.batchLimit, half);
      return await this.#askInChunks(requests, this.batchLimit);
    }
    const byId = new Map(all.map((answer) => [answer.id, answer]));
    const outcomes = requests.map((_, index) => {
      const answer = byId.get(firstId + index);
      return answer && toOutcome(answer, this.#endpoint.redact);
    });
    return await fillGaps(
      requests,
      without(outcomes, isLeftOut),
      async (rest) => await this.#askInChunks(rest, half),
    );
  }

  async #askOne(request: RpcRequest): Promise<RpcOutcome> {
    const id = this.#nextId++;
    const { method } = request;
    const { status, body } = await this.#post(toMessage(request, id), method);
    if (!isAnswer(body) || !answers(body, id)) {
      const { network } = this;
      const { host } = this.#endpoint;
      throw new DrError("RPC_ANSWER_INVALID", {
        network,
        host,
        method,
        status,
      });
    }
    return toOutcome(body, this.#endpoint.redact);
  }

  async #post(message: unknown, what: string): Promise<HttpAnswer> {
    const text = JSON.stringify(message);
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#turnstile.pass(
        async () => await this.#fetch(text, what),
      );
      if (DENIALS.includes(answer.status)) {
        throw this.#denied(answer);
      }
      if (!isBusy(answer)) {
        return answer;
      }
      if (attempt === ATTEMPTS) {
        throw this.#givenUp(answer.status);
      }
      await this.#clock.sleep(
        waitMs(answer.retryAfter, attempt, this.#clock.now()),
      );
    }
  }

  async #fetch(body: string, what: string): Promise<HttpAnswer> {
    try {
      const response = await fetch(this.#endpoint.href, {
        method: "POST",
        headers: this.#headers,
        body,
        // Following one would carry the headers' keys to another host.
        redirect: "manual",
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        body: parseJson(await response.text()),
      };
    } catch (error) {
      throw this.#unanswered(error, what);
    }
  }

  /** Without its cause: that may quote the URL or a header. */
  #unanswered(error: unknown, what: string): DrError {
    const { network } = this;
    const { host } = this.#endpoint;
    return error instanceof Error && error.name === "TimeoutError"
      ? new DrError("RPC_TIMEOUT", {
          network,
          host,
          method: what,
          seconds: this.#timeoutMs / 1000,
        })
      : new DrError("RPC_UNREACHABLE", {
          network,
          host,
          reason: reasonOf(error),
        });
  }

  #denied({ status, body }: HttpAnswer): DrError {
    const [first] = [body].flat();
    const said = isAnswer(first) ? first.error?.message : undefined;
    return new DrError("RPC_ACCESS_DENIED", {
      network: this.network,
      host: this.#endpoint.host,
      status,
      reason: this.#endpoint.redact(said ?? "it gives no reason"),
    });
  }

  #givenUp(status: number): DrError {
    const { network } = this;
    const { host } = this.#endpoint;
    // Under any other status than 5xx only a rate limit makes a server busy.
    return status < 500
      ? new DrError("RPC_RATE_LIMITED", { network, host, attempts: ATTEMPTS })
      : new DrError("RPC_UNREACHABLE", {
          network,
          host,
          reason: `HTTP ${status}`,
        });
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

/** Whether no answer came, so that nobody knows if the node acted on the request. */
export function isUnanswered(error: unknown): boolean {
  return isDrError(
    error,
    "RPC_UNREACHABLE",
    "RPC_TIMEOUT",
    "RPC_RATE_LIMITED",
    "RPC_ANSWER_INVALID",
  );
}

function toMessage({ method, params }: RpcRequest, id: number): object {
  return { jsonrpc: "2.0", id, method, params };
}

/** undefined when the server takes no batch of this size: it answers with one object, or too few. */
function asBatch(
  body: unknown,
  size: number,
): readonly JsonRpcAnswer[] | undefined {
  return Array.isArray(body) && body.length >= size
    ? body.filter(isAnswer)
    : undefined;
}

function without(
  outcomes: readonly (RpcOutcome | undefined)[],
  isWanting: (outcome: RpcOutcome) => boolean,
): (RpcOutcome | undefined)[] {
  return outcomes.map((outcome) =>
    outcome === undefined || isWanting(outcome) ? undefined : outcome,
  );
}

/** Asks for what has no outcome yet. */
async function fillGaps(
  requests: readonly RpcRequest[],
  outcomes: readonly (RpcOutcome | undefined)[],
  ask: (rest: readonly RpcRequest[]) => Promise<RpcOutcome[]>,
): Promise<RpcOutcome[]> {
  const found = await ask(
    requests.filter((_, index) => outcomes[index] === undefined),
  );
  return outcomes.flatMap((outcome) => outcome ?? found.splice(0, 1));
}

/** Whether the same may get an answer in a moment. */
function isBusy({ status, body }: HttpAnswer): boolean {
  if (!isAnswer(body)) {
    return BUSY.includes(status) || (status >= 500 && !Array.isArray(body));
  }
  return BUSY.includes(status) || isRateLimited(toOutcome(body, String));
}

function waitMs(retryAfter: string | null, attempt: number, now: Date): number {
  const wait = parseRetryAfter(retryAfter, now);
  return wait === undefined
    ? backoffMs(attempt)
    : Math.min(wait, LONGEST_WAIT_MS);
}

function backoffMs(attempt: number): number {
  return Math.min(BACKOFF_MS * 2 ** attempt, LONGEST_WAIT_MS);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** undici hides the reason in `cause`; its messages may quote the URL or a header. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause) {
    return String(cause.code);
  }
  return cause instanceof Error
    ? "the connection broke"
    : "no request can be made of its `url` and `httpHeaders`";
}

function chunk(
  requests: readonly RpcRequest[],
  limit: number,
): readonly (readonly RpcRequest[])[] {
  const chunks: RpcRequest[][] = [];
  let bytes = 0;
  for (const request of requests) {
    const size = Buffer.byteLength(JSON.stringify(request.params)) + 80;
    const last = chunks.at(-1);
    if (
      last === undefined ||
      last.length >= limit ||
      bytes + size > BATCH_BYTES
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
