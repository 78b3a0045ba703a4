import { expect } from "chai";
import * as AbiFunction from "ox/AbiFunction";

import { encodeCall } from "../../src/chain/abi.js";
import type { DrError } from "../../src/core/errors.js";
import {
  encodeMethodCall,
  parseMethodCall,
} from "../../src/chain/method-call.js";

const ADDRESS = "0x00000000000000000000000000000000000000A1";

function codeOf(work: () => unknown): string {
  try {
    work();
    return "passed";
  } catch (error) {
    return (error as DrError).code;
  }
}

describe("a requested proof", () => {
  it("is a contract, a method and arguments", () => {
    expect(parseMethodCall(` Vault.draw( 5, "a)b(" ) `)).to.deep.equal({
      text: `Vault.draw( 5, "a)b(" )`,
      name: "Vault",
      method: "draw",
      args: ["5", "a)b("],
    });
  });

  it("may give the types, tuples too", () => {
    const request = parseMethodCall(
      `Vault.draw((address,uint256)[],bool)([[${ADDRESS}, 1]], true)`,
    );
    expect(request.types).to.equal("(address,uint256)[],bool");
    expect(encodeMethodCall(request, undefined)).to.equal(
      encodeCall("function draw((address,uint256)[],bool)", [
        [[ADDRESS, 1n]],
        true,
      ]),
    );
  });

  it("keeps numbers of any size, and hexadecimal", () => {
    const huge = 2n ** 255n + 1n;
    const request = parseMethodCall(
      `A.b(int256,uint256,bytes,string)(-7, ${String(huge)}, 0xbeef, "0x12")`,
    );
    expect(encodeMethodCall(request, undefined)).to.equal(
      encodeCall("function b(int256,uint256,bytes,string)", [
        -7n,
        huge,
        "0xbeef",
        "0x12",
      ]),
    );
  });

  it("finds its method in the ABI by the number of arguments", () => {
    const abi = [
      AbiFunction.from("function draw(uint256)"),
      AbiFunction.from("function draw(uint256,bool)"),
      { type: "receive" },
    ];
    const encode = (text: string) =>
      encodeMethodCall(parseMethodCall(text), abi);
    expect(encode("A.draw(1)")).to.equal(
      encodeCall("function draw(uint256)", [1n]),
    );
    expect(encode("A.draw(1, false)")).to.equal(
      encodeCall("function draw(uint256,bool)", [1n, false]),
    );
  });

  for (const text of [
    "",
    "draw(1)",
    "A.draw",
    "A.draw(",
    "A.draw(1))",
    "A.draw(1)(2)(3)",
    "A.draw(1) now",
    "A.draw(one)",
    "A.1draw()",
    `A.draw("open)`,
  ]) {
    it(`is CALL_INVALID as ${JSON.stringify(text)}`, () => {
      expect(codeOf(() => parseMethodCall(text))).to.equal("CALL_INVALID");
    });
  }

  it("is CALL_INVALID when it fits no method, or several", () => {
    const abi = [
      AbiFunction.from("function draw(uint256)"),
      AbiFunction.from("function draw(address)"),
    ];
    for (const [text, known] of [
      ["A.draw(1)", abi],
      ["A.pull(1)", abi],
      ["A.draw(1)", undefined],
      ["A.draw(uint256)(1, 2)", abi],
      [`A.draw(uint8)("many")`, abi],
      ["A.draw(nothing)(1)", abi],
    ] as const) {
      const request = parseMethodCall(text);
      expect(
        codeOf(() => encodeMethodCall(request, known)),
        text,
      ).to.equal("CALL_INVALID");
    }
  });
});
