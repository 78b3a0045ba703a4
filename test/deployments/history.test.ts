import { expect } from "chai";
import fc from "fast-check";

import { sameAddress, type Address } from "../../src/core/hex.js";
import type { ContractRecord } from "../../src/deployments/deploy-file.js";
import {
  currentImplementation,
  findImplementation,
  previousImplementation,
  resolveTarget,
  withEntry,
} from "../../src/deployments/history.js";
import { arbitraryRecord } from "./arbitrary-file.js";
import { codeOf, refusalOf } from "./refusal.js";
import {
  FIRST,
  hashOf,
  sampleFile,
  sampleRecord,
  SECOND,
  THIRD,
} from "./sample-file.js";

/** A record with the history A, B, … and some of them bad. */
function recordOf(
  history: readonly Address[],
  bad: readonly Address[] = [],
): ContractRecord {
  return {
    ...sampleRecord(),
    implementations: Object.fromEntries(
      history.map((address) => [
        address,
        {
          codeHash: hashOf("1"),
          ...(bad.includes(address) ? { bad: "incident" } : {}),
        },
      ]),
    ),
    history: history.map((implementation) => ({
      implementation,
      reason: "upgrade",
    })),
  };
}

describe("previousImplementation", () => {
  for (const [what, history, bad, previous] of [
    ["a first upgrade", [FIRST, SECOND], [], FIRST],
    ["one implementation", [FIRST], [], undefined],
    ["an upgrade to the same", [FIRST, FIRST], [], undefined],
    ["a bad one in between", [FIRST, SECOND, THIRD], [SECOND], FIRST],
    ["a bad current one", [FIRST, SECOND], [SECOND], FIRST],
    ["a rollback", [FIRST, SECOND, FIRST], [SECOND], undefined],
    ["a rollback to the middle", [FIRST, SECOND, THIRD, SECOND], [THIRD], FIRST],
    ["only bad ones", [FIRST, SECOND], [FIRST], undefined],
  ] as const) {
    it(`is right after ${what}`, () => {
      expect(previousImplementation(recordOf(history, bad))).to.equal(previous);
    });
  }

  it("is in the history, isn't current, isn't bad, and nothing newer is all that", () => {
    fc.assert(
      fc.property(arbitraryRecord(), (record) => {
        const current = currentImplementation(record);
        const previous = previousImplementation(record);
        const good = record.history
          .map(({ implementation }) => implementation)
          .filter(
            (address) =>
              address !== current &&
              findImplementation(record, address)?.bad === undefined,
          );
        expect(previous).to.equal(good.at(-1));
      }),
    );
  });
});

describe("resolveTarget", () => {
  const sample = { name: "SkillProfile", record: sampleRecord() };

  it("takes the previous one by default and by that word", () => {
    expect(resolveTarget(sample)).to.equal(FIRST);
    expect(resolveTarget(sample, "previous")).to.equal(FIRST);
  });

  it("takes a version and an address in any case", () => {
    expect(resolveTarget(sample, "1.0.0")).to.equal(FIRST);
    expect(resolveTarget(sample, FIRST.toLowerCase())).to.equal(FIRST);
  });

  it("refuses when there is no previous one", async () => {
    const record = recordOf([FIRST]);
    expect(await codeOf(() => resolveTarget({ name: "A", record }))).to.equal(
      "NO_PREVIOUS_IMPLEMENTATION",
    );
  });

  it("refuses what deploy.json doesn't know, and lists what it does", async () => {
    for (const target of ["9.9.9", THIRD]) {
      const error = await refusalOf(() => resolveTarget(sample, target));
      expect(error.code).to.equal("TARGET_UNKNOWN");
      expect(error.fix).to.contain(FIRST).and.to.contain("1.0.0");
      expect(error.fix).not.to.contain(SECOND);
    }
  });

  it("refuses the current one", async () => {
    for (const target of ["2.0.0", SECOND]) {
      expect(await codeOf(() => resolveTarget(sample, target))).to.equal(
        "TARGET_IS_CURRENT",
      );
    }
  });

  it("refuses a version that several have", async () => {
    const { record } = sample;
    const twice = {
      ...record,
      implementations: {
        ...record.implementations,
        [THIRD]: { version: "1.0.0", codeHash: hashOf("3") },
      },
    };
    const error = await refusalOf(() =>
      resolveTarget({ name: "A", record: twice }, "1.0.0"),
    );
    expect(error.code).to.equal("TARGET_AMBIGUOUS");
    expect(error.message).to.contain(FIRST).and.to.contain(THIRD);
  });

  it("refuses a bad one by its version, and takes it by its address", async () => {
    const file = withEntry(
      sampleFile(),
      "SkillProfile",
      { implementation: SECOND, reason: "upgrade" },
      { markBad: { implementation: FIRST, reason: "incident" } },
    );
    const record = file.contracts.SkillProfile!;
    const marked = { name: "SkillProfile", record };
    expect(await codeOf(() => resolveTarget(marked, "1.0.0"))).to.equal(
      "TARGET_MARKED_BAD",
    );
    expect(resolveTarget(marked, FIRST)).to.equal(FIRST);
  });
});

