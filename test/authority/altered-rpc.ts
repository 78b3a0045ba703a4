import { outcomeOf, unwrap } from "../../src/chain/http-rpc.js";
import type { Rpc, RpcOutcome, RpcRequest } from "../../src/chain/rpc.js";

/** What to answer in the node's stead; it may throw, as a lost connection does. */
export type Alter = (request: RpcRequest) => RpcOutcome | undefined;

/** A node that answers some requests otherwise, single ones and those in batches. */
export class AlteredRpc implements Rpc {
  readonly network: string;
  readonly #inner: Rpc;
  readonly #alter: Alter;

  constructor(inner: Rpc, alter: Alter) {
    this.network = inner.network;
    this.#inner = inner;
    this.#alter = alter;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    return unwrap(await this.#answer({ method, params }));
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    return await Promise.all(
      requests.map(async (request) => await this.#answer(request)),
    );
  }

  async #answer(request: RpcRequest): Promise<RpcOutcome> {
    const { method, params } = request;
    return (
      this.#alter(request) ??
      (await outcomeOf(this.#inner.request(method, params)))
    );
  }
}
