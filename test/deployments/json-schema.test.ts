import { readFile } from "node:fs/promises";

import { expect } from "chai";

import {
  formatPublishedSchema,
  PUBLISHED_SCHEMA,
} from "../../scripts/write-schema.js";

describe("schema/deploy.schema.json", () => {
  it("is what scripts/write-schema.ts writes", async () => {
    expect(await readFile(PUBLISHED_SCHEMA, "utf8")).to.equal(
      await formatPublishedSchema(),
    );
  });
});
