import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { DrConfig } from "../../../src/config/types.js";
import { readErased } from "../../../src/database/recover/erased.js";
import { errorOf } from "../../offsite/describe-storage.js";

describe("the list of erased rows", () => {
  let file = "";

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-erased-"));
    file = join(folder, "erased.txt");
  });

  afterEach(async () => {
    await rm(join(file, ".."), { recursive: true });
  });

  async function read(content: string | Buffer) {
    await writeFile(file, content);
    const database = { erased: { profiles: { file } } } as unknown;
    return await readErased({ database } as Pick<DrConfig, "database">);
  }

  it("is the same from an editor that marks the beginning of a file", async () => {
    const keys = [["ann", "1"], ["Zoë"]];
    for (const mark of ["", "\uFEFF"]) {
      expect(await read(`${mark}ann\t1\r\nZoë\r\n`)).to.deep.equal([
        { table: "profiles", keys },
      ]);
    }
  });

  it("is refused where it isn't in UTF-8: a key would be taken for another", async () => {
    expect(
      (await errorOf(read(Buffer.from("ann\nZoë\n", "latin1")))).code,
    ).to.equal("RECOVER_ERASED_INVALID");
  });
});
