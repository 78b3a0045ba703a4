import { expect } from "chai";

import { parseStateDiff } from "../../src/rehearsal/state-diff.js";

const A = "0x00000000000000000000000000000000000000a1";
const word = (digits: string): string => `0x${digits.padStart(64, "0")}`;

describe("a state diff", () => {
  it("takes an absent slot for zero, on either side", () => {
    const [diff] = parseStateDiff(
      { [A]: { storage: { "0x1": "0x5", "0x2": "0x7" } } },
      { [A]: { storage: { "0x2": "0x8", "0x3": "0x9" } } },
    );
    expect(diff!.storage).to.deep.equal([
      { slot: word("1"), before: word("5"), after: word("0") },
      { slot: word("2"), before: word("7"), after: word("8") },
      { slot: word("3"), before: word("0"), after: word("9") },
    ]);
  });

  it("takes an absent field for an unchanged one", () => {
    const [diff] = parseStateDiff(
      { [A]: { balance: "0x5", nonce: 1, code: "0xfe" } },
      { [A]: { nonce: 2 } },
    );
    expect(diff).to.deep.equal({
      address: "0x00000000000000000000000000000000000000A1",
      storage: [],
      nonce: { before: 1, after: 2 },
    });
  });

  it("knows a new account, and one that is gone", () => {
    const [made] = parseStateDiff(
      {},
      { [A]: { balance: "0x1", nonce: 1, code: "0xfe" } },
    );
    expect(made!.code).to.deep.equal({ before: "0x", after: "0xfe" });
    expect(made!.balance).to.deep.equal({ before: 0n, after: 1n });
    const [gone] = parseStateDiff(
      { [A]: { balance: "0x1", nonce: 1, code: "0xfe" } },
      {},
    );
    expect(gone!.code).to.deep.equal({ before: "0xfe", after: "0x" });
    expect(gone!.balance).to.deep.equal({ before: 1n, after: 0n });
  });
});
