import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { chmod, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { plain } from "../../src/display/text.js";
import { formatGeneratedKey } from "../../src/display/keys.js";
import { readBackupKey } from "../../src/artifact/backup-key.js";
import { createDecrypter, createEncrypter } from "../../src/core/age.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { openProject } from "./project.js";

interface KeyJson {
  readonly file: string;
  readonly shown: string;
  readonly error?: { readonly code: string };
}

describe("dr:keys:generate", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    hre = await openProject(folder.path);
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function generate(file: string, purpose: string): Promise<KeyJson> {
    return (await hre.tasks
      .getTask("dr:keys:generate")
      .run({ file, for: purpose, json: true })) as KeyJson;
  }

  it("makes what `openssl rand -hex 32` makes, for encryption", async () => {
    const { file, shown } = await generate("backup.key", "encryption");
    expect(file).to.equal(join(folder.path, "backup.key"));
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    const text = await readFile(file, "utf8");
    expect(text).to.match(/^[0-9a-f]{64}\n$/);
    const { fingerprint, bytes } = await readBackupKey(file);
    expect(shown)
      .to.equal(fingerprint)
      .and.to.match(/^[0-9a-f]{16}$/);
    expect(bytes!.toString("hex")).to.equal(text.trim());
    const other = await generate("other.key", "encryption");
    expect(other.shown).to.not.equal(shown);
    expect(process.exitCode).to.equal(0);
  });

  it("makes what openssl signs with, for signing", async () => {
    const { file, shown } = await generate("signing.pem", "signing");
    const pem = execFileSync("openssl", ["pkey", "-in", file, "-pubout"]);
    const { x } = createPublicKey(pem).export({ format: "jwk" });
    expect(Buffer.from(x!, "base64url").toString("hex")).to.equal(shown);
  });

  it("makes what age opens with, for age", async () => {
    const { file, shown } = await generate("age.key", "age");
    const sealed = await (await createEncrypter([shown])).encrypt("words");
    const decrypter = await createDecrypter(file, "it");
    expect(await decrypter.decrypt(sealed, "text")).to.equal("words");
  });

  it("never touches a key that is there, and shows nothing of one", async () => {
    for (const purpose of ["encryption", "signing", "age"] as const) {
      const name = `${purpose}.key`;
      const { file, shown } = await generate(name, purpose);
      const before = await readFile(file, "utf8");
      const { error } = await generate(name, purpose);
      expect(error?.code).to.equal("KEY_FILE_EXISTS");
      expect(process.exitCode).to.equal(3);
      expect(await readFile(file, "utf8")).to.equal(before);
      const text = formatGeneratedKey({ file, purpose, shown }, plain);
      const secrets = before
        .split("\n")
        .filter((line) => !line.includes(shown));
      for (const secret of secrets.filter((line) => line.length > 40)) {
        expect(text).to.not.include(secret);
      }
    }
    const left = await readdir(folder.path);
    expect(left.filter((name) => name.endsWith(".tmp"))).to.deep.equal([]);
  });

  it("says what it doesn't know, and where it can't write", async () => {
    expect((await generate("a.key", "house")).error?.code).to.equal(
      "OPTION_INVALID",
    );
    expect((await generate("no/folder/a.key", "age")).error?.code).to.equal(
      "NOT_WRITABLE",
    );
    expect(process.exitCode).to.equal(3);
    await chmod(folder.path, 0o700);
  });
});
