import * as OxAddress from "ox/Address";
import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";
import * as Secp256k1 from "ox/Secp256k1";

import { DrError } from "../core/errors.js";
import { addressInWord, type Address, type Hex } from "../core/hex.js";

/**
 * How an owner says yes: `eip712` and `eth-sign` with a key, `approved` by a
 * transaction of its own, `contract` when the owner is one (EIP-1271).
 */
export type SignatureKind = "eip712" | "eth-sign" | "approved" | "contract";

/** One owner's yes. */
export interface SafeSignature {
  readonly signer: Address;
  readonly kind: SignatureKind;
  /**
   * r, s and v as the Safe wants them. Of a contract: what its
   * `isValidSignature` is given, `0x` while `nested` is what counts.
   */
  readonly signature: Hex;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Of an owner that is a Safe: what its own owners signed. */
  readonly nested?: readonly SafeSignature[];
}

type BareSignature = Pick<SafeSignature, "signer" | "kind" | "signature">;

const STATIC_BYTES = 65;
const ETH_SIGN_OFFSET = 4;
const ETH_SIGN_PREFIX = OxHex.fromString("\x19Ethereum Signed Message:\n32");

const CURVE_ORDER =
  0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * Reads a signature made elsewhere: by a wallet, or as a Safe takes it. Wallets
 * differ in v, and in whether they sign the hash itself or with Ethereum's
 * prefix: what recovers to an owner is right.
 *
 * @param hash - What was to be signed.
 * @throws {DrError} SIGNATURE_MALFORMED.
 */
export function parseSignature(
  signature: Hex,
  hash: Hex,
  owners: readonly Address[],
): BareSignature {
  if (!/^0x([0-9a-f]{2})+$/i.test(signature)) {
    throw malformed("it isn't hexadecimal");
  }
  const bytes = signature.toLowerCase() as Hex;
  const size = OxHex.size(bytes);
  if (size < STATIC_BYTES) {
    throw malformed(`it has ${String(size)} bytes instead of 65`);
  }
  const { r, s, v } = splitSignature(bytes);
  if (size > STATIC_BYTES) {
    return parseContractSignature(bytes, r, s, v);
  }
  const approver = addressInWord(r);
  const isApproval = v === 1 && BigInt(r) < 2n ** 160n && BigInt(s) === 0n;
  if (isApproval && approver !== undefined) {
    const signer = OxAddress.checksum(approver);
    return { signer, kind: "approved", signature: encodeApproval(signer) };
  }
  return parseKeySignature(r, s, v, hash, owners);
}

function parseKeySignature(
  r: Hex,
  s: Hex,
  v: number,
  hash: Hex,
  owners: readonly Address[],
): BareSignature {
  const parity = [
    [0, 27, 31],
    [1, 28, 32],
  ].findIndex((all) => all.includes(v));
  if (parity === -1) {
    throw malformed(`its v is ${String(v)} instead of 27, 28, 31 or 32`);
  }
  const kinds: readonly SignatureKind[] =
    v > 30 ? ["eth-sign"] : ["eip712", "eth-sign"];
  const readings = kinds.flatMap((kind) => {
    const encoded = encodeKeySignature(kind, r, s, parity);
    const signer = recoverSigner(hash, encoded);
    return signer === undefined ? [] : [{ signer, kind, signature: encoded }];
  });
  const found =
    readings.find(({ signer }) => owners.includes(signer)) ?? readings[0];
  if (found === undefined) {
    throw malformed("no key can have made it");
  }
  return found;
}

/** One form of what has two: the lower s, as every wallet gives it. */
function encodeKeySignature(
  kind: SignatureKind,
  r: Hex,
  s: Hex,
  parity: number,
): Hex {
  const isHigh = BigInt(s) > CURVE_ORDER / 2n && BigInt(s) < CURVE_ORDER;
  const low = isHigh
    ? OxHex.fromNumber(CURVE_ORDER - BigInt(s), { size: 32 })
    : s;
  const yParity = isHigh ? 1 - parity : parity;
  const v = 27 + yParity + (kind === "eth-sign" ? ETH_SIGN_OFFSET : 0);
  return OxHex.concat(r, low, OxHex.fromNumber(v, { size: 1 }));
}

