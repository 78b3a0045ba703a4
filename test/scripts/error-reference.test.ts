import { readFile } from "node:fs/promises";

import { expect } from "chai";

import { formatErrorReference } from "../../scripts/error-reference.js";

describe("docs/errors.md", () => {
  it("is the catalogue (else: tsx scripts/write-errors.ts)", async () => {
    expect(await readFile("docs/errors.md", "utf8")).to.equal(
      formatErrorReference(),
    );
  });
});
