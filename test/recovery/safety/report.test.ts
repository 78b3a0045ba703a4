import { expect } from "chai";

import { BlockReader } from "../../../src/chain/block-reader.js";
import { RpcResponseError, type RpcOutcome } from "../../../src/chain/rpc.js";
import { reportRollbackSafety } from "../../../src/recovery/safety/report.js";
import type { SafetyReport } from "../../../src/recovery/safety/safety-report.js";
import { contractAt, send } from "../../helpers/contracts.js";
import {
  readerOf,
  reportOn,
  sourceOf,
  upgradedProxy,
  type Stage,
} from "./upgraded-proxy.js";

const INITIALIZABLE =
  "0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00";
const LEDGER: Stage = { contract: "Ledger", call: ["initialize"] };
const BEFORE_MAIN =
  "0x371fa7e535a1e3b94e5eb207c0e6d7c396e16dc27387cf46abad214deb70c9";

describe("reportRollbackSafety", function () {
  describe("of an upgrade that appended", () => {
    let report: SafetyReport;

    before(async () => {
      report = await reportOn(LEDGER, {
        contract: "LedgerAppended",
        call: ["upgrade", 1],
      });
    });

    it("lists what is orphaned, with the bytes that are there now", () => {
      expect(report.verdict).to.equal("orphans");
      expect(report.retyped).to.deep.equal([]);
      expect(
        report.orphaned.map(({ label, type, slot, offset, bytes, value }) => [
          label,
          type,
          Number(slot),
          offset,
          bytes,
          value,
        ]),
      ).to.deep.equal([
        ["fee", "uint128", 5, 0, 16, `0x${"fa".padStart(32, "0")}`],
        ["frozen", "bool", 5, 16, 1, "0x01"],
        ["queue", "uint256[]", 6, 0, 32, word(2)],
        ["vetoes", "mapping(address => uint256)", 7, 0, 32, word(0)],
        ["motto", "string", 8, 0, 32, word(91)],
        ["pair", "uint256[2]", 9, 0, 64, `${word(1)}${word(2).slice(2)}`],
        ["untouched", "uint256", 11, 0, 32, word(0)],
      ]);
    });

    it("says what a head slot stands for", () => {
      const remarks = Object.fromEntries(
        report.orphaned.map(({ label, remark }) => [label, remark]),
      );
      expect(remarks.queue).to.contain("2 elements");
      expect(remarks.vetoes).to.contain("mapping");
      expect(remarks.motto).to.contain("45 bytes");
      expect(remarks.fee).to.equal(undefined);
    });

    it("tells which version stays initialized, and which the next needs", () => {
      expect(report.initialized).to.deep.equal({
        current: 2n,
        slot: INITIALIZABLE,
      });
      expect(report.notes.join()).to.contain("reinitializer(3)");
    });

    it("advises on what a later upgrade finds, and only that", () => {
      const note = report.notes.find((one) => one.includes("later upgrade"));
      expect(note).to.contain("`motto`").and.to.contain("`vetoes`");
      expect(note).to.not.contain("untouched");
    });

    it("mentions what was appended to a mapping's values", () => {
      expect(report.notes.join()).to.contain("`until`");
    });

    it("lists the functions that go and come", () => {
      expect(report.selectorsLost).to.deep.include({
        selector: "0xb9aa3492",
        signature: "upgrade(uint8)",
      });
      expect(
        report.selectorsLost.map(({ signature }) => signature),
      ).to.not.include("initialize()");
      expect(report.selectorsGained).to.deep.equal([
        { selector: "0x43d726d6", signature: "close()" },
      ]);
    });
  });

  it("calls an enum's value corrupt when the target doesn't have it", async () => {
    const report = await reportOn(LEDGER, {
      contract: "LedgerAppended",
      call: ["upgrade", 2],
    });
    expect(report.verdict).to.equal("corrupts");
    expect(retyped(report)).to.deep.equal([["status", 2]]);
  });

  it("takes renames, inside structs too, for what they are", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerRenamed" });
    expect(report.verdict).to.equal("clean");
    expect(report.notes.join())
      .to.contain("called `income`")
      .and.to.contain("Renamed `amount` to `balance`");
  });

  it("finds variables of one type that changed places", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerReordered" });
    expect(report.verdict).to.equal("corrupts");
    expect(retyped(report)).to.deep.equal([
      ["deposits", 0],
      ["payouts", 1],
    ]);
  });

  it("finds members of one type that changed places", async () => {
    const report = await reportOn(
      { contract: "Pairs" },
      { contract: "PairsSwapped" },
    );
    expect(report.verdict).to.equal("corrupts");
    expect(retyped(report)).to.deep.equal([["pairs", 0]]);
  });

  it("finds changed types, with before and after", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerRetyped" });
    expect(report.verdict).to.equal("corrupts");
    expect(report.retyped[0]).to.deep.include({
      label: "payouts",
      offset: 0,
      before: "int256 payouts",
      after: "uint256 payouts",
      value: word(22),
      untouched: false,
    });
    expect(retyped(report)).to.deep.equal([
      ["payouts", 1],
      ["status", 2],
    ]);
  });

  it("finds changed types inside a mapping's values", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerMappingRetyped" });
    expect(report.verdict).to.equal("corrupts");
    expect(retyped(report)).to.deep.equal([["accounts", 3]]);
  });

  it("finds variables that overlap, and gives each of the target's once", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerSplit" });
    expect(report.verdict).to.equal("corrupts");
    expect(retyped(report)).to.deep.equal([["deposits", 0]]);
    expect(report.retyped[0]?.before).to.equal(
      "uint128 depositsLow, uint128 depositsHigh",
    );
  });

  it("finds a variable that moved within its slot", async () => {
    const report = await reportOn(
      { contract: "Packed" },
      { contract: "PackedShifted" },
    );
    expect(report.verdict).to.equal("corrupts");
    expect(report.retyped.map(({ label }) => label)).to.have.members([
      "first",
      "amount",
    ]);
  });

  it("lists what the current implementation no longer knew", async () => {
    const report = await reportOn(LEDGER, { contract: "LedgerShortened" });
    expect(report.verdict).to.equal("clean");
    expect(report.revived.map(({ label }) => label)).to.deep.equal(["title"]);
  });

  it("sees through types that contain themselves", async () => {
    const report = await reportOn(
      { contract: "Tree" },
      { contract: "TreeDoubled" },
    );
    expect(report.verdict).to.equal("orphans");
    expect(report.orphaned.map(({ label }) => label)).to.deep.equal(["depth"]);
  });

  it("compares ERC-7201 namespaces, at their real slots", async () => {
    const report = await reportOn(
      { contract: "Namespaced", call: ["initialize"] },
      { contract: "NamespacedAppended", call: ["upgrade"] },
    );
    expect(report.verdict).to.equal("orphans");
    expect(
      report.orphaned.map(({ label, namespace, slot, offset, value }) => [
        label,
        namespace,
        slot,
        offset,
        value,
      ]),
    ).to.deep.equal([
      [
        "rate",
        "erc7201:hardhat-dr.test.Main",
        `${BEFORE_MAIN}02`,
        0,
        "0x0000abcd",
      ],
      ["open", "erc7201:hardhat-dr.test.Main", `${BEFORE_MAIN}02`, 4, "0x01"],
      [
        "root",
        "erc7201:hardhat-dr.test.More",
        "0xb4bc7fa53b7e09dc4327dac96c6cbbed5c00832713272831bf24e01fe1269f00",
        0,
        "0xd6c66cad06fe14fdb6ce9297d80d32f24d7428996d0045cbf90cc345c677ba16",
      ],
    ]);
  });

  it("finds changed types inside a namespace", async () => {
    const report = await reportOn(
      { contract: "Namespaced", call: ["initialize"] },
      { contract: "NamespacedRetyped" },
    );
    expect(report.verdict).to.equal("corrupts");
    expect(report.retyped).to.have.length(1);
    expect(report.retyped[0]).to.deep.include({
      label: "total",
      slot: `${BEFORE_MAIN}01`,
      namespace: "erc7201:hardhat-dr.test.Main",
    });
  });

  it("reads `_initialized` in slot 0 when OpenZeppelin v4 keeps it there", async () => {
    const report = await reportOn(
      { contract: "InitializedV4" },
      { contract: "InitializedV4", call: ["upgrade"] },
    );
    expect(report.verdict).to.equal("clean");
    expect(report.initialized).to.deep.equal({ current: 3n, slot: word(0) });
  });

  it("warns of a target that anybody could initialize", async () => {
    const open = await reportOn(
      { contract: "InitializedV4" },
      { contract: "InitializedV5", call: ["initialize"] },
    );
    const closed = await reportOn(
      { contract: "InitializedV4", call: ["initialize"] },
      { contract: "InitializedV5", call: ["initialize"] },
    );
    expect(open.notes.join()).to.contain("uninitialized");
    expect(closed.notes.join()).to.not.contain("uninitialized");
  });

  describe("with a reader from before the upgrade", () => {
    it("doesn't call corrupt what nobody has written to", async () => {
      const { report } = await reportWithBefore("LedgerInserted");
      expect(report.retyped.length).to.be.greaterThan(5);
      expect(report.retyped.every(({ untouched }) => untouched)).to.equal(true);
      expect(report.verdict).to.equal("orphans");
      expect(report.notes.join()).to.contain("hasn't written there");
    });

    it("calls corrupt what was written to", async () => {
      const { report } = await reportWithBefore("LedgerRetyped", "spoil");
      expect(report.verdict).to.equal("corrupts");
      expect(
        report.retyped.map(({ label, untouched }) => [label, untouched]),
      ).to.deep.equal([
        ["payouts", false],
        ["status", true],
      ]);
    });

    it("can't tell what was written into a mapping", async () => {
      const { report } = await reportWithBefore("LedgerMappingRetyped");
      expect(report.verdict).to.equal("corrupts");
    });

    it("knows nothing when the node has forgotten that block", async () => {
      const { report } = await reportWithBefore(
        "LedgerRetyped",
        undefined,
        () =>
          Promise.resolve({
            ok: false,
            error: new RpcResponseError("missing trie node", -32000),
          }),
      );
      expect(report.verdict).to.equal("corrupts");
      expect(report.retyped.some(({ untouched }) => untouched)).to.equal(false);
    });
  });

  describe("when a layout isn't known", () => {
    it("says why, refuses nothing, and still reads what it can", async () => {
      const { connection, proxy, implementations } = await upgradedProxy(
        LEDGER,
        { contract: "LedgerAppended", call: ["upgrade", 1] },
      );
      const reader = await readerOf(connection);
      const [to] = implementations;
      if (to === undefined) {
        expect.fail("no implementation");
      }
      const report = await reportRollbackSafety({
        reader,
        proxy,
        from: {
          status: "unknown",
          address: proxy,
          reason: "Its source is gone.",
        },
        to: await sourceOf(reader, to),
      });
      expect(report.verdict).to.equal("unknown");
      expect(report.notes[0]).to.equal("Its source is gone.");
      expect(report.initialized).to.deep.equal({
        current: 2n,
        slot: INITIALIZABLE,
      });
    });
  });
});

async function reportWithBefore(
  contract: string,
  call?: string,
  forget?: () => Promise<RpcOutcome>,
): Promise<{ report: SafetyReport }> {
  const { connection, proxy, implementations } = await upgradedProxy(LEDGER, {
    contract,
  });
  const [to, from] = implementations;
  if (to === undefined || from === undefined) {
    expect.fail("no implementations");
  }
  const { rpc, block } = await readerOf(connection);
  if (call !== undefined) {
    await send(connection, await contractAt(connection, contract, proxy), call);
  }
  const reader = await readerOf(connection);
  const before = await BlockReader.at(
    forget === undefined
      ? rpc
      : {
          network: "forgetful",
          request: async (method, params) => await rpc.request(method, params),
          batch: async (requests) =>
            await Promise.all(requests.map(async () => await forget())),
        },
    block.number,
  );
  const report = await reportRollbackSafety({
    reader,
    proxy,
    from: await sourceOf(reader, from),
    to: await sourceOf(reader, to),
    before,
  });
  return { report };
}

function retyped(report: SafetyReport): [string, number][] {
  return report.retyped.map(({ label, slot }) => [label, Number(slot)]);
}

function word(value: number): `0x${string}` {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
