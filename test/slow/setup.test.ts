import { expect } from "chai";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

describe("scripts/setup.mjs, in a clean clone", function () {
  this.timeout(180_000);
  let clone: string;
  let temporary: string;

  /** Runs it as npm does, but with the machine's own Node. */
  async function setUp(
    ...args: readonly string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const searched = (process.env.PATH ?? "")
      .split(path.delimiter)
      .filter((directory) => !directory.includes("node_modules"));
    const child = spawn("node", ["scripts/setup.mjs", ...args], {
      cwd: clone,
      env: {
        ...process.env,
        PATH: searched.join(path.delimiter),
        TMPDIR: temporary,
      },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const code = await new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    return { code, stdout, stderr };
  }

  function lockFile(): string {
    const key = createHash("sha256").update(clone).digest("hex").slice(0, 16);
    return path.join(temporary, `hardhat-dr-setup-${key}`);
  }

  before(async () => {
    clone = await realpath(
      await mkdtemp(path.join(tmpdir(), "hardhat-dr-clone-")),
    );
    temporary = path.join(clone, "tmp");
    await mkdir(temporary);
    for (const file of [
      "package.json",
      "package-lock.json",
      "scripts/setup.mjs",
    ]) {
      await cp(file, path.join(clone, file));
    }
  });

  after(async () => {
    await rm(clone, { recursive: true, force: true });
  });

  it("installs once when started twice at the same time", async () => {
    const version = ["--", "node", "-p", "process.version"];
    const both = await Promise.all([setUp(...version), setUp(...version)]);
    const said = both.map(({ stderr }) => stderr).join("");
    expect(
      both.map(({ code }) => code),
      said,
    ).to.deep.equal([0, 0]);
    expect(said.match(/set-up: installing/g), said).to.have.length(1);
    expect(said.match(/set-up: waiting/g), said).to.have.length(1);
    for (const { stdout } of both) {
      expect(stdout).to.match(/^v24\./m);
    }
  });

  it("does nothing and says nothing when all is there", async () => {
    const { code, stdout, stderr } = await setUp();
    expect({ code, stdout, stderr }).to.deep.equal({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("ends with the exit code of the command", async () => {
    const { code } = await setUp("--", "node", "-e", "process.exit(7)");
    expect(code).to.equal(7);
  });

  it("takes over from a set-up that died", async () => {
    const { stdout } = await setUp("--", "node", "-p", "process.pid");
    await writeFile(lockFile(), stdout.trim());
    expect(await setUp()).to.include({ code: 0, stderr: "" });
  });

  it("repairs an installation without the native EVM", async () => {
    const platform = `edr-${process.platform}-${process.arch}`;
    const modules = path.join(clone, "node_modules/@nomicfoundation");
    for (const flavour of ["", "-gnu", "-musl", "-msvc"]) {
      await rm(path.join(modules, platform + flavour), {
        recursive: true,
        force: true,
      });
    }
    const { code, stderr } = await setUp();
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("native EVM package is missing");
    expect(await setUp()).to.include({ code: 0, stderr: "" });
  });
});
