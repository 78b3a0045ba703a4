import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { decodeResult, encodeCall } from "./abi.js";
import { decodeAggregate, encodeAggregate, MULTICALL3 } from "./multicall.js";
import {
  ask,
  failedRequest,
  isRevert,
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
  type RpcRequest,
} from "./rpc.js";

/** A block, as far as anyone here needs it. */
export interface BlockRef {
  readonly number: bigint;
  readonly hash: Hex;
  /** Unix seconds. */
  readonly timestamp: bigint;
}

interface Pending extends RpcRequest {
  readonly resolve: (outcome: RpcOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Few enough that one reply stays small and one greedy callee can't starve many. */
const CALLS_PER_AGGREGATE = 200;

/**
 * Reads a chain at one block. What is asked for in the same turn of the event
 * loop goes out as one batch, so `Promise.all` over a thousand contracts costs
 * as many round trips as the longest chain of awaits in one of them.
 */
export class BlockReader {
  readonly block: BlockRef;
  readonly rpc: Rpc;
  readonly #tag: Hex;
  readonly #answers = new Map<string, Promise<RpcOutcome>>();
  #queue: Pending[] = [];
  #multicall: Promise<boolean> | undefined;

  private constructor(rpc: Rpc, block: BlockRef) {
    this.rpc = rpc;
    this.block = block;
    this.#tag = `0x${block.number.toString(16)}`;
  }

  /** A reader at `block`; without one, at the latest. */
  static async at(rpc: Rpc, block?: bigint): Promise<BlockReader> {
    return new BlockReader(rpc, await readBlock(rpc, block ?? "latest"));
  }

  /** The word in a storage slot, 32 bytes. */
  async storage(address: Address, slot: Hex): Promise<Hex> {
    const word = await this.#ask("eth_getStorageAt", [address, slot]);
    return `0x${(word as string).slice(2).padStart(64, "0")}`;
  }

  /** `0x` when nothing is deployed there. */
  async code(address: Address): Promise<Hex> {
    return (await this.#ask("eth_getCode", [address])) as Hex;
  }

  /** Wei. */
  async balance(address: Address): Promise<bigint> {
    return BigInt((await this.#ask("eth_getBalance", [address])) as Hex);
  }

  /**
   * Calls a function given by its human-readable signature.
   *
   * @returns its value; undefined when it reverts or answers in another shape.
   * @throws {DrError} when the chain couldn't be asked: that is no answer.
   */
  async call(
    address: Address,
    signature: string,
    args: readonly unknown[] = [],
  ): Promise<unknown> {
    const outcome = await this.callRaw({
      to: address,
      data: encodeCall(signature, args),
    });
    return outcome.ok
      ? decodeResult(signature, outcome.result as Hex)
      : undefined;
  }

  /**
   * An `eth_call` as it is, with its sender when that matters.
   *
   * @returns the outcome; `ok: false` is always a revert.
   */
  async callRaw(call: {
    readonly to: Address;
    readonly data: Hex;
    readonly from?: Address;
  }): Promise<RpcOutcome> {
    const outcome = await this.#outcome("eth_call", [call]);
    if (!outcome.ok && !isRevert(outcome.error)) {
      throw failedRequest(this.rpc, "eth_call", outcome.error);
    }
    return outcome;
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const outcome = await this.#outcome(method, params);
    if (!outcome.ok) {
      throw failedRequest(this.rpc, method, outcome.error);
    }
    return outcome.result;
  }

  async #outcome(
    method: string,
    params: readonly unknown[],
  ): Promise<RpcOutcome> {
    const key = JSON.stringify([method, params]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = new Promise<RpcOutcome>((resolve, reject) => {
        if (this.#queue.length === 0) {
          // After all promises that are ready now have run and asked.
          setImmediate(() => void this.#flush());
        }
        this.#queue.push({
          method,
          params: [...params, this.#tag],
          resolve,
          reject,
        });
      });
      this.#answers.set(key, answer);
    }
    try {
      return await answer;
    } catch (error) {
      // No answer is none to remember: it may be asked for again.
      this.#answers.delete(key);
      throw error;
    }
  }

  async #flush(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    try {
      const calls = queue.filter(isBundleable);
      // A batch costs one round trip whatever is in it; Multicall3 asks each
      // revert twice, so it is for nodes that take no batches.
      const limit = this.rpc.batchLimit ?? Number.POSITIVE_INFINITY;
      const isTooMuch = queue.length > limit;
      if (isTooMuch && calls.length > 2 && (await this.#hasMulticall())) {
        const rest = queue.filter((request) => !isBundleable(request));
        await Promise.all([this.#send(rest), this.#bundle(calls)]);
      } else {
        await this.#send(queue);
      }
    } catch (error) {
      for (const { reject } of queue) {
        reject(error);
      }
    }
  }

  async #hasMulticall(): Promise<boolean> {
    this.#multicall ??= this.rpc
      .request("eth_getCode", [MULTICALL3, this.#tag])
      .then(
        (code) => code !== "0x",
        () => false,
      );
    return await this.#multicall;
  }

  async #send(requests: readonly Pending[]): Promise<void> {
    const outcomes = await this.rpc.batch(
      requests.map(({ method, params }) => ({ method, params })),
    );
    settle(requests, outcomes);
  }

  /**
   * Many `eth_call`s inside a few. A failure in there is asked again alone:
   * a greedy neighbour may have eaten its gas.
   */
  async #bundle(requests: readonly Pending[]): Promise<void> {
    const groups = inGroups(requests, CALLS_PER_AGGREGATE);
    const outcomes = await this.rpc.batch(
      groups.map((group) => ({
        method: "eth_call",
        params: [
          { to: MULTICALL3, data: encodeAggregate(group.map(innerCall)) },
          this.#tag,
        ],
      })),
    );
    const failed = groups.flatMap((group, index) => {
      const outcome = outcomes[index];
      const results = outcome?.ok
        ? decodeAggregate(outcome.result as Hex)
        : undefined;
      return group.filter((request, position) => {
        const result = results?.[position];
        if (result?.success !== true) {
          return true;
        }
        request.resolve({ ok: true, result: result.returnData });
        return false;
      });
    });
    await this.#send(failed);
  }
}

/** @throws {DrError} RPC_FAILED when the node refuses, or has no such block. */
export async function readBlock(
  rpc: Rpc,
  block: bigint | "latest" | "finalized",
): Promise<BlockRef> {
  const tag = typeof block === "bigint" ? `0x${block.toString(16)}` : block;
  const found = (await ask(rpc, "eth_getBlockByNumber", [tag, false])) as {
    number: Hex;
    hash: Hex;
    timestamp: Hex;
  } | null;
  if (found === null) {
    throw new DrError("RPC_FAILED", {
      network: rpc.network,
      method: "eth_getBlockByNumber",
      reason: `there is no block ${tag}`,
    });
  }
  return {
    number: BigInt(found.number),
    hash: found.hash,
    timestamp: BigInt(found.timestamp),
  };
}

/** @throws {DrError} RPC_FAILED when the node doesn't tell. */
export async function readChainId(rpc: Rpc): Promise<bigint> {
  return BigInt((await ask(rpc, "eth_chainId")) as Hex);
}

/** A sender would be Multicall3's own: such a call goes alone. */
function isBundleable({ method, params }: RpcRequest): boolean {
  return (
    method === "eth_call" && !("from" in (params[0] as Record<string, unknown>))
  );
}

function innerCall({ params }: RpcRequest): { to: Address; data: Hex } {
  return params[0] as { to: Address; data: Hex };
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function settle(
  requests: readonly Pending[],
  outcomes: readonly RpcOutcome[],
): void {
  requests.forEach(({ resolve }, index) => {
    resolve(
      outcomes[index] ?? {
        ok: false,
        error: new RpcResponseError("no answer in the batch", 0),
      },
    );
  });
}
