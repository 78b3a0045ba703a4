import { expect } from "chai";
import fc from "fast-check";

import {
  decideRetention,
  type RetentionEntry,
} from "../../src/artifact/retention.js";

const NOW = new Date("2024-06-01T00:00:00Z");
const DAYS = 30;

function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * 86_400_000);
}

function entry(
  name: string,
  age: number,
  changes: Partial<RetentionEntry> = {},
): RetentionEntry {
  return {
    name,
    kind: "database",
    createdAt: daysAgo(age),
    status: "complete",
    ...changes,
  };
}

/** `a: young, b: removed` */
function decide(...entries: readonly RetentionEntry[]): string {
  const { keep, remove } = decideRetention(entries, DAYS, NOW);
  return [
    ...keep.map(({ name, why }) => `${name}: ${why}`),
    ...remove.map((name) => `${name}: removed`),
  ]
    .toSorted()
    .join(", ");
}

describe("retention", () => {
  it("removes what is older than so many days, and not a moment younger", () => {
    expect(decide(entry("a", 0), entry("b", 30), entry("c", 30.001))).to.equal(
      "a: young, b: young, c: removed",
    );
  });

  it("keeps the newest good one of a kind, however old", () => {
    expect(
      decide(
        entry("a", 99),
        entry("b", 98),
        entry("c", 97, { status: "unfinished" }),
        entry("d", 96, { status: "orphaned" }),
        entry("e", 95, { kind: "files" }),
      ),
    ).to.equal("a: removed, b: newest, c: removed, d: removed, e: newest");
  });

  it("doesn't let one from the future stand in for it", () => {
    expect(decide(entry("a", -1), entry("b", 99), entry("c", 100))).to.equal(
      "a: future, b: newest, c: removed",
    );
  });

  it("keeps the last that was proven", () => {
    expect(
      decide(
        entry("a", 50, { provenAt: daysAgo(3) }),
        entry("b", 45, { provenAt: daysAgo(4) }),
        entry("c", 60, { provenAt: daysAgo(2), status: "orphaned" }),
        entry("d", 1),
      ),
    ).to.equal("a: proven, b: removed, c: removed, d: young");
  });

  it("keeps what others build on, and what builds on nothing only for its age", () => {
    const files = { kind: "files" } as const;
    expect(
      decide(
        entry("full", 40, files),
        entry("one", 35, { ...files, base: "full" }),
        entry("two", 29, { ...files, base: "one" }),
        entry("other", 36, files),
        entry("lost", 33, { ...files, base: "gone" }),
      ),
    ).to.equal(
      "full: base, lost: removed, one: base, other: removed, two: young",
    );
  });

  it("takes none for good whose base is gone, or isn't one", () => {
    expect(
      decide(
        entry("a", 50),
        entry("b", 49, { base: "gone" }),
        entry("c", 48, { base: "c" }),
        entry("d", 47, { base: "x" }),
        entry("x", 46, { status: "unfinished" }),
        entry("e", 45, { base: "f" }),
        entry("f", 44, { kind: "files" }),
      ),
    ).to.equal(
      "a: newest, b: removed, c: removed, d: removed, e: removed, f: newest, x: removed",
    );
  });

  it("never removes contract snapshots, old scripts' files, nor what is locked", () => {
    expect(
      decide(
        entry("a", 999, { kind: "contracts" }),
        entry("b", 998, { kind: "contracts", status: "unfinished" }),
        entry("c", 999, { status: "legacy" }),
        entry("d", 999, { lockedUntil: daysAgo(-1) }),
        entry("e", 999, { lockedUntil: daysAgo(1) }),
        entry("f", 0),
      ),
    ).to.equal(
      "a: contracts, b: contracts, c: legacy, d: locked, e: removed, f: young",
    );
  });

  it("removes an incremental one before its base", () => {
    const { remove } = decideRetention(
      [entry("full", 50), entry("one", 49, { base: "full" }), entry("new", 0)],
      DAYS,
      NOW,
    );
    expect(remove).to.deep.equal(["one", "full"]);
  });

  describe("of any place", () => {
    const names = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
    const dates = fc.integer({ min: -20, max: 120 }).map(daysAgo);
    const places = fc.uniqueArray(
      fc.record(
        {
          name: names,
          kind: fc.constantFrom("database", "contracts", "files"),
          createdAt: dates,
          status: fc.constantFrom(
            "complete",
            "complete",
            "legacy",
            "unfinished",
            "orphaned",
          ),
          provenAt: dates,
          lockedUntil: dates,
          base: names,
        },
        { requiredKeys: ["name", "kind", "createdAt", "status"] },
      ),
      { selector: ({ name }) => name, maxLength: 8 },
    ) as fc.Arbitrary<RetentionEntry[]>;
    const days = fc.integer({ min: 1, max: 90 });

    function law(
      check: (entries: readonly RetentionEntry[], days: number) => void,
    ): void {
      fc.assert(fc.property(places, days, check), { numRuns: 500 });
    }

    const kept = (entries: readonly RetentionEntry[], days: number) =>
      new Set(decideRetention(entries, days, NOW).keep.map(({ name }) => name));

    function isRestorable(
      one: RetentionEntry,
      among: readonly RetentionEntry[],
      depth = 0,
    ): boolean {
      const base = among.find(
        ({ name, kind }) => name === one.base && kind === one.kind,
      );
      return (
        one.status === "complete" &&
        depth < 10 &&
        (one.base === undefined ||
          (base !== undefined && isRestorable(base, among, depth + 1)))
      );
    }

    it("decides of each artifact, and only once", () => {
      law((entries, days) => {
        const { keep, remove } = decideRetention(entries, days, NOW);
        expect(
          [...keep.map(({ name }) => name), ...remove].toSorted(),
        ).to.deep.equal(entries.map(({ name }) => name).toSorted());
      });
    });

    it("removes only what is old, ours and free", () => {
      law((entries, days) => {
        const { remove } = decideRetention(entries, days, NOW);
        for (const one of entries.filter(({ name }) => remove.includes(name))) {
          expect(one.createdAt < daysAgo(days)).to.equal(true);
          expect(one.kind).to.not.equal("contracts");
          expect(one.status).to.not.equal("legacy");
          expect((one.lockedUntil ?? NOW) <= NOW).to.equal(true);
        }
      });
    });

    it("leaves whatever can be restored today and stays restorable afterwards", () => {
      law((entries, days) => {
        const names = kept(entries, days);
        const after = entries.filter(({ name }) => names.has(name));
        for (const one of after) {
          expect(isRestorable(one, after)).to.equal(isRestorable(one, entries));
        }
      });
    });

    it("leaves the newest that can be restored, of each kind", () => {
      law((entries, days) => {
        const names = kept(entries, days);
        for (const kind of ["database", "contracts", "files"]) {
          const good = entries
            .filter((one) => one.kind === kind && isRestorable(one, entries))
            .filter(({ createdAt }) => createdAt <= NOW);
          const newest = Math.max(...good.map((one) => +one.createdAt));
          const best = good.filter((one) => +one.createdAt === newest);
          expect(
            best.length === 0 || best.some(({ name }) => names.has(name)),
          ).to.equal(true);
        }
      });
    });

    it("leaves the last that was proven, of each kind", () => {
      law((entries, days) => {
        const names = kept(entries, days);
        for (const kind of ["database", "files"]) {
          const proven = entries
            .filter((one) => one.kind === kind && isRestorable(one, entries))
            .filter(({ provenAt }) => provenAt !== undefined);
          const last = Math.max(...proven.map((one) => +one.provenAt!));
          const best = proven.filter(
            ({ provenAt }) => provenAt?.getTime() === last,
          );
          expect(
            best.length === 0 || best.some(({ name }) => names.has(name)),
          ).to.equal(true);
        }
      });
    });

    it("doesn't depend on the order, removes no more the second time, and less with more days", () => {
      law((entries, days) => {
        const decision = decideRetention(entries, days, NOW);
        expect(decideRetention(entries.toReversed(), days, NOW)).to.deep.equal(
          decision,
        );
        const names = kept(entries, days);
        const left = entries.filter(({ name }) => names.has(name));
        expect(decideRetention(left, days, NOW).remove).to.deep.equal([]);
        const longer = kept(entries, days + 5);
        expect([...names].every((name) => longer.has(name))).to.equal(true);
      });
    });
  });
});
