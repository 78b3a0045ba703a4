import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { readLogs } from "../chain/logs.js";
import { RpcResponseError } from "../chain/rpc.js";
import { DrError, isDrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";

/** `RoleGranted` of AccessControl and of AccessManager, then `RoleRevoked` of both. */
const GRANTED: readonly Hex[] = [
  "0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d",
  "0xf98448b987f1428e0e230e1f3c6e2ce15b5693eaf31827fbd0b1ec4b424ae7cf",
];
const REVOKED: readonly Hex[] = [
  "0xf6391f5c32d9c69d2a47ea670b442974b53935d1edc7fd64eb21e047a839171b",
  "0xf229baa593af28c41b1d16b748cd7688f0c83aaf92d4be41c44005defe84c166",
];

/** More in one filter, and some nodes refuse it. */
const ADDRESSES_PER_FILTER = 1000;

export interface Grant {
  /** 32 bytes; an AccessManager's role id in the low 8. */
  readonly role: Hex;
  readonly account: Address;
}

/** A contract's role events, replayed: still to be confirmed by `hasRole`. */
export interface RoleHistory {
  /** Granted and not revoked since. */
  readonly grants: readonly Grant[];
  /** False when there is no grant at all, ever: then the node's logs are wanting. */
  readonly isKept: boolean;
}

interface RoleEvent {
  readonly address: Address;
  readonly topics: readonly Hex[];
}

interface Pending {
  readonly address: Address;
  readonly resolve: (history: RoleHistory) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The role events of many contracts. Like BlockReader, it asks for all that is
 * wanted in the same turn of the event loop with one filter.
 */
export class RoleLog {
  readonly #reader: BlockReader;
  readonly #fromBlock: bigint;
  readonly #histories = new Map<string, Promise<RoleHistory>>();
  #queue: Pending[] = [];

  /**
   * @param fromBlock - The oldest deployment known: where to begin if the node
   * refuses to look through the whole chain, unless a contract is older.
   */
  constructor(reader: BlockReader, fromBlock: bigint) {
    this.#reader = reader;
    this.#fromBlock = fromBlock;
  }

  /** @throws {DrError} when the logs can't be had. */
  async read(address: Address): Promise<RoleHistory> {
    const key = address.toLowerCase();
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = new Promise<RoleHistory>((resolve, reject) => {
        if (this.#queue.length === 0) {
          setImmediate(() => void this.#flush());
        }
        this.#queue.push({ address, resolve, reject });
      });
      this.#histories.set(key, history);
    }
    return await history;
  }

  async #flush(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    try {
      const addresses = queue.map(({ address }) => address);
      const histories = replay(await this.#readAll(addresses));
      for (const { address, resolve } of queue) {
        resolve(
          histories.get(address.toLowerCase()) ?? { grants: [], isKept: false },
        );
      }
    } catch (error) {
      const failure = this.#wrap(error);
      for (const { reject } of queue) {
        reject(failure);
      }
    }
  }

  #wrap(cause: unknown): unknown {
    return cause instanceof RpcResponseError
      ? new DrError(
          "RPC_FAILED",
          {
            network: this.#reader.rpc.network,
            method: "eth_getLogs",
            reason: cause.message,
          },
          { cause },
        )
      : cause;
  }

  async #readAll(addresses: readonly Address[]): Promise<readonly RoleEvent[]> {
    const parts: Promise<readonly RoleEvent[]>[] = [];
    for (let at = 0; at < addresses.length; at += ADDRESSES_PER_FILTER) {
      parts.push(
        this.#readPart(addresses.slice(at, at + ADDRESSES_PER_FILTER)),
      );
    }
    return (await Promise.all(parts)).flat();
  }

  /** All of the chain in one go, or if that is asked too much, what must be. */
  async #readPart(address: readonly Address[]): Promise<readonly RoleEvent[]> {
    const { rpc, block } = this.#reader;
    const filter = { address, topics: [[...GRANTED, ...REVOKED]] };
    const toBlock = `0x${block.number.toString(16)}`;
    try {
      return (await rpc.request("eth_getLogs", [
        { ...filter, fromBlock: "0x0", toBlock },
      ])) as readonly RoleEvent[];
    } catch (error) {
      if (
        error instanceof RpcResponseError ||
        isDrError(error, "RPC_TIMEOUT")
      ) {
        const fromBlock = await this.#findStart(address);
        return await readLogs(rpc, {
          ...filter,
          fromBlock,
          toBlock: block.number,
        });
      }
      throw error;
    }
  }

  /**
   * The block before which none of these contracts was there: the given start,
   * unless some are older, as governance often is. 0 when the node doesn't
   * keep the state of back then.
   */
  async #findStart(addresses: readonly Address[]): Promise<bigint> {
    let without = -1n;
    let start = this.#fromBlock;
    let block = start - 1n;
    while (start - without > 1n) {
      const isThere = await this.#isAnyThere(addresses, block);
      if (isThere === undefined) {
        return 0n;
      }
      [without, start] = isThere ? [without, block] : [block, start];
      block = (without + start) / 2n;
    }
    return start;
  }

  async #isAnyThere(
    addresses: readonly Address[],
    block: bigint,
  ): Promise<boolean | undefined> {
    const tag = `0x${block.toString(16)}`;
    const codes = await this.#reader.rpc.batch(
      addresses.map((address) => ({
        method: "eth_getCode",
        params: [address, tag],
      })),
    );
    return codes.every(({ ok }) => ok)
      ? codes.some((code) => code.ok && code.result !== "0x")
      : undefined;
  }
}

/** By contract, in lower case. */
function replay(events: readonly RoleEvent[]): Map<string, RoleHistory> {
  const current = new Map<string, Map<string, Grant>>();
  for (const { address, topics } of events) {
    const [event, role, account] = topics;
    if (event === undefined || role === undefined || account === undefined) {
      continue;
    }
    const contract = address.toLowerCase();
    const grants = current.get(contract) ?? new Map<string, Grant>();
    current.set(contract, grants);
    const key = `${role}${account}`;
    if (GRANTED.includes(event)) {
      grants.set(key, { role, account: addressInTopic(account) });
    } else {
      grants.delete(key);
    }
  }
  return new Map(
    [...current].map(([contract, grants]) => [
      contract,
      { grants: [...grants.values()], isKept: true },
    ]),
  );
}

/** Unlike a storage word's, a topic's zero address is an account: everyone. */
function addressInTopic(topic: Hex): Address {
  return OxAddress.checksum(`0x${topic.slice(26)}`);
}
