import { outcomeOf } from "../src/chain/http-rpc.js";
import { MULTICALL3 } from "../src/chain/multicall.js";
import type { Rpc, RpcOutcome, RpcRequest } from "../src/chain/rpc.js";

/** Nobody waits for it any longer. */
export class OutOfTime extends Error {}

/**
 * What a script with `await` in its loops does: one request after the other,
 * no batches, no Multicall3.
 */
export class OneByOneRpc implements Rpc {
  readonly network: string;
  readonly #rpc: Rpc;
  readonly #deadline: number;
  #last: Promise<unknown> = Promise.resolve();

  /** @param deadline - As `performance.now()` has it; then OutOfTime is thrown. */
  constructor(rpc: Rpc, deadline: number) {
    this.network = rpc.network;
    this.#rpc = rpc;
    this.#deadline = deadline;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    if (method === "eth_getCode" && params[0] === MULTICALL3) {
      return "0x";
    }
    const answer = this.#last.then(async () => {
      if (performance.now() > this.#deadline) {
        throw new OutOfTime();
      }
      return await this.#rpc.request(method, params);
    });
    this.#last = answer.catch(() => undefined);
    return await answer;
  }

  async batch(requests: readonly RpcRequest[]): Promise<RpcOutcome[]> {
    return await Promise.all(
      requests.map(
        async ({ method, params }) =>
          await outcomeOf(this.request(method, params)),
      ),
    );
  }
}
