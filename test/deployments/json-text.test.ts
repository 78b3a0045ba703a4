import { expect } from "chai";
import fc from "fast-check";

import { findJsonFault } from "../../src/deployments/json-text.js";

describe("findJsonFault", () => {
  it("finds nothing in what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(4), (json, indentation) => {
        const text = JSON.stringify(JSON.parse(json), undefined, indentation);
        expect(findJsonFault(text)).to.equal(undefined);
      }),
    );
  });

  it("finds a fault when JSON.parse does, and only then", () => {
    const edits = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...Array.from("{}[],:\"\\1-.eE+ \ntx")));
    fc.assert(
      fc.property(edits, ([json, at, inserted]) => {
        const place = at % (json.length + 1);
        const text = json.slice(0, place) + inserted + json.slice(place);
        const fault = findJsonFault(text);
        // A key that is there twice is found first, whatever comes after it.
        if (fault?.kind !== "duplicate-key") {
          expect(fault === undefined).to.equal(isJson(text));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [text, line, column] of [
    ['{\n  "a": 1,\n}', 3, 1],
    ['{\n  "a": abc\n}', 2, 8],
    ['{ "a": 1', 1, 9],
    ["{ 'a': 1 }", 1, 3],
    ['{"a": "x\ny"}', 1, 7],
    ["[1 2]", 1, 4],
    ["[01]", 1, 2],
    ["{} {}", 1, 4],
    ["", 1, 1],
  ] as const) {
    it(`points at line ${String(line)}, column ${String(column)} of ${JSON.stringify(text)}`, () => {
      const fault = findJsonFault(text);
      expect(fault?.kind).to.equal("syntax");
      expect([fault?.line, fault?.column]).to.deep.equal([line, column]);
    });
  }

  it("finds a key that is there twice, however it is written", () => {
    const fault = findJsonFault('{"list": [{"b": 1,\n "\\u0062": 2}]}');
    expect(fault?.kind).to.equal("duplicate-key");
    expect(fault?.path).to.deep.equal(["list", "0", "b"]);
    expect(fault?.line).to.equal(2);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
