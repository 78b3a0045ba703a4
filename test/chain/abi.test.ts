import { expect } from "chai";
import { AbiCoder, Interface } from "ethers";
import fc from "fast-check";

import {
  decodeArguments,
  decodeResult,
  decodeValues,
  encodeCall,
  selectorOf,
} from "../../src/chain/abi.js";
import { decodeAggregate, encodeAggregate } from "../../src/chain/multicall.js";
import type { Hex } from "../../src/core/hex.js";

const coder = AbiCoder.defaultAbiCoder();
const UPGRADE =
  "function upgradeAndCall(address proxy, address implementation, bytes data) payable";
const AGGREGATE =
  "function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])";

const bytes = fc
  .uint8Array({ maxLength: 80 })
  .map((data): Hex => `0x${Buffer.from(data).toString("hex")}`);
const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((data): Hex => `0x${Buffer.from(data).toString("hex")}`);

function encoded(types: readonly string[], values: readonly unknown[]): Hex {
  return coder.encode(types, values) as Hex;
}

describe("calldata", () => {
  it("is what ethers makes of it, and reads back", () => {
    const ethers = new Interface([UPGRADE]);
    fc.assert(
      fc.property(address, address, bytes, (proxy, target, data) => {
        const call = encodeCall(UPGRADE, [proxy, target, data]);
        expect(call.toLowerCase()).to.equal(
          ethers.encodeFunctionData("upgradeAndCall", [proxy, target, data]),
        );
        expect(
          decodeArguments(UPGRADE, call).map((one) =>
            String(one).toLowerCase(),
          ),
        ).to.deep.equal([proxy, target, data]);
      }),
      { numRuns: 50 },
    );
    expect(selectorOf(UPGRADE)).to.equal(
      ethers.getFunction("upgradeAndCall")?.selector,
    );
  });

  it("may be without arguments", () => {
    expect(encodeCall("function pause()")).to.equal("0x8456cb59");
    expect(decodeArguments("function pause()", "0x8456cb59")).to.deep.equal([]);
  });
});

describe("decodeResult", () => {
  const paused = "function paused() view returns (bool)";
  const owner = "function owner() view returns (address)";
  const version = "function version() view returns (string)";

  it("gives the value, or all of several", () => {
    expect(decodeResult(paused, encoded(["bool"], [true]))).to.equal(true);
    expect(decodeResult(version, encoded(["string"], ["2.0"]))).to.equal("2.0");
    expect(
      decodeResult(
        "function operation() view returns (uint256, bool)",
        encoded(["uint256", "bool"], [7, false]),
      ),
    ).to.deep.equal([7n, false]);
  });

  for (const [what, signature, data] of [
    ["no code answers", paused, "0x"],
    ["half a word", paused, "0x0001"],
    ["no boolean", paused, encoded(["uint256"], [2])],
    ["a word instead of a string", version, encoded(["uint256"], [1])],
    ["a string beyond its end", version, encoded(["uint256"], [2n ** 255n])],
    ["nothing instead of an address", owner, "0x"],
  ] as const) {
    it(`has no value for ${what}`, () => {
      expect(decodeResult(signature, data)).to.equal(undefined);
    });
  }
});

describe("decodeValues", () => {
  it("gives the values of bare types", () => {
    expect(
      decodeValues(
        ["uint256", "bytes32"],
        encoded(["uint256", "bytes32"], [1, `0x${"ab".repeat(32)}`]),
      ),
    ).to.deep.equal([1n, `0x${"ab".repeat(32)}`]);
  });
});

describe("Multicall3's aggregate3", () => {
  const ethers = new Interface([AGGREGATE]);

  it("is asked for as ethers asks for it, and lets every call fail", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ to: address, data: bytes }), { maxLength: 5 }),
        (calls) => {
          expect(encodeAggregate(calls).toLowerCase()).to.equal(
            ethers.encodeFunctionData("aggregate3", [
              calls.map(({ to, data }) => [to, true, data]),
            ]),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it("answers one result a call, in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ success: fc.boolean(), returnData: bytes }), {
          minLength: 1,
          maxLength: 5,
        }),
        (results) => {
          const data = ethers.encodeFunctionResult("aggregate3", [
            results.map(({ success, returnData }) => [success, returnData]),
          ]) as Hex;
          expect(decodeAggregate(data)).to.deep.equal(results);
        },
      ),
      { numRuns: 50 },
    );
    expect(decodeAggregate("0x")).to.equal(undefined);
    expect(decodeAggregate("0x1234")).to.equal(undefined);
  });
});
