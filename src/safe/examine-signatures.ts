import { encodeCall, decodeResult } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import { explainRevert } from "../chain/revert-reason.js";
import { DrError, isDrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { explainSafeRevert } from "./gs-codes.js";
import {
  innerSignable,
  messageToOwner,
  type Signable,
} from "./owner-message.js";
import {
  encodeApproval,
  encodeSignatures,
  recoverSigner,
  type SafeSignature,
  type Voucher,
} from "./owner-signature.js";
import { readSafeState, type SafeState } from "./safe-state.js";
import { asksOwnersForHash } from "./version.js";

/** What signatures are worth at one block. */
export interface SignatureCheck {
  readonly valid: readonly SafeSignature[];
  readonly invalid: readonly {
    readonly signer: Address;
    readonly reason: string;
    readonly error: DrError;
  }[];
  /** Owners who approved on the chain and aren't among `valid`. */
  readonly approved: readonly Address[];
  /** Owners that are Safes whose own owners haven't all signed yet. */
  readonly partial: readonly PartialOwner[];
  /** Owners of whom nothing valid is there. */
  readonly missing: readonly Address[];
  readonly threshold: number;
}

/** How far the owners of an owner are. */
export interface PartialOwner {
  readonly signer: Address;
  readonly check: SignatureCheck;
}

/** How many owners said yes. */
export function countApprovals({
  valid,
  approved,
}: Pick<SignatureCheck, "valid" | "approved">): number {
  return valid.length + approved.length;
}

const APPROVED_HASHES =
  "function approvedHashes(address owner, bytes32 hash) view returns (uint256)";
/** Of two generations of EIP-1271. */
const IS_VALID_HASH =
  "function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)";
const IS_VALID_MESSAGE =
  "function isValidSignature(bytes data, bytes signature) view returns (bytes4)";
const HASH_MAGIC = "0x1626ba7e";
const MESSAGE_MAGIC = "0x20c13b0b";
/** A check, and what of it the Safe can be given. */
export interface Examination {
  readonly check: SignatureCheck;
  readonly vouchers: readonly Voucher[];
}

type Verdict =
  | { readonly status: "valid"; readonly voucher: Voucher }
  | { readonly status: "invalid"; readonly error: DrError }
  | { readonly status: "partial"; readonly check: SignatureCheck };

/**
 * Holds signatures against the owners of one Safe; of owners that are Safes in
 * turn, their owners' too.
 *
 * @param explain - Why a key's signature isn't of this.
 */
export async function examineSignatures(
  reader: BlockReader,
  state: SafeState,
  signable: Signable,
  signatures: readonly SafeSignature[],
  chainId: bigint,
  explain: (signature: SafeSignature) => DrError,
): Promise<Examination> {
  const { address, owners, threshold } = state;
  const approvals = await readApprovals(reader, state, signable.hash);
  const judged = await Promise.all(
    signatures.map(async (signature, index) => ({
      signature,
      verdict: isRepeated(signatures, index)
        ? rejected(
            new DrError("SIGNATURE_DUPLICATE", {
              signer: signature.signer,
              safe: address,
            }),
          )
        : !owners.includes(signature.signer)
          ? rejected(explain(signature))
          : await judge(reader, state, signable, signature, {
              approvals,
              chainId,
              explain,
            }),
    })),
  );
  const valid = judged.flatMap(({ signature, verdict }) =>
    verdict.status === "valid" ? [{ signature, ...verdict }] : [],
  );
  const signed = valid.map(({ signature }) => signature.signer);
  const approved = approvals.filter((owner) => !signed.includes(owner));
  return {
    check: {
      valid: valid.map(({ signature }) => signature),
      invalid: judged.flatMap(({ signature: { signer }, verdict }) =>
        verdict.status === "invalid"
          ? [{ signer, reason: verdict.error.message, error: verdict.error }]
          : [],
      ),
      approved,
      partial: judged.flatMap(({ signature: { signer }, verdict }) =>
        verdict.status === "partial" ? [{ signer, check: verdict.check }] : [],
      ),
      missing: owners.filter(
        (owner) => !signed.includes(owner) && !approved.includes(owner),
      ),
      threshold,
    },
    vouchers: [
      ...valid.map(({ voucher }) => voucher),
      ...approved.map(approvalVoucher),
    ],
  };
}

/** A second one of the same owner: one owner, one vote. */
function isRepeated(
  signatures: readonly SafeSignature[],
  index: number,
): boolean {
  const signer = signatures[index]?.signer;
  return signatures
    .slice(0, index)
    .some((earlier) => earlier.signer === signer);
}

function rejected(error: DrError): Verdict {
  return { status: "invalid", error };
}

async function judge(
  reader: BlockReader,
  state: SafeState,
  signable: Signable,
  signature: SafeSignature,
  {
    approvals,
    chainId,
    explain,
  }: {
    readonly approvals: readonly Address[];
    readonly chainId: bigint;
    readonly explain: (signature: SafeSignature) => DrError;
  },
): Promise<Verdict> {
  const { signer, kind } = signature;
  const voucher = { owner: signer, kind, signature: signature.signature };
  switch (kind) {
    case "eip712":
    case "eth-sign":
      return recoverSigner(signable.hash, signature.signature) === signer
        ? { status: "valid", voucher }
        : rejected(explain(signature));
    case "approved":
      return approvals.includes(signer)
        ? { status: "valid", voucher: approvalVoucher(signer) }
        : rejected(
            new DrError("SIGNATURE_NOT_APPROVED", {
              signer,
              safe: state.address,
              hash: signable.hash,
            }),
          );
    case "contract":
      return await judgeContract(reader, state, signable, signature, chainId);
  }
}

async function judgeContract(
  reader: BlockReader,
  state: SafeState,
  signable: Signable,
  { signer, signature, nested }: SafeSignature,
  chainId: bigint,
): Promise<Verdict> {
  if (nested === undefined) {
    return await askContract(reader, state, signable, signer, signature);
  }
  try {
    const { check, vouchers } = await examineNested(
      reader,
      state,
      signable,
      signer,
      nested,
      chainId,
    );
    if (countApprovals(check) < check.threshold) {
      return { status: "partial", check };
    }
    const chosen = encodeSignatures(chooseVouchers(vouchers, check.threshold));
    return await askContract(reader, state, signable, signer, chosen);
  } catch (error) {
    if (isDrError(error, "NOT_A_SAFE", "SAFE_VERSION_UNSUPPORTED")) {
      return rejected(error);
    }
    throw error;
  }
}

async function examineNested(
  reader: BlockReader,
  outer: SafeState,
  signable: Signable,
  owner: Address,
  nested: readonly SafeSignature[],
  chainId: bigint,
): Promise<Examination> {
  const inner = await readSafeState(reader, owner);
  const domain = { chainId, safe: owner, version: inner.version };
  return await examineSignatures(
    reader,
    inner,
    innerSignable(outer, signable, domain),
    nested,
    chainId,
    ({ signer }) =>
      new DrError("SIGNATURE_NOT_OF_OWNER", { signer, safe: owner }),
  );
}

/** Asks as the Safe will ask. */
async function askContract(
  reader: BlockReader,
  { address, version }: SafeState,
  signable: Signable,
  signer: Address,
  signature: Hex,
): Promise<Verdict> {
  const [method, magic] = asksOwnersForHash(version)
    ? [IS_VALID_HASH, HASH_MAGIC]
    : [IS_VALID_MESSAGE, MESSAGE_MAGIC];
  const message = messageToOwner({ version }, signable);
  const outcome = await reader.callRaw({
    from: address,
    to: signer,
    data: encodeCall(method, [message, signature]),
  });
  if (outcome.ok && decodeResult(method, outcome.result as Hex) === magic) {
    const voucher = { owner: signer, kind: "contract" as const, signature };
    return { status: "valid", voucher };
  }
  return rejected(
    new DrError("SIGNATURE_CONTRACT_REFUSES", {
      signer,
      reason: outcome.ok
        ? "it doesn't answer as EIP-1271 says"
        : explainSafeRevert(explainRevert(outcome.error)),
      hash: signable.hash,
      safe: address,
    }),
  );
}

/** Owners who have approved on the chain. */
async function readApprovals(
  reader: BlockReader,
  { address, owners }: SafeState,
  hash: Hex,
): Promise<readonly Address[]> {
  const answers = await Promise.all(
    owners.map(
      async (owner) =>
        await reader.call(address, APPROVED_HASHES, [owner, hash]),
    ),
  );
  return owners.filter((_, index) => {
    const answer = answers[index];
    return typeof answer === "bigint" && answer > 0n;
  });
}

export function approvalVoucher(owner: Address): Voucher {
  return { owner, kind: "approved", signature: encodeApproval(owner) };
}

/** As many as are needed, those that cost the least to check first. */
export function chooseVouchers(
  vouchers: readonly Voucher[],
  threshold: number,
): readonly Voucher[] {
  const cost = ({ kind }: Voucher) =>
    ["eip712", "eth-sign", "approved", "contract"].indexOf(kind);
  return [...vouchers].sort((a, b) => cost(a) - cost(b)).slice(0, threshold);
}
