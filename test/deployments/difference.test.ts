import { expect } from "chai";
import fc from "fast-check";

import { compareJson } from "../../src/deployments/difference.js";

describe("compareJson", () => {
  it("finds nothing between a value and its copy", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(compareJson(value, structuredClone(value))).to.deep.equal([]);
      }),
    );
  });

  it("finds something between values that differ", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const isSame = JSON.stringify(before) === JSON.stringify(after);
        fc.pre(!isSame);
        const found = compareJson({ before }, { before: after });
        const isReordered =
          found.length === 0 && sorted(before) === sorted(after);
        expect(found.length > 0 || isReordered).to.equal(true);
      }),
    );
  });

  it("goes as deep as it can", () => {
    expect(
      compareJson(
        { a: { b: [{ c: 1, d: 2 }] }, e: 1 },
        { a: { b: [{ c: 1, d: 3 }] }, e: 1 },
      ),
    ).to.deep.equal([{ path: "a.b[0].d", before: 2, after: 3 }]);
  });

  it("tells what is new and what is gone", () => {
    expect(compareJson({ old: 1 }, { new: 2 })).to.deep.equal([
      { path: "old", before: 1, after: undefined },
      { path: "new", before: undefined, after: 2 },
    ]);
  });

  it("takes an entry put in front for one difference", () => {
    expect(compareJson({ l: [1, 2] }, { l: [0, 1, 2] })).to.deep.equal([
      { path: "l[0]", before: undefined, after: 0 },
    ]);
  });

  it("takes an entry taken from the middle for one difference", () => {
    expect(compareJson([1, 2, 3], [1, 3])).to.deep.equal([
      { path: "[1]", before: 2, after: undefined },
    ]);
  });
});

/** JSON with the keys of objects in one order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, found: unknown) =>
    typeof found === "object" && found !== null && !Array.isArray(found)
      ? Object.fromEntries(
          Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : found,
  );
}
