import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import * as fc from "fast-check";

import { createSealing, isSealed } from "../../src/safe/sealing.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { placeKey, RECIPIENT, VECTORS } from "../helpers/go-bag.js";
import { requirePrograms } from "../helpers/programs.js";

/** Of somebody else. */
const OTHER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

describe("what is sealed", () => {
  const folder = useTemporaryFolder();

  async function sealing(recipients: readonly string[] = [RECIPIENT]) {
    return createSealing({
      recipients,
      identityFile: await placeKey(folder.path),
    });
  }

  it("comes back as it was", async () => {
    const { seal, open } = await sealing();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        const sealed = await seal(text);
        expect(isSealed(sealed)).to.equal(true);
        expect(await open(sealed, "it")).to.equal(text);
      }),
      { numRuns: 20 },
    );
  });

  it("may be opened by each of its recipients", async () => {
    const { seal, open } = await sealing([OTHER, RECIPIENT]);
    expect(await open(await seal("for both"), "it")).to.equal("for both");
  });

  it("is age's own format: what age has sealed is opened", async () => {
    const { open } = await sealing();
    const file = join(VECTORS, "sealed.json.age");
    const sealed = await readFile(file, "utf8");
    expect(isSealed(sealed)).to.equal(true);
    expect(await open(sealed, file)).to.equal('{"sealed": "by age 1.1"}\n');
  });

  it("isn't opened with another key", async () => {
    const { open } = await sealing();
    const sealed = await (await sealing([OTHER])).seal("not for us");
    expect(await codeOf(async () => open(sealed, "it"))).to.equal(
      "GO_BAG_NOT_OPENED",
    );
  });

  it("isn't opened when one of its bytes was changed", async () => {
    const { seal, open } = await sealing();
    const lines = (await seal("a proposal")).split("\n");
    const body = Buffer.from(lines.slice(1, -2).join(""), "base64");
    const armored = (bytes: Buffer) =>
      [
        lines[0],
        ...(bytes.toString("base64").match(/.{1,64}/g) ?? []),
        "-----END AGE ENCRYPTED FILE-----",
        "",
      ].join("\n");
    expect(await open(armored(body), "it")).to.equal("a proposal");
    for (const [index, byte] of body.entries()) {
      const changed = Buffer.from(body);
      changed[index] = byte ^ 1;
      expect(
        await codeOf(async () => open(armored(changed), "it")),
        `byte ${String(index)}`,
      ).to.equal("GO_BAG_NOT_OPENED");
    }
  });

  it("needs a key that is set up", async () => {
    const { seal, open } = createSealing(undefined);
    expect(await codeOf(async () => seal("a"))).to.equal(
      "GO_BAG_NOT_CONFIGURED",
    );
    expect(await codeOf(async () => open("a", "it"))).to.equal(
      "GO_BAG_NOT_CONFIGURED",
    );
  });

  it("is sealed without the key that opens it", async () => {
    const { seal, open } = createSealing({ recipients: [RECIPIENT] });
    const sealed = await seal("a");
    expect(await codeOf(async () => open(sealed, "it"))).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    const complete = await sealing();
    expect(await complete.open(sealed, "it")).to.equal("a");
  });

  it("is opened by age itself", async function () {
    requirePrograms(this, "age");
    const { seal } = await sealing();
    const file = join(folder.path, "sealed.age");
    await writeFile(file, await seal("words"));
    const key = await placeKey(folder.path);
    const opened = execFileSync("age", ["-d", "-i", key, file]);
    expect(opened.toString()).to.equal("words");
  });

  it("isn't sealed for who is no recipient", async () => {
    const { seal } = createSealing({ recipients: ["age1nobody"] });
    expect(await codeOf(async () => seal("a"))).to.equal(
      "AGE_RECIPIENT_INVALID",
    );
  });

  it("isn't opened with a key that others may read", async () => {
    const { seal } = await sealing();
    const sealed = await seal("a");
    for (const mode of [0o640, 0o604, 0o620]) {
      const { open } = createSealing({
        recipients: [RECIPIENT],
        identityFile: await placeKey(folder.path, mode),
      });
      expect(await codeOf(async () => open(sealed, "it"))).to.equal(
        "KEY_FILE_EXPOSED",
      );
    }
  });

  it("says that a key file is missing, or empty, without showing any of it", async () => {
    const missing = createSealing({
      recipients: [RECIPIENT],
      identityFile: join(folder.path, "nowhere.key"),
    });
    expect(await codeOf(async () => missing.open("a", "it"))).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    const file = await placeKey(folder.path);
    const { open } = createSealing({
      recipients: [RECIPIENT],
      identityFile: file,
    });
    await writeFile(file, "# no key\n\n");
    expect(await codeOf(async () => open("a", "it"))).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    await writeFile(file, "AGE-SECRET-KEY-1BROKEN\n");
    const error = await open("a", "it").then(String, String);
    expect(error).to.include("no private key of age").and.not.include("BROKEN");
  });
});
