import { expect } from "chai";

import type { Hex } from "../../src/core/hex.js";
import { formatOperations } from "../../src/display/operations.js";
import type { Paint } from "../../src/display/text.js";
import type { OperationReport } from "../../src/recovery/operations/list.js";

const NOW = 1_800_000_000n;
const ID: Hex = `0x${"ab".repeat(32)}`;
const TIMELOCK: Hex = "0x000000000000000000000000000000000000bEEF";

const REPORT: OperationReport = {
  kind: "timelock",
  contract: TIMELOCK,
  id: ID,
  status: "waiting",
  readyAt: NOW + 2n * 86_400n + 3n * 3_600n + 5n,
  calls: [{ to: TIMELOCK, value: 7n, data: "0x", label: "Vault.pause()" }],
  salt: ID,
  scheduledTx: ID,
  run: "20261120-031500-timelock-schedule-1f0c",
};

const marked: Paint = (style, text) => `<${style}>${text}</${style}>`;

function format(change: Partial<OperationReport> = {}): string {
  return formatOperations([{ ...REPORT, ...change }], NOW, marked);
}

function asStranger(status: OperationReport["status"]): string {
  const { run, ...strange } = { ...REPORT, status };
  expect(run).to.not.equal(undefined);
  return formatOperations([strange], NOW, marked);
}

describe("operations as people see them", () => {
  it("count down in two units, and name the moment", () => {
    expect(format()).to.contain("ready in 2 d 3 h (2027-01-17T11:00:05.000Z)");
    expect(format({ readyAt: NOW + 3_605n })).to.contain("ready in 1 h (");
    expect(format({ readyAt: NOW + 65n })).to.contain("ready in 1 min 5 s (");
    expect(format({ status: "ready", expiresAt: NOW + 9n })).to.contain(
      "expires in 9 s (",
    );
  });

  it("have no calendar for some delays", () => {
    expect(format({ readyAt: 2n ** 200n })).to.contain(
      `(Unix time ${String(2n ** 200n)})`,
    );
  });

  it("say what they do, where, with how much", () => {
    expect(format()).to.contain(`Vault.pause()  →  ${TIMELOCK}, value 7 wei`);
  });

  it("are red while they are a stranger's and may still happen", () => {
    for (const status of ["waiting", "ready"] as const) {
      expect(asStranger(status)).to.match(/^<red>/);
      expect(format({ status })).to.not.contain("red");
    }
    expect(asStranger("cancelled")).to.not.contain("red");
    expect(asStranger("waiting")).to.contain("not by this machine");
    expect(format()).to.contain(`here in ${REPORT.run ?? ""}`);
  });

  it("say that a salt is missing, of those who have one", () => {
    const { salt, ...unsalted } = REPORT;
    expect(salt).to.equal(ID);
    const text = (report: OperationReport) =>
      formatOperations([report], NOW, marked);
    expect(text(unsalted)).to.contain("--salt");
    expect(text({ ...unsalted, kind: "access-manager" })).to.not.contain(
      "--salt",
    );
    expect(format()).to.not.contain("--salt");
  });
});
