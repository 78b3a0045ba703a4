import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

import { ZERO_ADDRESS, type Hex } from "../../src/core/hex.js";
import {
  findDangers,
  parseAcceptedDangers,
  requireAccepted,
} from "../../src/safe/danger.js";
import { bundle, encodeMultiSend } from "../../src/safe/multi-send.js";
import { reviewTransaction } from "../../src/safe/review.js";
import { readSafeState } from "../../src/safe/safe-state.js";
import type { SafeTransaction } from "../../src/safe/transaction.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import {
  deploySafe,
  deploySafeContract,
} from "../helpers/deploy-governance.js";
import { sampleTransaction } from "./sample-transaction.js";
import { addresses, readerOf } from "./sign.js";

const SAFE = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";
const OTHER = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const THIEF = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

const SAFE_ABI = new Interface([
  "function addOwnerWithThreshold(address,uint256)",
  "function removeOwner(address,address,uint256)",
  "function swapOwner(address,address,address)",
  "function changeThreshold(uint256)",
  "function enableModule(address)",
  "function disableModule(address,address)",
  "function setGuard(address)",
  "function setModuleGuard(address)",
  "function setFallbackHandler(address)",
  "function changeMasterCopy(address)",
  "function simulateAndRevert(address,bytes)",
  "function approveHash(bytes32)",
]);
const OTHER_ABI = new Interface([
  "function approve(address,uint256)",
  "function transfer(address,uint256)",
  "function transferFrom(address,address,uint256)",
  "function setApprovalForAll(address,bool)",
  "function transferOwnership(address)",
  "function grantRole(bytes32,address)",
  "function approveHash(bytes32)",
  "function pause()",
]);
const pause = {
  to: OTHER,
  value: 0n,
  data: OTHER_ABI.encodeFunctionData("pause") as Hex,
} as const;

function idsOf(
  transaction: Partial<SafeTransaction>,
  calls?: Parameters<typeof findDangers>[2],
  goesThroughMultiSend = false,
): readonly string[] {
  const whole = sampleTransaction(transaction);
  return findDangers(
    { address: SAFE },
    whole,
    calls ?? [whole],
    goesThroughMultiSend,
  ).map(({ id }) => id);
}

