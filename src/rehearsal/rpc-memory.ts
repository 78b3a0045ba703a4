import type { Rpc, RpcOutcome } from "../chain/rpc.js";
import { unwrap } from "../chain/http-rpc.js";
import { DrError } from "../core/errors.js";

/** The state at a block, and the chain itself: answered alike for ever. */
const PINNED =
  /^eth_(getBalance|getCode|getStorageAt|getTransactionCount|getBlockByNumber)$/;
const CONSTANT = /^(eth_chainId|net_version)$/;

interface Pending {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly resolve: (outcome: RpcOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks an RPC what it wasn't asked yet; what is asked in the same turn of the
 * event loop goes out as one batch.
 */
export class RpcMemory {
  readonly #rpc: Rpc;
  readonly #answers = new Map<string, Promise<unknown>>();
  #queue: Pending[] = [];

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  /** @throws {RpcResponseError} the node's own error. {DrError} no answer. */
  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    if (!isLasting(method, params)) {
      return await this.#ask(method, params);
    }
    const key = JSON.stringify([method, params]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#ask(method, params);
      this.#answers.set(key, answer);
      void this.#forgetFailure(key, answer);
    }
    return await answer;
  }

  /** What a node couldn't answer, or doesn't have, it may yet. */
  async #forgetFailure(key: string, answer: Promise<unknown>): Promise<void> {
    const isKnown = await answer.then(
      (result) => result !== null,
      () => false,
    );
    if (!isKnown) {
      this.#answers.delete(key);
    }
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const outcome = await new Promise<RpcOutcome>((resolve, reject) => {
      if (this.#queue.length === 0) {
        setImmediate(() => void this.#flush());
      }
      this.#queue.push({ method, params, resolve, reject });
    });
    return unwrap(outcome);
  }

  async #flush(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    try {
      const outcomes = await this.#rpc.batch(
        queue.map(({ method, params }) => ({ method, params })),
      );
      queue.forEach(({ resolve, reject, method }, index) => {
        const outcome = outcomes[index];
        if (outcome === undefined) {
          reject(
            new DrError("RPC_FAILED", {
              network: this.#rpc.network,
              method,
              reason: "no answer in the batch",
            }),
          );
        } else {
          resolve(outcome);
        }
      });
    } catch (error) {
      for (const { reject } of queue) {
        reject(error);
      }
    }
  }
}

/** Only what names its block by number, and not as `latest`. */
function isLasting(method: string, params: readonly unknown[]): boolean {
  const block = method === "eth_getBlockByNumber" ? params[0] : params.at(-1);
  return (
    CONSTANT.test(method) ||
    (PINNED.test(method) &&
      typeof block === "string" &&
      /^0x[0-9a-f]+$/i.test(block))
  );
}
