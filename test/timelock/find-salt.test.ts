import { expect } from "chai";
import { concat, id as hashText, Interface, solidityPacked } from "ethers";

import type { Address, Hex } from "../../src/core/hex.js";
import { findSalt, withSalt } from "../../src/timelock/find-salt.js";
import {
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../src/timelock/operation.js";

const TARGET: Address = "0x000000000000000000000000000000000000bEEF";
const SALT = hashText("salt") as Hex;

const OPERATION: Operation = {
  calls: [{ to: TARGET, value: 1n, data: "0x01020304" }],
  predecessor: NO_PREDECESSOR,
  salt: SALT,
};

const INPUTS: Readonly<Record<string, (schedule: Hex) => string>> = {
  "the schedule call itself": (schedule) => schedule,
  "a MultiSend, between others": (schedule) => {
    const [before, own, after] = ["0xaabbcc", schedule, "0x01"].map((data) =>
      solidityPacked(
        ["uint8", "address", "uint256", "uint256", "bytes"],
        [0, TARGET, 0, (data.length - 2) / 2, data],
      ),
    );
    return Interface.from([
      "function multiSend(bytes transactions)",
    ]).encodeFunctionData("multiSend", [concat([before!, own!, after!])]);
  },
  "a second one, behind a schedule call of something else": (schedule) =>
    concat([
      encodeSchedule({ ...OPERATION, salt: NO_PREDECESSOR }, 1n),
      schedule,
    ]),
};

describe("the salt of an operation", () => {
  for (const [where, inputOf] of Object.entries(INPUTS)) {
    for (const isBatch of [false, true]) {
      it(`is found in ${where}${isBatch ? ", scheduled as a batch" : ""}`, () => {
        const operation = { ...OPERATION, ...(isBatch ? { isBatch } : {}) };
        const input = inputOf(encodeSchedule(operation, 5n)) as Hex;
        const id = hashOperation(operation);
        expect(findSalt(id, operation, undefined, input)).to.deep.equal(
          operation,
        );
      });
    }
  }

  it("is found as a Governor's description hash", () => {
    const operation = { ...OPERATION, isBatch: true };
    const [{ to, value, data }] = OPERATION.calls as [
      Operation["calls"][number],
    ];
    const input = Interface.from([
      "function queue(address[], uint256[], bytes[], bytes32)",
    ]).encodeFunctionData("queue", [[to], [value], [data], SALT]);
    const id = hashOperation(operation);
    expect(findSalt(id, operation, undefined, input as Hex)).to.deep.equal(
      operation,
    );
  });

  it("isn't taken from anywhere when it doesn't give the id", () => {
    const id = hashOperation(OPERATION);
    const other = encodeSchedule(
      { ...OPERATION, salt: hashText("other") as Hex },
      5n,
    );
    expect(findSalt(id, OPERATION, undefined, other)).to.equal(undefined);
    expect(withSalt(id, OPERATION, hashText("other") as Hex)).to.equal(
      undefined,
    );
    expect(withSalt(id, OPERATION, SALT)).to.deep.equal(OPERATION);
  });
});
