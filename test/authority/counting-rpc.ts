import type { Rpc, RpcOutcome, RpcRequest } from "../../src/chain/rpc.js";

/** Counts what would be HTTP round trips, and keeps what was asked. */
export class CountingRpc implements Rpc {
  readonly network: string;
  readonly #inner: Rpc;
  roundTrips = 0;
  requests: RpcRequest[] = [];

  constructor(inner: Rpc) {
    this.network = inner.network;
    this.#inner = inner;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    this.roundTrips += 1;
    this.requests.push({ method, params });
    return await this.#inner.request(method, params);
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    this.roundTrips += requests.length === 0 ? 0 : 1;
    this.requests.push(...requests);
    return await this.#inner.batch(requests);
  }

  asked(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }
}