describe("a transaction's dangers", () => {
  it("are none in a pause, nor in the cancelling of a nonce", () => {
    expect(idsOf(pause)).to.deep.equal([]);
    expect(idsOf({ to: SAFE, data: "0x" })).to.deep.equal([]);
  });

  const selfCalls: readonly (readonly [string, readonly unknown[], string])[] =
    [
      ["addOwnerWithThreshold", [THIEF, 1n], "owner-change"],
      ["removeOwner", [THIEF, OTHER, 1n], "owner-change"],
      ["swapOwner", [THIEF, OTHER, THIEF], "owner-change"],
      ["changeThreshold", [1n], "threshold-change"],
      ["enableModule", [THIEF], "module-change"],
      ["disableModule", [OTHER, THIEF], "module-change"],
      ["setGuard", [THIEF], "guard-change"],
      ["setModuleGuard", [THIEF], "guard-change"],
      ["setFallbackHandler", [THIEF], "fallback-handler-change"],
      ["changeMasterCopy", [THIEF], "singleton-change"],
      ["simulateAndRevert", [THIEF, "0x"], "self-call"],
      ["approveHash", [`0x${"00".repeat(32)}`], "self-call"],
    ];
  for (const [method, args, id] of selfCalls) {
    it(`${id}: ${method} of the Safe itself, among other calls too`, () => {
      const data = SAFE_ABI.encodeFunctionData(method, [...args]) as Hex;
      expect(idsOf({ to: SAFE, data })).to.deep.equal([id]);
      const calls = [pause, { to: SAFE, value: 0n, data } as const].map(
        (call) => ({ ...call, operation: 0 as const }),
      );
      expect(
        findDangers({ address: SAFE }, sampleTransaction(), calls, true),
      ).to.deep.equal([{ id, call: 1 }]);
      // MultiSend 1.5.0 makes the zero address the Safe itself.
      const hidden = [{ ...calls[1]!, to: ZERO_ADDRESS }];
      expect(idsOf({}, hidden, true)).to.deep.equal([id]);
      expect(idsOf({}, hidden, false)).to.not.include(id);
    });
  }

  const carriers = new Interface([
    "function execute(address,bytes)",
    "function schedule(address,bytes,uint48)",
    "function execute(address,uint256,bytes,bytes32,bytes32)",
    "function executeBatch(address[],uint256[],bytes[],bytes32,bytes32)",
    "function schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
    "function scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
  ]);
  const none = `0x${"00".repeat(32)}`;
  const steal = OTHER_ABI.encodeFunctionData("transferOwnership", [THIEF]);
  const carrying: readonly (readonly [string, (data: string) => unknown[]])[] =
    [
      ["execute(address,bytes)", (data) => [OTHER, data]],
      ["schedule(address,bytes,uint48)", (data) => [OTHER, data, 0]],
      [
        "execute(address,uint256,bytes,bytes32,bytes32)",
        (data) => [OTHER, 0, data, none, none],
      ],
      [
        "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)",
        (data) => [[OTHER, OTHER], [0, 0], [pause.data, data], none, none],
      ],
      [
        "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
        (data) => [OTHER, 0, data, none, none, 1],
      ],
      [
        "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
        (data) => [[OTHER, OTHER], [0, 0], [pause.data, data], none, none, 1],
      ],
    ];
  for (const [method, args] of carrying) {
    const carry = (data: string) =>
      carriers.encodeFunctionData(method, args(data)) as Hex;

    it(`are seen in what ${method} of another contract carries, and in what that carries`, () => {
      expect(idsOf({ ...pause, data: carry(pause.data) })).to.deep.equal([]);
      expect(idsOf({ ...pause, data: carry(steal) })).to.deep.equal([
        "authority-change",
      ]);
      expect(idsOf({ ...pause, data: carry(carry(steal)) })).to.deep.equal([
        "authority-change",
      ]);
      // Solidity doesn't mind what stands behind the arguments.
      expect(idsOf({ ...pause, data: `${carry(steal)}00` })).to.deep.equal([
        "unreadable-call",
      ]);
      expect(
        idsOf({ ...pause, data: carry(pause.data).slice(0, -2) as Hex }),
      ).to.deep.equal(["unreadable-call"]);
    });
  }

  const otherCalls: readonly (readonly [string, readonly unknown[], string])[] =
    [
      ["approve", [THIEF, 1n], "token-approval"],
      ["setApprovalForAll", [THIEF, true], "token-approval"],
      ["transfer", [THIEF, 1n], "token-transfer"],
      ["transferFrom", [SAFE, THIEF, 1n], "token-transfer"],
      ["transferOwnership", [THIEF], "authority-change"],
      ["grantRole", [`0x${"00".repeat(32)}`, THIEF], "authority-change"],
      ["approveHash", [`0x${"00".repeat(32)}`], "approve-hash"],
    ];
  for (const [method, args, id] of otherCalls) {
    it(`${id}: ${method} of another contract`, () => {
      const data = OTHER_ABI.encodeFunctionData(method, [...args]) as Hex;
      expect(idsOf({ data })).to.deep.equal([id]);
    });
  }

  it("value-transfer: coin that leaves", () => {
    expect(idsOf({ data: "0x", value: 1n })).to.deep.equal(["value-transfer"]);
  });

  it("refund: whoever executes is paid", () => {
    expect(idsOf({ gasPrice: 1n })).to.deep.equal(["refund"]);
    expect(idsOf({ gasToken: OTHER })).to.deep.equal(["refund"]);
    expect(idsOf({ refundReceiver: THIEF })).to.deep.equal(["refund"]);
  });

  it("must each be named to be accepted", async () => {
    const dangers = findDangers(
      { address: SAFE },
      sampleTransaction({ gasPrice: 1n, value: 1n }),
      [{ ...pause, value: 1n, operation: 0 }],
      false,
    );
    const refusal = await refusalOf(() => {
      requireAccepted(dangers, ["refund"]);
    });
    expect(refusal.code).to.equal("SAFE_DANGEROUS_CALL");
    expect(refusal.message).to.contain("value-transfer");
    expect(refusal.fix).to.contain("refund,value-transfer");
    requireAccepted(dangers, parseAcceptedDangers("value-transfer, refund"));
    expect(await codeOf(() => parseAcceptedDangers("all"))).to.equal(
      "OPTION_INVALID",
    );
  });

  describe("behind a MultiSend", () => {
    it("is a delegatecall to anything but Safe's own", async () => {
      const connection = await hre.network.create();
      const owners = await addresses(connection, 1);
      const safe = await deploySafe(connection, { owners, threshold: 1 });
      const callOnly = await deploySafeContract(
        connection,
        "MultiSendCallOnly",
        "1.4.1",
      );
      const reader = await readerOf(connection);
      const state = await readSafeState(reader, safe);
      const review = async (changes: Partial<SafeTransaction>) =>
        await reviewTransaction(reader, state, sampleTransaction(changes));

      const good = await review(bundle([pause, pause], callOnly));
      expect(good.dangers).to.deep.equal([]);
      expect(good.calls).to.deep.equal([
        { ...pause, operation: 0 },
        { ...pause, operation: 0 },
      ]);

      // The same calldata, lent to somebody else's code.
      const impostor = await review(bundle([pause, pause], state.singleton));
      expect(impostor.dangers.map(({ id }) => id)).to.deep.equal([
        "delegatecall",
      ]);
      const nobody = await review(bundle([pause, pause], owners[0]!));
      expect(nobody.dangers.map(({ id }) => id)).to.deep.equal([
        "delegatecall",
      ]);

      const data = encodeMultiSend([pause]);
      const at = data.indexOf(pause.data.slice(2)) - 85 * 2;
      const inner = await review({
        to: callOnly,
        operation: 1,
        data: `${data.slice(0, at)}01${data.slice(at + 2)}` as Hex,
      });
      expect(inner.dangers).to.deep.equal([{ id: "delegatecall", call: 0 }]);

      const unreadable = await review({
        to: callOnly,
        operation: 1,
        data: `${data}00`,
      });
      expect(unreadable.dangers.map(({ id }) => id)).to.deep.equal([
        "unreadable-multisend",
      ]);

      const nested = await review(
        bundle([pause, { to: callOnly, value: 0n, data }], callOnly),
      );
      expect(nested.dangers).to.deep.equal([
        { id: "nested-multisend", call: 1 },
      ]);
    });
  });
});
