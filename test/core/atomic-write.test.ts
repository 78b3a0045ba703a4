import {
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { writeAtomically } from "../../src/core/atomic-write.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

describe("writeAtomically", () => {
  const folder = useTemporaryFolder();
  const path = (): string => join(folder.path, "file.json");

  it("leaves no trace when it is called off", async () => {
    for (const before of [undefined, "old"]) {
      if (before !== undefined) {
        await writeFile(path(), before);
      }
      const listed = await readdir(folder.path);
      const reason = new Error("changed meanwhile");
      const thrown = writeAtomically(path(), "new", {
        beforeRename: () => Promise.reject(reason),
      }).catch((error: unknown) => error);
      expect(await thrown).to.equal(reason);
      expect(await readdir(folder.path)).to.deep.equal(listed);
    }
    expect(await readFile(path(), "utf8")).to.equal("old");
  });

  it("lets everybody read a new file, whatever the process's umask", async () => {
    const umask = process.umask(0o077);
    try {
      await writeAtomically(path(), "new");
    } finally {
      process.umask(umask);
    }
    expect((await stat(path())).mode & 0o777).to.equal(0o644);
  });

  it("leaves one of the texts, whole, when many write at once", async () => {
    const texts = Array.from({ length: 8 }, (_, index) =>
      String(index).repeat(100_000),
    );
    await Promise.all(
      texts.map(async (text) => {
        await writeAtomically(path(), text);
      }),
    );
    expect(texts).to.include(await readFile(path(), "utf8"));
    expect(await readdir(folder.path)).to.deep.equal(["file.json"]);
  });

  it("keeps a symbolic link whose file isn't there yet", async () => {
    const target = join(folder.path, "real", "file.json");
    await symlink(join("real", "file.json"), path());
    await writeAtomically(path(), "new");
    expect(await readFile(target, "utf8")).to.equal("new");
    expect(await readdir(join(folder.path, "real"))).to.have.length(1);
  });

  it("leaves a folder in its place alone", async () => {
    await mkdir(path());
    const thrown = writeAtomically(path(), "new").catch(String);
    expect(await thrown).to.be.a("string");
    expect(await readdir(folder.path)).to.deep.equal(["file.json"]);
  });
});
