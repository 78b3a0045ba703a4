import { expect } from "chai";
import { AbiCoder, id } from "ethers";

import { explainRevert } from "../../src/chain/revert-reason.js";
import { isRevert, RpcResponseError } from "../../src/chain/rpc.js";

const ACCOUNT = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

function reverted(data: unknown, message = "execution reverted"): unknown {
  return new RpcResponseError(message, 3, data);
}

function dataOf(
  signature: string,
  types: readonly string[] = [],
  values: readonly unknown[] = [],
): string {
  const args = AbiCoder.defaultAbiCoder().encode(types, values);
  return id(signature).slice(0, 10) + args.slice(2);
}

function stringError(text: string): string {
  return dataOf("Error(string)", ["string"], [text]);
}

describe("explainRevert", () => {
  const cases: readonly (readonly [
    what: string,
    data: unknown,
    words: string,
  ])[] = [
    ["a string", stringError("Pausable: paused"), "Pausable: paused"],
    ["a panic", dataOf("Panic(uint256)", ["uint256"], [17]), "panic 17"],
    ["a known error", dataOf("EnforcedPause()"), "EnforcedPause()"],
    [
      "a known error with arguments",
      dataOf(
        "AccessManagedRequiredDelay(address,uint32)",
        ["address", "uint32"],
        [ACCOUNT, 3600],
      ),
      `AccessManagedRequiredDelay(${ACCOUNT}, 3600)`,
    ],
    ["an unknown error", "0xdeadbeef", "it reverts with 0xdeadbeef"],
    ["no data", "0x", "execution reverted"],
    ["nothing", undefined, "execution reverted"],
    ["what isn't data", "Reverted", "execution reverted"],
    [
      "data as Hardhat nests it",
      { data: { data: stringError("nested") } },
      "nested",
    ],
    ["data as a result", { result: stringError("older") }, "older"],
  ];
  for (const [what, data, words] of cases) {
    it(`gives the words of ${what}`, () => {
      expect(explainRevert(reverted(data))).to.equal(words);
    });
  }

  it("takes bare data as well", () => {
    expect(explainRevert(stringError("bare"))).to.equal("bare");
    expect(explainRevert("0x")).to.equal("it reverts without a reason");
  });

  for (const signature of [
    "Error(string)",
    "Panic(uint256)",
    "OwnableUnauthorizedAccount(address)",
  ]) {
    it(`shows the data of ${signature} that lacks its arguments`, () => {
      const data = `${id(signature).slice(0, 10)}00`;
      expect(explainRevert(reverted(data))).to.equal(`it reverts with ${data}`);
    });
  }

  it("has words even for an empty string", () => {
    const data = stringError("");
    expect(explainRevert(reverted(data))).to.equal(`it reverts with ${data}`);
  });

  it("lets no contract write to the terminal", () => {
    const words = explainRevert(reverted(stringError("\u001b[2Jdone\r\n✔ ok")));
    expect(words).to.equal(" [2Jdone ✔ ok");
  });
});

describe("isRevert", () => {
  for (const [code, message] of [
    [3, "anything"],
    [-32000, "execution reverted"],
    [-32015, "VM execution error: Reverted 0x"],
    [-32603, "VM Exception while processing transaction: invalid opcode"],
    [-32000, "invalid opcode: INVALID"],
    [-32000, "out of gas"],
    [-32003, "EVM error: OutOfGas"],
  ] as const) {
    it(`takes ${code} "${message}" for a contract's no`, () => {
      expect(isRevert(new RpcResponseError(message, code))).to.equal(true);
    });
  }

  for (const [code, message] of [
    [-32000, "header not found"],
    [-32005, "rate limited"],
    [-32601, "the method eth_call does not exist"],
    [-32000, "missing trie node"],
    [0, "the node left this request unanswered"],
  ] as const) {
    it(`doesn't take ${code} "${message}" for one`, () => {
      expect(isRevert(new RpcResponseError(message, code))).to.equal(false);
    });
  }

  it("doesn't take other errors for one", () => {
    expect(isRevert(new Error("execution reverted"))).to.equal(false);
  });
});
