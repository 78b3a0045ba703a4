import { expect } from "chai";
import { Interface } from "ethers";

import type { Hex } from "../../src/core/hex.js";
import { describeCall } from "../../src/safe/describe.js";

const TO = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const IMPLEMENTATION = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

const abi = new Interface([
  "function upgradeAndCall(address,address,bytes)",
  "function scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
]);

function call(data: Hex) {
  return { operation: 0 as const, to: TO, value: 0n, data } as const;
}

describe("a described call", () => {
  it("is decoded by what recoveries use", () => {
    const data = abi.encodeFunctionData("upgradeAndCall", [
      TO,
      IMPLEMENTATION,
      "0x",
    ]) as Hex;
    expect(describeCall(call(data))).to.deep.include({
      method: `upgradeAndCall(${TO}, ${IMPLEMENTATION}, 0x)`,
      selector: "0x9623609d",
      delegatecall: false,
    });
    expect(describeCall(call("0x8456cb59"))).to.deep.include({
      method: "pause()",
    });
    const batch = abi.encodeFunctionData("scheduleBatch", [
      [TO],
      [0n],
      ["0x8456cb59"],
      `0x${"00".repeat(32)}`,
      `0x${"01".repeat(32)}`,
      172800n,
    ]) as Hex;
    expect(describeCall(call(batch)).method).to.contain("[0x8456cb59]");
  });

  it("tells what it makes a timelock or an AccessManager call", () => {
    const pause: Hex = "0x8456cb59";
    const managed = new Interface([
      "function execute(address,bytes)",
    ]).encodeFunctionData("execute", [IMPLEMENTATION, pause]) as Hex;
    const batch = abi.encodeFunctionData("scheduleBatch", [
      [TO, TO],
      [0n, 5n],
      [managed, "0x12345678"],
      `0x${"00".repeat(32)}`,
      `0x${"01".repeat(32)}`,
      172800n,
    ]) as Hex;
    const nameOf = (address: string) =>
      address === IMPLEMENTATION ? "SkillProfile" : undefined;
    const [first, second] = describeCall(call(batch), { nameOf }).carries!;
    expect(first?.carries).to.have.lengthOf(1);
    expect(first?.carries?.[0]).to.include({
      name: "SkillProfile",
      method: "pause()",
    });
    expect(second).to.include({ to: TO, value: 5n, selector: "0x12345678" });
    expect(second).to.not.have.property("carries");
    expect(describeCall(call(`${batch}00`))).to.not.have.property("carries");
  });

  it("hides nothing behind its arguments", () => {
    expect(describeCall(call("0x8456cb5900")).method).to.equal(undefined);
    const data = abi.encodeFunctionData("upgradeAndCall", [
      TO,
      IMPLEMENTATION,
      "0x",
    ]) as Hex;
    expect(describeCall(call(`${data}00`)).method).to.equal(undefined);
    expect(describeCall(call("0x9623609d")).method).to.equal(undefined);
  });

  it("is shown raw when no ABI fits, and named when it is known", () => {
    expect(describeCall(call("0x12345678ab"))).to.not.have.property("method");
    expect(
      describeCall(call("0x12345678ab"), {
        nameOf: () => "SkillProfile",
        decodeCall: () => "register()",
      }),
    ).to.deep.include({ name: "SkillProfile", method: "register()" });
  });
});
