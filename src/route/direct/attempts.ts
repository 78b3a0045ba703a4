import type { Json } from "../../core/canonical-json.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Fees, TransactionRequest } from "./signer.js";

/**
 * What a step's journal says of its transactions. An intent is written before
 * anything is sent; a nonce belongs to one action until the chain has used it.
 */
export type SendEntry =
  | { readonly kind: "intent"; readonly intents: readonly Intent[] }
  | { readonly kind: "sent"; readonly hashes: Readonly<Record<string, Hex>> }
  /** Somebody else's transaction took the nonce; ours can never be mined. */
  | { readonly kind: "void"; readonly key: string; readonly nonce: number }
  | { readonly kind: "mined"; readonly mined: readonly Mined[] };

export interface Intent {
  /** Which of the step's transactions. */
  readonly key: string;
  readonly transaction: StoredTransaction;
  /** Known beforehand where the key is in this process. */
  readonly hash?: Hex;
  /** The latest block when this was written: it is mined later than that. */
  readonly block: string;
}

export interface Mined {
  readonly key: string;
  readonly hash: Hex;
  readonly block: string;
  readonly status: "success" | "reverted";
  readonly gasUsed: string;
  /** Of a deployment. */
  readonly contract?: Address;
}

/** A {@link TransactionRequest} as JSON: numbers in decimal digits. */
export interface StoredTransaction {
  readonly from: Address;
  readonly to?: Address;
  readonly value: string;
  readonly data: Hex;
  readonly nonce: number;
  readonly gas: string;
  readonly chainId: number;
  readonly fees: Readonly<Record<string, string>>;
}

/** A nonce in use for an action, with every transaction made for it so far. */
export interface Attempt {
  readonly key: string;
  /** The newest; earlier ones differ in their fees only. */
  readonly transaction: TransactionRequest;
  readonly hashes: readonly Hex[];
  readonly afterBlock: bigint;
}

export interface SendState {
  readonly live: ReadonlyMap<string, Attempt>;
  readonly mined: ReadonlyMap<string, Mined>;
}

/** Where a step's transactions stand, from its journal alone. */
export function replayEntries(entries: readonly Json[]): SendState {
  const live = new Map<string, Attempt>();
  const mined = new Map<string, Mined>();
  for (const entry of entries as unknown as readonly SendEntry[]) {
    switch (entry.kind) {
      case "intent":
        for (const intent of entry.intents) {
          live.set(intent.key, withIntent(live.get(intent.key), intent));
        }
        break;
      case "sent":
        for (const [key, hash] of Object.entries(entry.hashes)) {
          addHash(live, key, hash);
        }
        break;
      case "void":
        live.delete(entry.key);
        break;
      case "mined":
        for (const result of entry.mined) {
          live.delete(result.key);
          mined.set(result.key, result);
        }
        break;
    }
  }
  return { live, mined };
}

function withIntent(
  earlier: Attempt | undefined,
  { key, transaction, hash, block }: Intent,
): Attempt {
  const known = earlier?.hashes ?? [];
  return {
    key,
    transaction: parseTransaction(transaction),
    hashes: hash === undefined ? known : [...known, hash],
    afterBlock: earlier?.afterBlock ?? BigInt(block),
  };
}

function addHash(live: Map<string, Attempt>, key: string, hash: Hex): void {
  const attempt = live.get(key);
  if (attempt !== undefined && !attempt.hashes.includes(hash)) {
    live.set(key, { ...attempt, hashes: [...attempt.hashes, hash] });
  }
}

export function storeTransaction({
  value,
  gas,
  fees,
  ...rest
}: TransactionRequest): StoredTransaction {
  return {
    ...rest,
    value: String(value),
    gas: String(gas),
    fees: Object.fromEntries(
      Object.entries(fees).map(([name, amount]) => [name, String(amount)]),
    ),
  };
}

function parseTransaction({
  value,
  gas,
  fees,
  ...rest
}: StoredTransaction): TransactionRequest {
  return {
    ...rest,
    value: BigInt(value),
    gas: BigInt(gas),
    fees: parseFees(fees),
  };
}

function parseFees(fees: StoredTransaction["fees"]): Fees {
  return fees.type === "legacy"
    ? { type: "legacy", gasPrice: BigInt(fees.gasPrice ?? 0) }
    : {
        type: "eip1559",
        maxFeePerGas: BigInt(fees.maxFeePerGas ?? 0),
        maxPriorityFeePerGas: BigInt(fees.maxPriorityFeePerGas ?? 0),
      };
}
