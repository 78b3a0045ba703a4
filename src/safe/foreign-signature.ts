import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import { recoverSigner, type SafeSignature } from "./owner-signature.js";
import type { SafeState } from "./safe-state.js";
import {
  hashSafeTransaction,
  type SafeDomain,
  type SafeTransaction,
} from "./transaction.js";

/** Other Safes that somebody may have signed for by mistake. */
export interface KnownSafes {
  readonly safes?: readonly Address[];
}

/** Nonces before and after that a signature may have been made for. */
const NONCES_AROUND = 10n;

/** Where most Safes are; development chains too, for that is where one tries first. */
const CHAINS: readonly bigint[] = [
  1n,
  10n,
  56n,
  100n,
  137n,
  324n,
  1101n,
  1337n,
  5000n,
  8453n,
  31337n,
  42161n,
  43114n,
  59144n,
  84532n,
  534352n,
  11155111n,
  11155420n,
];

/**
 * Why a signature isn't one of this transaction: an owner made it for another
 * nonce, chain or Safe; or it is nobody's here.
 */
export function explainForeignSignature(
  { signer, signature, kind }: SafeSignature,
  { owners }: SafeState,
  domain: SafeDomain,
  transaction: SafeTransaction,
  { safes = [] }: KnownSafes,
): DrError {
  const safe = domain.safe;
  const isKey = kind === "eip712" || kind === "eth-sign";
  const signedBy = (
    changedDomain: Partial<SafeDomain>,
    changed: Partial<SafeTransaction>,
  ): Address | undefined => {
    const { safeTxHash } = hashSafeTransaction(
      { ...domain, ...changedDomain },
      { ...transaction, ...changed },
    );
    const found = isKey ? recoverSigner(safeTxHash, signature) : undefined;
    return owners.find((owner) => owner === found);
  };

  const { nonce } = transaction;
  for (const other of noncesAround(nonce)) {
    const owner = signedBy({}, { nonce: other });
    if (owner !== undefined) {
      return new DrError("SIGNATURE_OTHER_NONCE", {
        signer: owner,
        signed: other,
        nonce,
      });
    }
  }
  for (const chainId of CHAINS) {
    const owner = signedBy({ chainId }, {});
    if (owner !== undefined && chainId !== domain.chainId) {
      return new DrError("SIGNATURE_OTHER_CHAIN", {
        signer: owner,
        signed: chainId,
        chainId: domain.chainId,
      });
    }
  }
  for (const other of [...safes, ...owners]) {
    const owner = signedBy({ safe: other }, {});
    if (owner !== undefined && other !== safe) {
      return new DrError("SIGNATURE_OTHER_SAFE", {
        signer: owner,
        signed: other,
        safe,
      });
    }
  }
  return new DrError("SIGNATURE_NOT_OF_OWNER", { signer, safe });
}

function noncesAround(nonce: bigint): readonly bigint[] {
  return Array.from({ length: Number(NONCES_AROUND) }, (_, index) => [
    nonce - BigInt(index) - 1n,
    nonce + BigInt(index) + 1n,
  ])
    .flat()
    .filter((other) => other >= 0n);
}
