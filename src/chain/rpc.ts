import { DrError, messageOf } from "../core/errors.js";

/** One JSON-RPC request. */
export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What the node said to one request of a batch: a result, or its own error. */
export type RpcOutcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: RpcResponseError };

/**
 * A way to talk to a chain. Implementations retry what is safe to retry, give
 * up in bounded time, and never let a URL's secrets into an error.
 */
export interface Rpc {
  /** The network's name, for messages. */
  readonly network: string;

  /** The most requests that the node takes in one batch, where it has shown a limit. */
  readonly batchLimit?: number;

  /**
   * @throws {RpcResponseError} the node answered with an error.
   * @throws {DrError} RPC_UNREACHABLE, RPC_TIMEOUT, RPC_RATE_LIMITED,
   * RPC_ANSWER_INVALID: no answer; RPC_ACCESS_DENIED: no right to one.
   */
  request(method: string, params?: readonly unknown[]): Promise<unknown>;

  /**
   * Many requests in as few round trips as the node allows. A node's refusal
   * of one is in its outcome; only a missing answer rejects the whole.
   */
  batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]>;
}

/** The node's own answer, an error: a revert, a bad nonce, an unknown method. */
export class RpcResponseError extends Error {
  override readonly name = "RpcResponseError";
  /** JSON-RPC error code. */
  readonly code: number;
  /** Revert data, when the node gives it. */
  readonly data: unknown;

  constructor(message: string, code: number, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/**
 * Asks what a node can always answer, so that its refusal is a failure.
 *
 * @throws {DrError} RPC_FAILED, and what {@link Rpc.request} throws without an answer.
 */
export async function ask(
  rpc: Rpc,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  try {
    return await rpc.request(method, params);
  } catch (error) {
    if (error instanceof RpcResponseError) {
      throw failedRequest(rpc, method, error);
    }
    throw error;
  }
}

/** What the node has against a request, as an error with a way out. */
export function failedRequest(
  { network }: Rpc,
  method: string,
  cause: unknown,
): DrError {
  const reason = messageOf(cause);
  return new DrError("RPC_FAILED", { network, method, reason }, { cause });
}

const REVERT_CODE = 3;

/**
 * Whether a failed `eth_call` or `eth_estimateGas` means that the contract
 * said no, as opposed to a node that couldn't answer. Nodes differ: geth and
 * anvil use code 3 or "execution reverted", EDR its own words, and a call to
 * an invalid opcode has no code at all.
 */
export function isRevert(error: unknown): error is RpcResponseError {
  return (
    error instanceof RpcResponseError &&
    (error.code === REVERT_CODE ||
      /revert|invalid opcode|InvalidFEOpcode|out of gas|OutOfGas|stack (under|over)flow|invalid jump|EvmError|VM Exception|unrecognized (function )?selector|OpcodeNotFound|bad instruction/i.test(
        error.message,
      ))
  );
}

/** The revert data an error carries, wherever the node put it. */
export function revertData(error: unknown): `0x${string}` | undefined {
  let data: unknown = error instanceof RpcResponseError ? error.data : error;
  for (let depth = 0; depth < 4; depth += 1) {
    if (typeof data === "string") {
      return /^0x([0-9a-f]{2})*$/i.test(data)
        ? (data as `0x${string}`)
        : undefined;
    }
    if (typeof data !== "object" || data === null) {
      return undefined;
    }
    data = "data" in data ? data.data : "result" in data ? data.result : null;
  }
  return undefined;
}
