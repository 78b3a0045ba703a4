import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";

import { expect } from "chai";

import { CbcDecryption } from "../../src/artifact/openssl-cbc.js";
import { through } from "../../src/artifact/stage.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";

const PASSPHRASE = "correct horse battery staple";
const CONTENT = gzipSync("INSERT INTO profiles VALUES (1);\n".repeat(5000));

/** Ways in which the files of shell scripts were made. */
const WAYS = {
  "with 600,000 rounds": ["-pbkdf2", "-iter", "600000"],
  "with openssl's own 10,000 rounds": ["-pbkdf2"],
  "with SHA-256 alone": ["-md", "sha256"],
} as const;

describe("a file that openssl encrypted", () => {
  const folder = useTemporaryFolder();

  before(function () {
    requirePrograms(this, "openssl");
  });

  async function encrypt(way: readonly string[]): Promise<string> {
    const [plain, key] = ["plain.gz", "old.key"].map((name) =>
      join(folder.path, name),
    ) as [string, string];
    const encrypted = `${plain}.enc`;
    await writeFile(plain, CONTENT);
    await writeFile(key, `${PASSPHRASE}\n`);
    const files = ["-pass", `file:${key}`, "-in", plain, "-out", encrypted];
    execFileSync(
      "openssl",
      ["enc", "-aes-256-cbc", "-salt", ...way, ...files],
      { stdio: "ignore" },
    );
    return encrypted;
  }

  async function decrypt(
    file: string,
    passphrase = PASSPHRASE,
  ): Promise<Buffer> {
    const stage = through(
      new CbcDecryption("it", passphrase, (start) =>
        start.subarray(0, 2).equals(CONTENT.subarray(0, 2)),
      ),
    );
    // A few bytes at a time: the header may come in pieces.
    return await buffer(
      await stage(createReadStream(file, { highWaterMark: 5 })),
    );
  }

  for (const [name, way] of Object.entries(WAYS)) {
    it(`is opened: ${name}`, async () => {
      expect(await decrypt(await encrypt(way))).to.deep.equal(CONTENT);
    });
  }

  it("isn't opened by another key, cut off, or when it is something else", async () => {
    const file = await encrypt(WAYS["with openssl's own 10,000 rounds"]);
    expect(await codeOf(async () => await decrypt(file, "another"))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
    const good = await readFile(file);
    for (const size of [0, 7, 16, 31, good.length - 1]) {
      await writeFile(file, good);
      await truncate(file, size);
      expect(
        await codeOf(async () => await decrypt(file)),
        String(size),
      ).to.equal("ARTIFACT_NOT_OPENED");
    }
    await writeFile(file, Buffer.concat([Buffer.from("Unsalted"), good]));
    expect(await codeOf(async () => await decrypt(file))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
  });
});
