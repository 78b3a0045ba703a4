import * as fc from "fast-check";
import { getAddress } from "ethers";

import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import type { InnerCall } from "../../src/safe/multi-send.js";
import type { SafeTransaction } from "../../src/safe/transaction.js";

/** A transaction of a Safe with nothing special in it. */
export function sampleTransaction(
  changes: Partial<SafeTransaction> = {},
): SafeTransaction {
  return {
    to: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    value: 0n,
    data: "0x8456cb59",
    operation: 0,
    safeTxGas: 0n,
    baseGas: 0n,
    gasPrice: 0n,
    gasToken: ZERO_ADDRESS,
    refundReceiver: ZERO_ADDRESS,
    nonce: 0n,
    ...changes,
  };
}

export const anyAddress: fc.Arbitrary<Address> = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => getAddress(hexOf(bytes)) as Address);

export const anyNumber: fc.Arbitrary<bigint> = fc.bigInt({
  min: 0n,
  max: 2n ** 256n - 1n,
});

export const anyData: fc.Arbitrary<Hex> = fc
  .uint8Array({ maxLength: 100 })
  .map(hexOf);

export const anyCall: fc.Arbitrary<InnerCall> = fc.record({
  operation: fc.constant(0 as const),
  to: anyAddress,
  value: anyNumber,
  data: anyData,
});

export const anyTransaction: fc.Arbitrary<SafeTransaction> = fc.record({
  to: anyAddress,
  value: anyNumber,
  data: anyData,
  operation: fc.constantFrom(0, 1),
  safeTxGas: anyNumber,
  baseGas: anyNumber,
  gasPrice: anyNumber,
  gasToken: anyAddress,
  refundReceiver: anyAddress,
  nonce: anyNumber,
});

function hexOf(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
