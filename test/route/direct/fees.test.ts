import { expect } from "chai";
import fc from "fast-check";

import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
} from "../../../src/chain/rpc.js";
import { bumpFees, suggestFees } from "../../../src/route/direct/fees.js";
import type { Fees } from "../../../src/route/direct/signer.js";

const GWEI = 1_000_000_000n;
const amount = fc.bigInt({ min: 0n, max: 2n ** 96n });
const legacy: fc.Arbitrary<Fees> = amount.map((gasPrice) => ({
  type: "legacy",
  gasPrice,
}));
const eip1559: fc.Arbitrary<Fees> = fc
  .tuple(amount, amount)
  .map(([tip, base]) => ({
    type: "eip1559",
    maxPriorityFeePerGas: tip,
    maxFeePerGas: tip + base,
  }));

describe("bumpFees", () => {
  for (const [kind, fees] of [
    ["legacy", legacy],
    ["EIP-1559", eip1559],
  ] as const) {
    it(`is 12.5 % above the old and no less than the present: ${kind}`, () => {
      fc.assert(
        fc.property(fees, fees, (old, present) => {
          const bumped = bumpFees(old, present);
          expect(bumped.type).to.equal(old.type);
          const now = amountsOf(present);
          const before = amountsOf(old);
          amountsOf(bumped).forEach((amount, index) => {
            expect(amount * 1000n >= (before[index] ?? 0n) * 1125n).to.equal(
              true,
            );
            expect(amount > (before[index] ?? 0n)).to.equal(true);
            expect(amount >= (now[index] ?? 0n)).to.equal(true);
          });
        }),
      );
    });
  }

  it("is above even the smallest amounts", () => {
    for (const gasPrice of [0n, 1n, 3n]) {
      const old = { type: "legacy", gasPrice } as const;
      const [bumped = 0n] = amountsOf(bumpFees(old, old));
      expect(bumped > gasPrice).to.equal(true);
      expect(bumped * 1000n >= gasPrice * 1125n).to.equal(true);
    }
  });

  it("never tips more than it pays", () => {
    fc.assert(
      fc.property(eip1559, eip1559, (old, present) => {
        const [total = 0n, tip = 0n] = amountsOf(bumpFees(old, present));
        expect(tip <= total).to.equal(true);
      }),
    );
  });

  it("keeps the kind of transaction when the present is of the other", () => {
    fc.assert(
      fc.property(legacy, eip1559, (old, present) => {
        expect(bumpFees(old, present).type).to.equal("legacy");
        expect(bumpFees(present, old).type).to.equal("eip1559");
      }),
    );
  });
});

describe("suggestFees", () => {
  it("pays twice the base fee and the node's tip", async () => {
    expect(
      await suggestFees(answering({ baseFeePerGas: "0x10" }, "0x3", "0x999")),
    ).to.deep.equal({
      type: "eip1559",
      maxPriorityFeePerGas: 3n,
      maxFeePerGas: 35n,
    });
  });

  it("tips one gwei where the node names no tip", async () => {
    expect(
      await suggestFees(answering({ baseFeePerGas: "0x10" }, refused(), "0x1")),
    ).to.include({ maxPriorityFeePerGas: GWEI, maxFeePerGas: GWEI + 32n });
  });

  it("pays the node's gas price where blocks have no base fee", async () => {
    expect(await suggestFees(answering({}, refused(), "0x7"))).to.deep.equal({
      type: "legacy",
      gasPrice: 7n,
    });
    expect(
      await suggestFees(answering(null, refused(), refused())),
    ).to.deep.equal({ type: "legacy", gasPrice: GWEI });
  });
});

/** What each of the three requests is answered, in their order. */
function answering(...answers: readonly unknown[]): Rpc {
  return {
    network: "testnet",
    request: () => expect.fail("one by one"),
    batch: (requests) => {
      expect(requests.map(({ method }) => method)).to.deep.equal([
        "eth_getBlockByNumber",
        "eth_maxPriorityFeePerGas",
        "eth_gasPrice",
      ]);
      return Promise.resolve(answers.map(toOutcome));
    },
  };
}

function toOutcome(answer: unknown): RpcOutcome {
  return answer instanceof RpcResponseError
    ? { ok: false, error: answer }
    : { ok: true, result: answer };
}

function refused(): RpcResponseError {
  return new RpcResponseError("method not found", -32601);
}

/** The most first. */
function amountsOf(fees: Fees): readonly bigint[] {
  return fees.type === "legacy"
    ? [fees.gasPrice]
    : [fees.maxFeePerGas, fees.maxPriorityFeePerGas];
}
