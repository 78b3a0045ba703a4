import { expect } from "chai";

import { countTests, judge } from "../../src/drill/conclude.js";
import { createRandom } from "../../src/drill/random.js";
import { sabotage } from "../../src/drill/sabotage.js";
import type { CheckReport } from "../../src/drill/report.js";
import { selectorOf } from "../../src/chain/abi.js";
import { sampleCheck, sampleReport } from "./sample-report.js";

describe("a drill's verdict", () => {
  const checks = (passed: number, failed: number, skipped: number) =>
    [
      ["passed", passed],
      ["failed", failed],
      ["skipped", skipped],
    ].flatMap(([status, count]) =>
      Array.from({ length: Number(count) }, () =>
        sampleCheck({
          status: status as CheckReport["status"],
          critical: false,
        }),
      ),
    );

  function verdict(
    all: readonly CheckReport[],
    scenarios = sampleReport().scenarios,
  ): string {
    return judge({ checks: all, tests: countTests(all), scenarios });
  }

  it("takes nine of ten, whatever was skipped", () => {
    expect(verdict(checks(9, 1, 0))).to.equal("PASSED");
    expect(verdict(checks(9, 1, 100))).to.equal("PASSED");
    expect(verdict(checks(89, 11, 0))).to.equal("FAILED");
    expect(countTests(checks(9, 1, 5))).to.deep.equal({
      total: 15,
      passed: 9,
      failed: 1,
      skipped: 5,
      successRate: 90,
    });
    // 89.96 %, which is no 90 %.
    expect(verdict(checks(2248, 251, 0))).to.equal("FAILED");
  });

  it("doesn't forgive a critical one, or a scenario", () => {
    const critical = sampleCheck({ status: "failed" });
    expect(verdict([...checks(1000, 0, 0), critical])).to.equal("FAILED");
    const [scenario] = sampleReport().scenarios;
    const failed = { ...scenario!, status: "failed" as const };
    expect(verdict(checks(10, 0, 0), [scenario!, failed])).to.equal("FAILED");
  });

  it("isn't good where nothing was drilled", () => {
    expect(verdict([])).to.equal("FAILED");
    expect(verdict(checks(0, 0, 10))).to.equal("FAILED");
    expect(verdict(checks(10, 0, 0), [])).to.equal("FAILED");
  });
});

describe("chance", () => {
  it("is the same for the same seed, and reaches all", () => {
    const draw = (seed: number) => {
      const random = createRandom(seed);
      return Array.from({ length: 20 }, () => random.choose([1, 2, 3]));
    };
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).not.to.deep.equal(draw(8));
    expect(new Set(draw(7))).to.deep.equal(new Set([1, 2, 3]));
    expect(createRandom(0).choose(["only"])).to.equal("only");
  });
});

describe("sabotage", () => {
  it("takes users' functions away, and leaves those of whoever looks after it", () => {
    const here = `0x${"11".repeat(20)}` as const;
    const there = `0x${"22".repeat(20)}` as const;
    const compare = (signature: string) =>
      `8063${selectorOf(signature).slice(2)}14`;
    const kept = compare("function pause()");
    const user = compare("function transfer(address,uint256)");
    const code = `0x${kept}${user}73${here.slice(2)}` as const;
    const broken = sabotage(code, here, there);
    expect(broken).to.have.length(code.length);
    expect(broken).to.include(kept);
    expect(broken).not.to.include(user);
    expect(broken.endsWith(`73${there.slice(2)}`)).to.equal(true);
  });
});
