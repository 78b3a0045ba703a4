import * as AbiParameters from "ox/AbiParameters";
import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";

import type { Address, Hex } from "../core/hex.js";

/** A Safe's transaction, all that its owners sign. */
export interface SafeTransaction {
  readonly to: Address;
  /** Wei. */
  readonly value: bigint;
  readonly data: Hex;
  /** 0: call. 1: delegatecall, with all of the Safe's powers. */
  readonly operation: 0 | 1;
  readonly safeTxGas: bigint;
  readonly baseGas: bigint;
  readonly gasPrice: bigint;
  readonly gasToken: Address;
  readonly refundReceiver: Address;
  readonly nonce: bigint;
}

/** As `execTransaction` and `getTransactionHash` take it; what follows differs. */
export function argumentsOf(transaction: SafeTransaction): readonly unknown[] {
  return [
    transaction.to,
    transaction.value,
    transaction.data,
    transaction.operation,
    transaction.safeTxGas,
    transaction.baseGas,
    transaction.gasPrice,
    transaction.gasToken,
    transaction.refundReceiver,
  ];
}

/** Where a Safe's signatures are valid, and nowhere else. */
export interface SafeDomain {
  readonly chainId: bigint;
  readonly safe: Address;
  /** The Safe's `VERSION()`; from 1.3.0 on the chain is part of the domain. */
  readonly version: string;
}

/** The three hashes a hardware wallet may show. */
export interface SafeHashes {
  readonly domainHash: Hex;
  readonly messageHash: Hex;
  readonly safeTxHash: Hex;
}

type Field = readonly [type: string, name: keyof SafeTransaction];

const FIELDS: readonly Field[] = [
  ["address", "to"],
  ["uint256", "value"],
  ["bytes", "data"],
  ["uint8", "operation"],
  ["uint256", "safeTxGas"],
  ["uint256", "baseGas"],
  ["uint256", "gasPrice"],
  ["address", "gasToken"],
  ["address", "refundReceiver"],
  ["uint256", "nonce"],
];

const DOMAIN_TYPE = "EIP712Domain(uint256 chainId,address verifyingContract)";
const TRANSACTION_TYPE = `SafeTx(${FIELDS.map(([type, name]) => `${type} ${name}`).join(",")})`;

/**
 * What the owners of a Safe sign, computed here and by nobody's library, so
 * that two independent computations can be compared.
 *
 * @see safe-smart-account, Safe.sol, `encodeTransactionData`
 */
export function hashSafeTransaction(
  domain: SafeDomain,
  transaction: SafeTransaction,
): SafeHashes {
  const domainHash = hashDomain(domain);
  const messageHash = hashStruct(
    TRANSACTION_TYPE,
    FIELDS.map(([type]) => (type === "bytes" ? "bytes32" : type)),
    FIELDS.map(([type, name]) =>
      type === "bytes"
        ? Hash.keccak256(transaction[name] as Hex)
        : transaction[name],
    ),
  );
  const safeTxHash = Hash.keccak256(typedPreimage(domainHash, messageHash));
  return { domainHash, messageHash, safeTxHash };
}

/** What `safeTxHash` is the hash of; older Safes hand it to owners that are contracts. */
export function encodeSafeTransaction(
  domain: SafeDomain,
  transaction: SafeTransaction,
): Hex {
  const { domainHash, messageHash } = hashSafeTransaction(domain, transaction);
  return typedPreimage(domainHash, messageHash);
}

export function hashDomain({ chainId, safe }: SafeDomain): Hex {
  return hashStruct(DOMAIN_TYPE, ["uint256", "address"], [chainId, safe]);
}

/** EIP-712's `hashStruct`; dynamic members come as their hashes. */
export function hashStruct(
  type: string,
  types: readonly string[],
  values: readonly unknown[],
): Hex {
  const parameters = ["bytes32", ...types].map((one) => ({ type: one }));
  const typeHash = Hash.keccak256(OxHex.fromString(type));
  return Hash.keccak256(
    AbiParameters.encode(parameters, [typeHash, ...values]),
  );
}

/** EIP-712's `0x1901 ‖ domain ‖ struct`. */
export function typedPreimage(domainHash: Hex, structHash: Hex): Hex {
  return OxHex.concat("0x1901", domainHash, structHash);
}

/** For `eth_signTypedData_v4`. */
export interface TypedData {
  readonly types: Readonly<
    Record<string, readonly { readonly name: string; readonly type: string }[]>
  >;
  readonly primaryType: string;
  readonly domain: {
    readonly chainId: number;
    readonly verifyingContract: Hex;
  };
  /** Numbers as decimal text: they may be larger than JSON's. */
  readonly message: Readonly<Record<string, string | number>>;
}

const DOMAIN_FIELDS = [
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
] as const;

/** The transaction as wallets are asked to sign it. */
export function typedDataOf(
  domain: SafeDomain,
  transaction: SafeTransaction,
): TypedData {
  return safeTypedData(
    domain,
    "SafeTx",
    FIELDS.map(([type, name]) => ({ name, type })),
    Object.fromEntries(
      FIELDS.map(([, name]) => [name, jsonNumber(transaction[name])]),
    ),
  );
}

/** Typed data in a Safe's domain. */
export function safeTypedData(
  { chainId, safe }: SafeDomain,
  primaryType: string,
  fields: readonly { readonly name: string; readonly type: string }[],
  message: TypedData["message"],
): TypedData {
  return {
    types: { EIP712Domain: DOMAIN_FIELDS, [primaryType]: fields },
    primaryType,
    domain: { chainId: Number(chainId), verifyingContract: safe },
    message,
  };
}

function jsonNumber(value: string | number | bigint): string | number {
  return typeof value === "bigint" ? value.toString() : value;
}
