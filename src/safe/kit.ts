import type { Hex } from "../core/hex.js";
import type { SafeDomain, SafeTransaction } from "./transaction.js";

/**
 * What Safe's own library says the owners of a transaction sign. It needs no
 * chain for that, so the chain may be one that it doesn't list; and it is
 * loaded only when a Safe is involved.
 */
export async function hashWithProtocolKit(
  { safe, version, chainId }: SafeDomain,
  transaction: SafeTransaction,
): Promise<Hex> {
  const [{ calculateSafeTransactionHash, EthSafeTransaction }, types] =
    await Promise.all([
      import("@safe-global/protocol-kit"),
      import("@safe-global/types-kit"),
    ]);
  const { Call, DelegateCall } = types.OperationType;
  const { to, data, gasToken, refundReceiver } = transaction;
  const theirs = new EthSafeTransaction({
    to,
    data,
    gasToken,
    refundReceiver,
    value: transaction.value.toString(),
    operation: transaction.operation === 0 ? Call : DelegateCall,
    safeTxGas: transaction.safeTxGas.toString(),
    baseGas: transaction.baseGas.toString(),
    gasPrice: transaction.gasPrice.toString(),
    nonce: Number(transaction.nonce),
  });
  return calculateSafeTransactionHash(
    safe,
    theirs.data,
    version,
    chainId,
  ) as Hex;
}