function parseContractSignature(
  bytes: Hex,
  r: Hex,
  s: Hex,
  v: number,
): BareSignature {
  const dynamic = OxHex.slice(bytes, STATIC_BYTES);
  const size = OxHex.size(dynamic) - 32;
  const owner = addressInWord(r);
  const isWhole =
    v === 0 &&
    size > 0 &&
    BigInt(s) === BigInt(STATIC_BYTES) &&
    BigInt(OxHex.slice(dynamic, 0, 32)) === BigInt(size);
  if (!isWhole || owner === undefined) {
    throw malformed(
      "it is longer than 65 bytes, but not the signature of a contract",
    );
  }
  return {
    signer: OxAddress.checksum(owner),
    kind: "contract",
    signature: OxHex.slice(dynamic, 32),
  };
}

/**
 * Whose key made a signature.
 *
 * @param hash - What was signed, without Ethereum's prefix.
 * @returns undefined when no key can have made it, or it isn't a key's at all.
 */
export function recoverSigner(hash: Hex, signature: Hex): Address | undefined {
  const { r, s, v } = splitSignature(signature);
  const isPrefixed = v > 30;
  const yParity = (isPrefixed ? v - ETH_SIGN_OFFSET : v) - 27;
  if (yParity !== 0 && yParity !== 1) {
    return undefined;
  }
  try {
    return OxAddress.checksum(
      Secp256k1.recoverAddress({
        payload: isPrefixed
          ? Hash.keccak256(OxHex.concat(ETH_SIGN_PREFIX, hash))
          : hash,
        signature: { r, s, yParity },
      }),
    );
  } catch {
    return undefined;
  }
}

/** Safe's signature of an owner who approved on chain, or who sends the transaction. */
export function encodeApproval(owner: Address): Hex {
  return OxHex.concat(
    OxHex.padLeft(lower(owner), 32),
    OxHex.padLeft("0x", 32),
    "0x01",
  );
}

/** An owner's yes, ready for the Safe. */
export interface Voucher {
  readonly owner: Address;
  readonly kind: SignatureKind;
  /** As in {@link SafeSignature}. */
  readonly signature: Hex;
}

/** The `signatures` argument of `execTransaction`: sorted by owner, contracts' own behind the others. */
export function encodeSignatures(vouchers: readonly Voucher[]): Hex {
  const sorted = [...vouchers].sort((a, b) =>
    BigInt(a.owner) < BigInt(b.owner) ? -1 : 1,
  );
  let offset = sorted.length * STATIC_BYTES;
  const heads: Hex[] = [];
  const tails: Hex[] = [];
  for (const { owner, kind, signature } of sorted) {
    if (kind === "contract") {
      const size = OxHex.size(signature);
      heads.push(
        OxHex.padLeft(lower(owner), 32),
        OxHex.fromNumber(offset, { size: 32 }),
        "0x00",
      );
      tails.push(OxHex.fromNumber(size, { size: 32 }), signature);
      offset += 32 + size;
    } else {
      heads.push(signature);
    }
  }
  return OxHex.concat(...heads, ...tails);
}

function splitSignature(signature: Hex): {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: number;
} {
  return {
    r: OxHex.slice(signature, 0, 32),
    s: OxHex.slice(signature, 32, 64),
    v: Number(OxHex.slice(signature, 64, STATIC_BYTES)),
  };
}

function lower(address: Address): Hex {
  return address.toLowerCase() as Hex;
}

function malformed(reason: string): DrError {
  return new DrError("SIGNATURE_MALFORMED", { reason });
}
