import { expect } from "chai";

import type { StepReport } from "../../src/rehearsal/report.js";
import { measureTime } from "../../src/rehearsal/timing.js";

const PACE = { planned: 1, blockSeconds: 12, confirmations: 2 };

function step(
  id: string,
  seconds: number,
  sends: boolean,
  status: StepReport["status"] = "done",
): StepReport {
  const transaction = {} as StepReport["transactions"][number];
  return {
    id,
    title: id,
    status,
    seconds,
    waitsSeconds: 0,
    gasUsed: "0",
    transactions: sends ? [transaction] : [],
  };
}

describe("the time of a rehearsal", () => {
  it("counts blocks and confirmations for each step that sends", () => {
    const { paused, recovered } = measureTime(
      "rollback",
      [
        step("pause:1", 2, true),
        step("pause:2", 2, true),
        step("rollback", 4, true),
        step("verify", 8, false),
        step("unpause", 16, true),
        step("record", 32, false),
      ],
      PACE,
    );
    expect(paused).to.deep.equal({
      seconds: 5,
      blocks: 4,
      waitsSeconds: 0,
      onChainSeconds: 5 + 4 * 12,
    });
    expect(recovered).to.deep.equal({
      seconds: 33,
      blocks: 8,
      waitsSeconds: 0,
      onChainSeconds: 33 + 8 * 12,
    });
  });

  it("adds the delays that the chain's rules ask for", () => {
    const wait = { ...step("rollback:wait", 0, false), waitsSeconds: 3600 };
    const { paused, recovered } = measureTime(
      "rollback",
      [step("pause", 2, true), wait, step("rollback:execute", 3, true)],
      PACE,
    );
    expect(paused).to.include({ waitsSeconds: 0, onChainSeconds: 27 });
    expect(recovered).to.include({ waitsSeconds: 3600, onChainSeconds: 3654 });
  });

  it("isn't a recovery before all went well", () => {
    const { paused, recovered } = measureTime(
      "rollback",
      [step("pause", 2, true), step("rollback", 4, true, "failed")],
      PACE,
    );
    expect(paused).to.include({ seconds: 3 });
    expect(recovered).to.equal(null);
  });

  it("isn't paused while one of the pauses failed", () => {
    const { paused } = measureTime(
      "pause",
      [step("pause:1", 2, true), step("pause:2", 2, true, "failed")],
      PACE,
    );
    expect(paused).to.equal(null);
  });
});
