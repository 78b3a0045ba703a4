import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import type { Hex } from "../core/hex.js";
import { hashWithProtocolKit } from "./kit.js";
import {
  argumentsOf,
  hashSafeTransaction,
  type SafeDomain,
  type SafeHashes,
  type SafeTransaction,
} from "./transaction.js";

/** What three who don't know each other say is signed. */
export interface HashWitnesses {
  readonly ours: SafeHashes;
  readonly protocolKit: Hex;
  /** The Safe's own `getTransactionHash`. */
  readonly contract: Hex;
}

const GET_TRANSACTION_HASH =
  "function getTransactionHash(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce) view returns (bytes32)";

export async function readHashWitnesses(
  reader: BlockReader,
  domain: SafeDomain,
  transaction: SafeTransaction,
): Promise<HashWitnesses> {
  const [protocolKit, contract] = await Promise.all([
    hashWithProtocolKit(domain, transaction),
    reader.call(domain.safe, GET_TRANSACTION_HASH, [
      ...argumentsOf(transaction),
      transaction.nonce,
    ]),
  ]);
  return {
    ours: hashSafeTransaction(domain, transaction),
    protocolKit,
    contract: typeof contract === "string" ? (contract as Hex) : "0x",
  };
}

/**
 * The hash that all three agree upon.
 *
 * @throws {DrError} SAFE_HASH_DISAGREES.
 */
export function assertSameHash({
  ours,
  protocolKit,
  contract,
}: HashWitnesses): Hex {
  const { safeTxHash } = ours;
  if (safeTxHash !== protocolKit || safeTxHash !== contract) {
    throw new DrError("SAFE_HASH_DISAGREES", {
      ours: safeTxHash,
      protocolKit,
      contract: contract === "0x" ? "nothing" : contract,
    });
  }
  return safeTxHash;
}
