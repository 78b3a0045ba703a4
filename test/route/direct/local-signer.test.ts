import { expect } from "chai";
import { Transaction, Wallet } from "ethers";
import fc from "fast-check";

import type { Address, Hex } from "../../../src/core/hex.js";
import { createLocalSigner } from "../../../src/route/direct/local-signer.js";
import type {
  Fees,
  TransactionRequest,
} from "../../../src/route/direct/signer.js";

/** From 1 to the curve's order, which begins with so many ones that none above it is found. */
const privateKey = hexOf(32).filter((key) => !/^0x(0+$|f{31})/.test(key));
const amount = fc.bigInt({ min: 0n, max: 2n ** 128n });

const fees: fc.Arbitrary<Fees> = fc.oneof(
  fc.record({ type: fc.constant("legacy" as const), gasPrice: amount }),
  fc.tuple(amount, amount).map(([a, b]) => ({
    type: "eip1559" as const,
    maxFeePerGas: a > b ? a : b,
    maxPriorityFeePerGas: a > b ? b : a,
  })),
);

const request = fc.record(
  {
    from: hexOf(20),
    to: hexOf(20),
    value: amount,
    data: fc.uint8Array({ maxLength: 100 }).map(toHex),
    nonce: fc.nat(),
    gas: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    chainId: fc.integer({ min: 1 }),
    fees,
  },
  {
    requiredKeys: ["from", "value", "data", "nonce", "gas", "chainId", "fees"],
  },
);

describe("createLocalSigner", () => {
  it("has the address that ethers has", () => {
    fc.assert(
      fc.property(privateKey, (key) => {
        expect(createLocalSigner(key).address).to.equal(
          new Wallet(key).address,
        );
      }),
      { numRuns: 20 },
    );
  });

  it("signs the bytes that ethers signs, every time", async () => {
    await fc.assert(
      fc.asyncProperty(privateKey, request, async (key, transaction) => {
        const { sign } = createLocalSigner(key);
        const signed = sign?.(transaction);
        const expected = await new Wallet(key).signTransaction(
          forEthers(transaction),
        );
        expect(signed?.raw).to.equal(expected);
        expect(signed?.hash).to.equal(Transaction.from(expected).hash);
        expect(sign?.(transaction)).to.deep.equal(signed);
      }),
      { numRuns: 100 },
    );
  });

  it("signs a deployment and a call without anything", async () => {
    const key: Hex = `0x${"01".repeat(32)}`;
    const common = {
      from: new Wallet(key).address as Address,
      value: 0n,
      data: "0x" as Hex,
      nonce: 0,
      gas: 21_000n,
      chainId: 1,
    };
    for (const fees of [
      { type: "legacy", gasPrice: 0n },
      { type: "eip1559", maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
    ] as const) {
      for (const target of [{}, { to: common.from }]) {
        const transaction = { ...common, ...target, fees };
        expect(createLocalSigner(key).sign?.(transaction).raw).to.equal(
          await new Wallet(key).signTransaction(forEthers(transaction)),
        );
      }
    }
  });
});

function forEthers(transaction: TransactionRequest): object {
  const { to, value, data, nonce, gas, chainId, fees } = transaction;
  return {
    ...{ value, data, nonce, chainId },
    ...(to === undefined ? {} : { to }),
    gasLimit: gas,
    ...fees,
    type: fees.type === "legacy" ? 0 : 2,
  };
}

function hexOf(bytes: number): fc.Arbitrary<Hex> {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(toHex);
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
