import { Readable } from "node:stream";

import { DrError, isDrError } from "../../../core/errors.js";
import { StallTimer } from "../../stall-timer.js";
import type { GcsCredentials } from "./credentials.js";
import { fetchReasonOf } from "./fetch-reason.js";
import { explainRefusal, parseBody, type Asked } from "./refusal.js";

export interface GcsRequest extends Asked {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal | undefined;
  /** Its URL says by itself what may be done with it. Default: false. */
  readonly isSession?: boolean;
  /** Statuses that are no failures, beside the successes. */
  readonly accept?: readonly number[];
}

export interface GcsAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON, or text that isn't. */
  readonly body: unknown;
}

/** How much a socket takes before it counts as moving. */
const PIECE_BYTES = 262_144;

/**
 * Requests of the JSON API. The methods of @google-cloud/storage aren't used:
 * its version 8 waits for ever when a connection stalls (`timeout` has no
 * effect), keeps to itself how far an upload has come, and reports the same
 * refusal in three forms.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1
 */
export class GcsApi {
  readonly #credentials: GcsCredentials;
  /** A connection on which nothing moves for so long is given up. */
  readonly stallMs: number;

  constructor(credentials: GcsCredentials, stallMs: number) {
    this.#credentials = credentials;
    this.stallMs = stallMs;
  }

  /** @throws {DrError} OFFSITE_UNREACHABLE, and as {@link explainRefusal} says. */
  async ask(request: GcsRequest): Promise<GcsAnswer> {
    return await this.#watch(request, async (stall) => {
      const response = await this.#open(request, stall);
      const { status, headers } = response;
      return { status, headers, body: parseBody(await response.text()) };
    });
  }

  /** An answer whose body is still to come. @throws {DrError} like {@link ask}. */
  async open(request: GcsRequest): Promise<Response> {
    return await this.#watch(
      request,
      async (stall) => await this.#open(request, stall),
    );
  }

  async #watch<T>(
    request: GcsRequest,
    work: (stall: StallTimer) => Promise<T>,
  ): Promise<T> {
    const stall = new StallTimer(this.stallMs);
    try {
      return await work(stall);
    } catch (error) {
      request.signal?.throwIfAborted();
      const reason = stall.hasFired ? stall.reason : fetchReasonOf(error);
      throw isDrError(error) ? error : unreachable(request, reason, error);
    } finally {
      stall.stop();
    }
  }

  async #open(request: GcsRequest, stall: StallTimer): Promise<Response> {
    const { method, url, headers, body, signal, accept } = request;
    const credentials =
      request.isSession === true ? {} : await this.#credentials.headers();
    const signals = signal === undefined ? [] : [signal];
    stall.touch();
    const response = await fetch(url, {
      method,
      headers: { ...credentials, ...headers, ...lengthOf(body) },
      // Following one would carry the credentials to another host.
      redirect: "manual",
      signal: AbortSignal.any([stall.signal, ...signals]),
      ...(body === undefined
        ? {}
        : { body: Readable.from(piecesOf(body, stall)), duplex: "half" }),
    });
    const { ok, status } = response;
    if (ok || accept?.includes(status) === true) {
      return response;
    }
    throw explainRefusal(request, status, parseBody(await response.text()));
  }
}

export function unreachable(
  { storage, operation }: Asked,
  reason: string,
  cause?: unknown,
): DrError {
  return new DrError(
    "OFFSITE_UNREACHABLE",
    { storage, operation, reason },
    { cause },
  );
}

function lengthOf(body: Buffer | undefined): Record<string, string> {
  return body === undefined ? {} : { "content-length": String(body.length) };
}

function* piecesOf(body: Buffer, stall: StallTimer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += PIECE_BYTES) {
    stall.touch();
    yield body.subarray(start, start + PIECE_BYTES);
  }
  stall.touch();
}
