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
  readonly #stallMs: number;

  /** @param stallMs - A connection on which nothing moves for so long is given up. */
  constructor(credentials: GcsCredentials, stallMs: number) {
    this.#credentials = credentials;
    this.#stallMs = stallMs;
  }

  /** @throws {DrError} OFFSITE_UNREACHABLE, and as {@link explainRefusal} says. */
  async ask(request: GcsRequest): Promise<GcsAnswer> {
    const stall = new StallTimer(this.#stallMs);
    try {
      const response = await this.#open(request, stall);
      const { status, headers } = response;
      return { status, headers, body: parseBody(await response.text()) };
    } catch (error) {
      throw brokenOff(error, stall, request);
    } finally {
      stall.stop();
    }
  }

  /**
   * An answer whose body is still to come, watched by the timer.
   *
   * @throws {DrError} like {@link ask}.
   */
  async open(
    request: GcsRequest,
  ): Promise<{ readonly response: Response; readonly stall: StallTimer }> {
    const stall = new StallTimer(this.#stallMs);
    try {
      return { response: await this.#open(request, stall), stall };
    } catch (error) {
      throw brokenOff(error, stall, request);
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

/** What it means that no answer came, or not all of one. */
export function brokenOff(
  error: unknown,
  stall: StallTimer,
  { storage, operation, signal }: Pick<GcsRequest, keyof Asked | "signal">,
): unknown {
  if (signal?.aborted === true) {
    return signal.reason;
  }
  const reason = stall.hasFired ? stall.reason : fetchReasonOf(error);
  return isDrError(error)
    ? error
    : new DrError(
        "OFFSITE_UNREACHABLE",
        { storage, operation, reason },
        { cause: error },
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
