import * as OxAddress from "ox/Address";
import * as OxHex from "ox/Hex";

import { decodeArguments, encodeCall, selectorOf } from "../chain/abi.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import type { SafeTransaction } from "./transaction.js";

/** One call inside a MultiSend; by delegatecall with operation 1. */
export interface InnerCall {
  readonly operation: 0 | 1;
  readonly to: Address;
  /** Wei. */
  readonly value: bigint;
  readonly data: Hex;
}

const MULTI_SEND = "function multiSend(bytes transactions)";
const MULTI_SEND_SELECTOR: Hex = selectorOf(MULTI_SEND);

/** Bytes of operation, address, value and length before a call's data. */
const HEAD_BYTES = 1 + 20 + 32 + 32;

/** Calldata of `multiSend(bytes)` that makes these calls, in order, all or none. */
export function encodeMultiSend(
  calls: readonly Pick<InnerCall, "to" | "value" | "data">[],
): Hex {
  return encodeInnerCalls(calls.map((call) => ({ ...call, operation: 0 })));
}

function encodeInnerCalls(calls: readonly InnerCall[]): Hex {
  const data = encodeCall(MULTI_SEND, [OxHex.concat("0x", ...calls.map(pack))]);
  return data.toLowerCase() as Hex;
}

function pack({ operation, to, value, data }: InnerCall): Hex {
  return OxHex.concat(
    OxHex.fromNumber(operation, { size: 1 }),
    to,
    OxHex.fromNumber(value, { size: 32 }),
    OxHex.fromNumber(OxHex.size(data), { size: 32 }),
    data,
  );
}

/**
 * The calls inside calldata of `multiSend(bytes)`.
 *
 * @returns undefined for any other calldata, and for whatever isn't byte for
 * byte what encoding its calls gives: something cut off, something behind the
 * last call, padding that isn't zero. What can't be shown in full isn't shown.
 */
export function decodeMultiSend(data: Hex): readonly InnerCall[] | undefined {
  const calls = unpack(data);
  return calls !== undefined && encodeInnerCalls(calls) === data.toLowerCase()
    ? calls
    : undefined;
}

function unpack(data: Hex): readonly InnerCall[] | undefined {
  const packed = packedCalls(data);
  if (packed === undefined) {
    return undefined;
  }
  const size = OxHex.size(packed);
  const calls: InnerCall[] = [];
  let at = 0;
  while (at < size) {
    const call = unpackOne(packed, at, size);
    if (call === undefined) {
      return undefined;
    }
    calls.push(call);
    at += HEAD_BYTES + OxHex.size(call.data);
  }
  return calls;
}

function packedCalls(data: Hex): Hex | undefined {
  if (!data.toLowerCase().startsWith(MULTI_SEND_SELECTOR)) {
    return undefined;
  }
  try {
    return decodeArguments(MULTI_SEND, data)[0] as Hex;
  } catch {
    return undefined;
  }
}

function unpackOne(
  packed: Hex,
  at: number,
  size: number,
): InnerCall | undefined {
  if (at + HEAD_BYTES > size) {
    return undefined;
  }
  const slice = (from: number, to: number) =>
    `0x${packed.slice(2 + (at + from) * 2, 2 + (at + to) * 2)}` as const;
  const operation = Number(slice(0, 1));
  const length = BigInt(slice(53, HEAD_BYTES));
  const fits = BigInt(at + HEAD_BYTES) + length <= BigInt(size);
  if ((operation !== 0 && operation !== 1) || !fits) {
    return undefined;
  }
  return {
    operation,
    to: OxAddress.checksum(slice(1, 21)),
    value: BigInt(slice(21, 53)),
    data: slice(HEAD_BYTES, HEAD_BYTES + Number(length)),
  };
}

/** One call goes plainly; several through MultiSendCallOnly, which can't delegatecall in turn. */
export function bundle(
  calls: readonly Pick<InnerCall, "to" | "value" | "data">[],
  multiSendCallOnly: Address,
): Pick<SafeTransaction, "to" | "value" | "data" | "operation"> {
  const [only, ...others] = calls;
  if (only !== undefined && others.length === 0) {
    const { to, value, data } = only;
    return { to, value, data, operation: 0 };
  }
  return {
    to: multiSendCallOnly,
    value: 0n,
    data: encodeMultiSend(calls),
    operation: 1,
  };
}

/** These calls as one transaction that pays nobody back; only its nonce is open. */
export function plainTransaction(
  calls: readonly Pick<InnerCall, "to" | "value" | "data">[],
  multiSendCallOnly: Address,
): Omit<SafeTransaction, "nonce"> {
  return {
    ...bundle(calls, multiSendCallOnly),
    safeTxGas: 0n,
    baseGas: 0n,
    gasPrice: 0n,
    gasToken: ZERO_ADDRESS,
    refundReceiver: ZERO_ADDRESS,
  };
}
