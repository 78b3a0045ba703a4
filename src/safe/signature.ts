import { encodeCall } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import { explainRevert } from "../chain/revert-reason.js";
import { DrError } from "../core/errors.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import {
  approvalVoucher,
  chooseVouchers,
  examineSignatures,
  type SignatureCheck,
} from "./examine-signatures.js";
import {
  explainForeignSignature,
  type KnownSafes,
} from "./foreign-signature.js";
import { explainSafeRevert } from "./gs-codes.js";
import type { Signable } from "./owner-message.js";
import { encodeSignatures, type SafeSignature } from "./owner-signature.js";
import type { SafeState } from "./safe-state.js";
import {
  encodeSafeTransaction,
  hashSafeTransaction,
  typedDataOf,
  type SafeDomain,
  type SafeTransaction,
} from "./transaction.js";
import { asksOwnersForHash } from "./version.js";

export { recoverSigner, type SafeSignature } from "./owner-signature.js";
export { countApprovals, type SignatureCheck } from "./examine-signatures.js";

/** Up to 1.4.1 whoever calls counts as having approved; 1.5.0 is told who executes. */
const CHECK_SIGNATURES =
  "function checkSignatures(bytes32 dataHash, bytes data, bytes signatures) view";
const CHECK_SIGNATURES_OF_EXECUTOR =
  "function checkSignatures(address executor, bytes32 dataHash, bytes signatures) view";

/** What a Safe's owners sign for a transaction. */
export function signableOf(
  domain: SafeDomain,
  transaction: SafeTransaction,
): Signable {
  return {
    hash: hashSafeTransaction(domain, transaction).safeTxHash,
    preimage: encodeSafeTransaction(domain, transaction),
    typedData: typedDataOf(domain, transaction),
  };
}

/**
 * Holds signatures, and what was approved on the chain, against the Safe's
 * owners at the reader's block. Nothing that a file says of a signature is
 * believed.
 *
 * @param known - Where a signature that fits nowhere here may belong.
 */
export async function checkSignatures(
  reader: BlockReader,
  state: SafeState,
  domain: SafeDomain,
  transaction: SafeTransaction,
  signatures: readonly SafeSignature[],
  known: KnownSafes = {},
): Promise<SignatureCheck> {
  const { check } = await examineSignatures(
    reader,
    state,
    signableOf(domain, transaction),
    signatures,
    domain.chainId,
    (signature) =>
      explainForeignSignature(signature, state, domain, transaction, known),
  );
  return check;
}

/**
 * The `signatures` argument of `execTransaction`, tried on the Safe itself.
 *
 * @param sender - Who will send it: an owner who sends needn't sign.
 * @throws {DrError} SIGNATURES_MISSING, SIGNATURES_REFUSED.
 */
export async function assembleSignatures(
  reader: BlockReader,
  state: SafeState,
  domain: SafeDomain,
  transaction: SafeTransaction,
  signatures: readonly SafeSignature[],
  sender?: Address,
): Promise<Hex> {
  const { address, owners, threshold } = state;
  const signable = signableOf(domain, transaction);
  const { check, vouchers } = await examineSignatures(
    reader,
    state,
    signable,
    signatures,
    domain.chainId,
    (signature) =>
      explainForeignSignature(signature, state, domain, transaction, {}),
  );
  const sends =
    sender !== undefined &&
    owners.includes(sender) &&
    check.missing.includes(sender);
  const all = sends ? [...vouchers, approvalVoucher(sender)] : vouchers;
  if (all.length < threshold) {
    throw missingError(address, check, all.length);
  }
  const encoded = encodeSignatures(chooseVouchers(all, threshold));
  await tryOnSafe(reader, state, signable, encoded, sender);
  return encoded;
}

function missingError(
  safe: Address,
  { invalid, missing, threshold }: SignatureCheck,
  have: number,
): DrError {
  const worthless = invalid.map(({ reason }) => ` ${reason}`).join("");
  return new DrError("SIGNATURES_MISSING", {
    safe,
    have,
    threshold,
    missing: missing.join(", "),
    worthless,
  });
}

async function tryOnSafe(
  reader: BlockReader,
  { address, version }: SafeState,
  { hash, preimage }: Signable,
  signatures: Hex,
  sender: Address = ZERO_ADDRESS,
): Promise<void> {
  const data = asksOwnersForHash(version)
    ? encodeCall(CHECK_SIGNATURES_OF_EXECUTOR, [sender, hash, signatures])
    : encodeCall(CHECK_SIGNATURES, [hash, preimage, signatures]);
  const outcome = await reader.callRaw({ from: sender, to: address, data });
  if (!outcome.ok) {
    throw new DrError("SIGNATURES_REFUSED", {
      safe: address,
      reason: explainSafeRevert(explainRevert(outcome.error)),
    });
  }
}

/**
 * The signature that an owner has just given, if it is worth anything.
 *
 * @throws {DrError} the error of the check.
 */
export function requireValid(check: SignatureCheck, signer: Address): void {
  const bad = check.invalid.find((one) => one.signer === signer);
  if (bad !== undefined) {
    throw bad.error;
  }
}
