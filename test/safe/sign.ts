import type { Address, Hex } from "../../src/core/hex.js";
import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import type { Signable } from "../../src/safe/owner-message.js";
import {
  parseSignature,
  type SafeSignature,
} from "../../src/safe/owner-signature.js";
import type { SafeTransaction } from "../../src/safe/transaction.js";
import { signer, type Connection } from "../helpers/contracts.js";

export const AT = "2026-11-20T10:00:00.000Z";

/** The addresses of the connection's accounts of these numbers. */
export async function addresses(
  connection: Connection,
  ...indexes: readonly number[]
): Promise<Address[]> {
  return await Promise.all(
    indexes.map(
      async (index) => (await signer(connection, index)).address as Address,
    ),
  );
}

/** What a wallet answers when it is asked to sign typed data. */
export async function signTyped(
  { provider }: Connection,
  account: Address,
  { typedData }: Pick<Signable, "typedData">,
): Promise<Hex> {
  return (await provider.request({
    method: "eth_signTypedData_v4",
    params: [account, JSON.stringify(typedData)],
  })) as Hex;
}

/** A wallet's signature as an owner's. */
export async function signAs(
  connection: Connection,
  account: Address,
  signable: Signable,
): Promise<SafeSignature> {
  const bytes = await signTyped(connection, account, signable);
  return { ...parseSignature(bytes, signable.hash, [account]), at: AT };
}

/** The arguments of `getTransactionHash`, and of `execTransaction` but the last. */
export function argumentsOf({
  to,
  value,
  data,
  operation,
  safeTxGas,
  baseGas,
  gasPrice,
  gasToken,
  refundReceiver,
}: SafeTransaction): readonly unknown[] {
  return [
    to,
    value,
    data,
    operation,
    safeTxGas,
    baseGas,
    gasPrice,
    gasToken,
    refundReceiver,
  ];
}

export async function readerOf({ provider }: Connection): Promise<BlockReader> {
  return await BlockReader.at(new ProviderRpc("test", provider));
}
