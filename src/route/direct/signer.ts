import type { Address, Hex } from "../../core/hex.js";

/** A transaction with nothing left open. */
export interface TransactionRequest {
  readonly from: Address;
  /** Absent for a deployment. */
  readonly to?: Address;
  readonly value: bigint;
  readonly data: Hex;
  readonly nonce: number;
  readonly gas: bigint;
  readonly chainId: number;
  readonly fees: Fees;
}

/** In wei. Legacy on chains without a base fee. */
export type Fees =
  | {
      readonly type: "eip1559";
      readonly maxFeePerGas: bigint;
      readonly maxPriorityFeePerGas: bigint;
    }
  | { readonly type: "legacy"; readonly gasPrice: bigint };

export interface SignedTransaction {
  readonly raw: Hex;
  readonly hash: Hex;
}

/** An account that can make transactions. */
export interface Signer {
  readonly address: Address;
  /**
   * Present when the key is in this process, so that the hash is known before
   * anything is broadcast. The same request gives the same bytes (RFC 6979).
   */
  readonly sign?: (transaction: TransactionRequest) => SignedTransaction;
}
