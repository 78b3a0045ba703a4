import { expect } from "chai";

import { isDrError, type ErrorCode } from "../../../src/core/errors.js";
import { assertAcceptable } from "../../../src/recovery/safety/acceptance.js";
import type { SafetyReport } from "../../../src/recovery/safety/safety-report.js";
import { reportOn } from "./upgraded-proxy.js";

describe("assertAcceptable", function () {
  let report: SafetyReport;

  before(async () => {
    report = await reportOn(
      { contract: "Ledger", call: ["initialize"] },
      { contract: "LedgerRetyped" },
    );
  });

  it("refuses what corrupts, and names what must be accepted", () => {
    const error = refusal(report, []);
    expect(error).to.include({
      code: "ROLLBACK_CORRUPTS_STORAGE",
      exitCode: 3,
    });
    expect(error?.fix).to.contain("--accept-storage-risk 1,2");
    expect(error?.message).to.contain("int256 payouts → uint256 payouts");
  });

  it("refuses as long as one slot isn't named", () => {
    const error = refusal(report, ["2"]);
    expect(error?.code).to.equal("ROLLBACK_CORRUPTS_STORAGE");
    expect(error?.message).to.contain("slot 1").and.to.not.contain("slot 2");
    expect(error?.fix).to.contain("1,2");
  });

  it("lets pass what was named, in whatever notation", () => {
    expect(refusal(report, ["1", "0x2"])).to.equal(undefined);
    expect(refusal(report, [" 0x01 ", `0x${"2".padStart(64, "0")}`])).to.equal(
      undefined,
    );
  });

  it("asks nothing for what is untouched", () => {
    const untouched: SafetyReport = {
      ...report,
      retyped: report.retyped.map((one) => ({ ...one, untouched: true })),
    };
    expect(refusal(untouched, [])).to.equal(undefined);
  });

  for (const slot of ["", "two", "-1", "1.5", "0x", `0x1${"0".repeat(64)}`]) {
    it(`doesn't take "${slot}" for a slot`, () => {
      expect(refusal(report, [slot])?.code).to.equal("STORAGE_SLOT_INVALID");
    });
  }
});

function refusal(
  report: SafetyReport,
  accepted: readonly string[],
):
  | { code: ErrorCode; message: string; fix: string; exitCode: number }
  | undefined {
  try {
    assertAcceptable(report, accepted);
    return undefined;
  } catch (error) {
    if (isDrError(error)) {
      return error;
    }
    throw error;
  }
}
