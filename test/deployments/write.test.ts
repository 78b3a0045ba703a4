import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import type { DeployFile } from "../../src/deployments/deploy-file.js";
import { readDeployFile } from "../../src/deployments/read.js";
import { writeDeployFile } from "../../src/deployments/write.js";
import { arbitraryFile } from "./arbitrary-file.js";
import { codeOf } from "./refusal.js";
import { sampleFile } from "./sample-file.js";
import { useTemporaryFolder } from "./temporary-folder.js";

describe("writeDeployFile", () => {
  const folder = useTemporaryFolder();
  const path = (): string => join(folder.path, "deploy.json");
  const changed: DeployFile = { ...sampleFile(), chainId: 5 };

  it("writes a new file, its folder too", async () => {
    const target = join(folder.path, "deployments", "sepolia", "deploy.json");
    await writeDeployFile({ path: target }, sampleFile());
    const { file } = await readDeployFile(target);
    expect(file).to.deep.equal(sampleFile());
  });

  it("writes what it reads, whatever a person added and in their order", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFile(), async (file) => {
        const text = `${JSON.stringify(file, undefined, 2)}\n`;
        await writeFile(path(), text);
        const document = await readDeployFile(path());
        await writeDeployFile(document, document.file);
        expect(await readFile(path(), "utf8")).to.equal(text);
      }),
      { numRuns: 50 },
    );
  });

  it("can be written again and again with what the last write returned", async () => {
    const first = await writeDeployFile({ path: path() }, sampleFile());
    const second = await writeDeployFile(first, changed);
    await writeDeployFile(second, sampleFile());
    const { file, digest } = await readDeployFile(path());
    expect(file).to.deep.equal(sampleFile());
    expect(digest).to.equal(first.digest);
  });

  it("leaves the old file when it is killed before the rename", async () => {
    const document = await writeDeployFile({ path: path() }, sampleFile());
    const killed = writeDeployFile(document, changed, {
      rename: () => Promise.reject(new Error("EIO: i/o error")),
    });
    expect(await codeOf(() => killed)).to.equal("DEPLOY_FILE_NOT_WRITTEN");
    expect((await readDeployFile(path())).file).to.deep.equal(sampleFile());
    expect(await readdir(folder.path)).to.deep.equal(["deploy.json"]);
  });

  it("has the whole new text in place of the old in one step", async () => {
    const document = await writeDeployFile({ path: path() }, sampleFile());
    let before: DeployFile | undefined;
    await writeDeployFile(document, changed, {
      rename: async (from, to) => {
        before = (await readDeployFile(path())).file;
        expect(JSON.parse(await readFile(from, "utf8"))).to.deep.equal(changed);
        await rename(from, to);
      },
    });
    expect(before).to.deep.equal(sampleFile());
    expect((await readDeployFile(path())).file).to.deep.equal(changed);
  });

  it("notices that somebody else changed the file", async () => {
    const document = await writeDeployFile({ path: path() }, sampleFile());
    await writeFile(path(), JSON.stringify(changed));
    expect(
      await codeOf(() => writeDeployFile(document, sampleFile())),
    ).to.equal("DEPLOY_FILE_CHANGED");
    expect((await readDeployFile(path())).file).to.deep.equal(changed);
    expect(await readdir(folder.path)).to.deep.equal(["deploy.json"]);
  });

  it("doesn't overwrite a file that appeared meanwhile", async () => {
    await writeFile(path(), "a person's");
    expect(
      await codeOf(() => writeDeployFile({ path: path() }, sampleFile())),
    ).to.equal("DEPLOY_FILE_CHANGED");
    expect(await readFile(path(), "utf8")).to.equal("a person's");
  });

  it("doesn't bring back a file that was taken away", async () => {
    const document = { path: path(), digest: "0".repeat(64) };
    expect(
      await codeOf(() => writeDeployFile(document, sampleFile())),
    ).to.equal("DEPLOY_FILE_CHANGED");
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it("never writes what it couldn't read", async () => {
    const broken = { ...sampleFile(), chainId: -1 };
    expect(
      await codeOf(() => writeDeployFile({ path: path() }, broken)),
    ).to.equal("DEPLOY_FILE_INVALID");
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it("keeps the file's mode", async () => {
    const document = await writeDeployFile({ path: path() }, sampleFile());
    await chmod(path(), 0o660);
    await writeDeployFile(document, changed);
    expect((await stat(path())).mode & 0o777).to.equal(0o660);
  });

  it("writes through a symbolic link", async () => {
    const target = join(folder.path, "real", "deploy.json");
    await mkdir(join(folder.path, "real"));
    const written = await writeDeployFile({ path: target }, sampleFile());
    await symlink(target, path());
    await writeDeployFile({ path: path(), digest: written.digest }, changed);
    expect((await readDeployFile(target)).file).to.deep.equal(changed);
  });
});
