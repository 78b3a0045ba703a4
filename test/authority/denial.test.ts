import { expect } from "chai";

import { decodeDenial, fingerprint } from "../../src/authority/denial.js";
import { encodeCall } from "../../src/chain/abi.js";
import { RpcResponseError, type RpcOutcome } from "../../src/chain/rpc.js";
import type { Address, Hex } from "../../src/core/hex.js";

const ALICE: Address = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B";
const BOB: Address = "0x00000000219ab540356cBB839Cbe05303d7705Fa";
const PAUSE: Hex = "0x8456cb59";
const ROLE = `0x${"ab".repeat(32)}`;

function revert(data: Hex, message = "execution reverted"): RpcOutcome {
  return { ok: false, error: new RpcResponseError(message, 3, data) };
}

function reason(text: string): RpcOutcome {
  return revert(encodeCall("function Error(string)", [text]));
}

function missingRole(account: Address): string {
  return `AccessControl: account ${account.toLowerCase()} is missing role ${ROLE}`;
}

describe("decodeDenial", () => {
  for (const [name, outcome, denial] of [
    [
      "OwnableUnauthorizedAccount",
      revert(
        encodeCall("function OwnableUnauthorizedAccount(address)", [ALICE]),
      ),
      { by: "owner" },
    ],
    [
      "AccessControlUnauthorizedAccount",
      revert(
        encodeCall(
          "function AccessControlUnauthorizedAccount(address,bytes32)",
          [ALICE, ROLE],
        ),
      ),
      { by: "role", role: ROLE },
    ],
    [
      "AccessManagedUnauthorized",
      revert(
        encodeCall("function AccessManagedUnauthorized(address)", [ALICE]),
      ),
      { by: "access-manager" },
    ],
    ["EnforcedPause", revert("0xd93c0665"), { by: "state" }],
    ["ExpectedPause", revert("0x8dfc202b"), { by: "state" }],
    [
      "version 4's missing owner",
      reason("Ownable: caller is not the owner"),
      { by: "owner" },
    ],
    [
      "version 4's missing role",
      reason(missingRole(ALICE)),
      { by: "role", role: ROLE },
    ],
    ["version 4's pause", reason("Pausable: paused"), { by: "state" }],
    [
      "words in the message alone",
      revert("0x", "execution reverted: Ownable: caller is not the owner"),
      { by: "owner" },
    ],
  ] as const) {
    it(`understands ${name}`, () => {
      expect(decodeDenial(outcome)).to.deep.equal(denial);
    });
  }

  for (const [name, outcome] of [
    ["a success", { ok: true, result: "0x" }],
    ["an empty revert", revert("0x")],
    ["an error of the contract's own", revert("0x12345678")],
    ["a reason that is cut off", revert("0x08c379a000")],
  ] as const) {
    it(`makes nothing of ${name}`, () => {
      expect(decodeDenial(outcome)).to.equal(undefined);
    });
  }
});

describe("fingerprint", () => {
  it("is the same for two senders who are told the same of themselves", () => {
    const told = (sender: Address): string =>
      fingerprint(revert(encodeCall("function NotPauser(address)", [sender])), {
        from: sender,
        data: PAUSE,
      });
    expect(told(ALICE)).to.equal(told(BOB));
  });

  it("is so in words, too", () => {
    const told = (sender: Address): string =>
      fingerprint(reason(missingRole(sender)), { from: sender, data: PAUSE });
    expect(told(ALICE)).to.equal(told(BOB));
  });

  it("is the same for two functions that are refused by their selectors", () => {
    const told = (data: Hex): string =>
      fingerprint(
        revert(encodeCall("function NoSuchFunction(bytes4)", [data])),
        { from: ALICE, data },
      );
    expect(told(PAUSE)).to.equal(told("0x3f4ba83a"));
  });

  it("differs for different refusals", () => {
    const sent = { from: ALICE, data: PAUSE };
    expect(fingerprint(revert("0x12345678"), sent)).to.not.equal(
      fingerprint(revert("0x"), sent),
    );
  });
});