describe("withEntry", () => {
  it("makes the entry's implementation the current one and changes nothing else", () => {
    const before = sampleFile();
    const file = withEntry(before, "SkillProfile", {
      implementation: FIRST,
      reason: "rollback",
      block: 100,
    });
    const { history, ...rest } = file.contracts.SkillProfile!;
    expect(history.at(-1)?.implementation).to.equal(FIRST);
    const { history: old, ...unchanged } = sampleRecord();
    expect(history.slice(0, -1)).to.deep.equal(old);
    expect(rest).to.deep.equal(unchanged);
    expect(before).to.deep.equal(sampleFile());
  });

  it("marks the bad one and keeps what was written about it", () => {
    const file = withEntry(
      sampleFile(),
      "SkillProfile",
      { implementation: FIRST, reason: "rollback" },
      { markBad: { implementation: SECOND, reason: "incident" } },
    );
    const { implementations } = file.contracts.SkillProfile!;
    expect(implementations[SECOND]).to.deep.equal({
      version: "2.0.0",
      codeHash: hashOf("2"),
      bad: "incident",
    });
  });

  it("records a new implementation, by its checksummed address", () => {
    const file = withEntry(
      sampleFile(),
      "SkillProfile",
      { implementation: THIRD, reason: "upgrade" },
      { implementation: { codeHash: hashOf("3") } },
    );
    const { implementations } = file.contracts.SkillProfile!;
    expect(Object.keys(implementations)).to.deep.equal([FIRST, SECOND, THIRD]);
  });

  it("tells what is new about a known one without losing the rest", () => {
    const lower = FIRST.toLowerCase() as Address;
    const file = withEntry(
      sampleFile(),
      "SkillProfile",
      { implementation: lower, reason: "upgrade" },
      { implementation: { version: "1.0.1", codeHash: hashOf("1") } },
    );
    const { implementations } = file.contracts.SkillProfile!;
    expect(Object.keys(implementations)).to.have.length(2);
    expect(implementations[FIRST]).to.include({
      version: "1.0.1",
      contract: "contracts/SkillProfile.sol:SkillProfile",
    });
  });

  it("refuses an implementation nothing is known of", async () => {
    const entry = { implementation: THIRD, reason: "upgrade" } as const;
    expect(
      await codeOf(() => withEntry(sampleFile(), "SkillProfile", entry)),
    ).to.equal("TARGET_UNKNOWN");
  });

  it("compares addresses in any case", () => {
    const record = recordOf([FIRST, SECOND]);
    const lower = record.history.map((entry) => ({
      ...entry,
      implementation: entry.implementation.toLowerCase() as Address,
    }));
    const previous = previousImplementation({ ...record, history: lower });
    expect(sameAddress(previous ?? "", FIRST)).to.equal(true);
  });
});
