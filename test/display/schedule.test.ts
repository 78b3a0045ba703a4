import { expect } from "chai";
import * as fc from "fast-check";

import { formatDifference } from "../../src/display/schedule.js";
import { plain } from "../../src/display/text.js";

describe("formatDifference", () => {
  it("shows the lines that go and those that come", () => {
    expect(formatDifference("a\nb\nc\n", "a\nx\nc\nd\n", plain)).to.equal(
      "- b\n+ x\n+ d\n",
    );
    expect(formatDifference("same\n", "same\n", plain)).to.equal("");
  });

  it("takes from the old all that it says goes, and ends with the new", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (old, next) => {
        const told = formatDifference(old.join("\n"), next.join("\n"), plain);
        const count = (mark: string) =>
          told.split("\n").filter((line) => line.startsWith(mark)).length;
        const [before, after] = [old, next].map(
          (all) => all.join("\n").split("\n").length,
        );
        expect(before! - count("- ") + count("+ ")).to.equal(after);
        expect(told === "").to.equal(old.join() === next.join());
      }),
    );
  });
});
