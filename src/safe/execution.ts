import { encodeCall } from "../chain/abi.js";
import type { Hex } from "../core/hex.js";
import { argumentsOf, type SafeTransaction } from "./transaction.js";

const EXEC_TRANSACTION =
  "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) payable returns (bool success)";

/** Calldata that executes a transaction of a Safe; anybody may send it. */
export function encodeExecTransaction(
  transaction: SafeTransaction,
  signatures: Hex,
): Hex {
  return encodeCall(EXEC_TRANSACTION, [
    ...argumentsOf(transaction),
    signatures,
  ]);
}
