import { chmod, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { readSecretFile } from "../../src/core/secret-file.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { refusalOf } from "../deployments/refusal.js";

const NOBODY = 65_534;

describe("a file with a secret", () => {
  const folder = useTemporaryFolder();

  async function place(mode: number): Promise<string> {
    const file = join(folder.path, "secret.key");
    await writeFile(file, "hunter2\n");
    await chmod(file, mode);
    return file;
  }

  async function errorOf(file: string) {
    return await refusalOf(async () => await readSecretFile(file, "the key"));
  }

  it("is read when only its owner may", async () => {
    for (const mode of [0o600, 0o400]) {
      const file = await place(mode);
      expect(await readSecretFile(file, "the key")).to.equal("hunter2\n");
    }
  });

  it("is refused when others may read or change it, without a word of it", async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
      const { code, message } = await errorOf(await place(mode));
      expect(code).to.equal("KEY_FILE_EXPOSED");
      expect(message)
        .to.include(mode.toString(8))
        .and.to.include("the key")
        .and.to.not.include("hunter2");
    }
  });

  it("is refused when it is somebody else's", async function () {
    if (process.getuid?.() !== 0) {
      this.skip(); // only root gives files away
    }
    const file = await place(0o600);
    await chown(file, NOBODY, NOBODY);
    expect((await errorOf(file)).code).to.equal("KEY_FILE_FOREIGN");
  });

  it("is missed, and a folder is none", async () => {
    const missing = await errorOf(join(folder.path, "nowhere"));
    expect(missing.code).to.equal("KEY_FILE_UNREADABLE");
    await chmod(folder.path, 0o700);
    expect((await errorOf(folder.path)).code).to.equal("KEY_FILE_UNREADABLE");
  });
});
