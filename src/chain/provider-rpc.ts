import { DrError, messageOf } from "../core/errors.js";
import { outcomeOf } from "./http-rpc.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
  type RpcRequest,
} from "./rpc.js";

/** As much of EIP-1193 as is needed. */
export interface Eip1193Provider {
  request(args: {
    readonly method: string;
    readonly params?: readonly unknown[];
  }): Promise<unknown>;
}

/** An in-process or wallet-like provider as an {@link Rpc}; it has no batches, and no need of them. */
export class ProviderRpc implements Rpc {
  readonly network: string;
  readonly #provider: Eip1193Provider;
  readonly #redact: (text: string) => string;

  /** @param redact - Hides what a node's message must not tell. */
  constructor(
    network: string,
    provider: Eip1193Provider,
    redact: (text: string) => string = (text) => text,
  ) {
    this.network = network;
    this.#provider = provider;
    this.#redact = redact;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    try {
      return await this.#provider.request({ method, params });
    } catch (error) {
      throw this.#translate(error, method);
    }
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    return await Promise.all(
      requests.map(
        async ({ method, params }) =>
          await outcomeOf(this.request(method, params)),
      ),
    );
  }

  /** EIP-1193: an error with a numeric code is the node's own answer. */
  #translate(error: unknown, method: string): Error {
    const { network } = this;
    const reason = this.#redact(messageOf(error));
    if (isConnectionFailure(error)) {
      return new DrError("RPC_UNREACHABLE", {
        network,
        host: "its URL",
        reason: "Hardhat's provider got no answer",
      });
    }
    if (hasNumericCode(error)) {
      const data = "data" in error ? error.data : undefined;
      return new RpcResponseError(reason, error.code, data);
    }
    return new DrError(
      "RPC_FAILED",
      { network, method, reason },
      { cause: error },
    );
  }
}

/** Hardhat's UnknownError, and its errors for refused and timed out connections. */
function isConnectionFailure(error: unknown): boolean {
  return (
    (hasNumericCode(error) && error.code === -1) ||
    (error instanceof Error && /^HHE70[34]\b/.test(error.message))
  );
}

function hasNumericCode(error: unknown): error is Error & { code: number } {
  return (
    error instanceof Error && "code" in error && typeof error.code === "number"
  );
}
