import * as OxAddress from "ox/Address";
import * as Hash from "ox/Hash";
import * as Secp256k1 from "ox/Secp256k1";
import * as Eip1559 from "ox/TxEnvelopeEip1559";
import * as Legacy from "ox/TxEnvelopeLegacy";

import type { Hex } from "../../core/hex.js";
import type {
  SignedTransaction,
  Signer,
  TransactionRequest,
} from "./signer.js";

/** A signer whose private key is in this process. */
export function createLocalSigner(privateKey: Hex): Signer {
  const publicKey = Secp256k1.getPublicKey({ privateKey });
  return {
    address: OxAddress.checksum(OxAddress.fromPublicKey(publicKey)),
    sign: (transaction) => signTransaction(transaction, privateKey),
  };
}

function signTransaction(
  transaction: TransactionRequest,
  privateKey: Hex,
): SignedTransaction {
  const serialized = serializeSigned(transaction, privateKey);
  // A checksummed address keeps its capitals in there.
  const raw = serialized.toLowerCase() as Hex;
  return { raw, hash: Hash.keccak256(raw) };
}

function serializeSigned(
  { to, value, data, nonce, gas, chainId, fees }: TransactionRequest,
  privateKey: Hex,
): Hex {
  const common = {
    chainId,
    nonce: BigInt(nonce),
    gas,
    value,
    data,
    ...(to === undefined ? {} : { to }),
  };
  if (fees.type === "legacy") {
    const envelope = Legacy.from({ ...common, gasPrice: fees.gasPrice });
    const payload = Legacy.getSignPayload(envelope);
    const signature = Secp256k1.sign({ payload, privateKey });
    return Legacy.serialize(envelope, { signature });
  }
  const { maxFeePerGas, maxPriorityFeePerGas } = fees;
  const envelope = Eip1559.from({
    ...common,
    maxFeePerGas,
    maxPriorityFeePerGas,
  });
  const payload = Eip1559.getSignPayload(envelope);
  const signature = Secp256k1.sign({ payload, privateKey });
  return Eip1559.serialize(envelope, { signature });
}
