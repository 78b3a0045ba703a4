import { expect } from "chai";
import { execFile, type ExecFileOptions } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { requireAnvil, startAnvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import { deployPlatform } from "../helpers/deploy-platform.js";

const execute = promisify(execFile);

async function outputOf(
  command: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(command, args, {
      ...options,
      encoding: "utf8",
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    const line = [command, ...args].join(" ");
    throw new Error(`${line}\n${stdout}${stderr}`, { cause: error });
  }
}

const PACKAGED =
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|schema\/deploy\.schema\.json|(src|tasks)\/.+\.ts|dist\/(src|tasks)\/.+\.(js|d\.ts)(\.map)?)$/;

/** Without what npm and Hardhat tell their children of this project. */
function outerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_(?!config_)|HARDHAT_|HH_|INIT_CWD$|NODE_OPTIONS$)/i.test(name),
    ),
  );
}

describe("the package, in somebody else's project", function () {
  this.timeout(180_000);
  let project: string;
  let installed: string;
  let packaged: string[];

  /** Runs a command in the project; a failure is an error with its output. */
  async function run(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return await outputOf(command, args, {
      cwd: project,
      env: { ...outerEnvironment(), ...env },
    });
  }

  async function hardhat(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<string> {
    const cli = path.join(project, "node_modules/hardhat/dist/src/cli.js");
    return await run(process.execPath, [cli, ...args], env);
  }

  before(async () => {
    project = await mkdtemp(path.join(tmpdir(), "hardhat-dr-package-"));
    installed = path.join(project, "node_modules/hardhat-dr");
    await cp("test/package/project", project, { recursive: true });
    const stdout = await outputOf("npm", [
      "pack",
      "--json",
      "--silent",
      `--pack-destination=${project}`,
    ]);
    const [tarball] = JSON.parse(stdout) as {
      filename: string;
      files: { path: string }[];
    }[];
    packaged = tarball!.files.map((file) => file.path);
    await run("npm", [
      "install",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      `./${tarball!.filename}`,
    ]);
  });

  after(async () => {
    await rm(project, { recursive: true, force: true });
  });

  it("contains what it should and nothing else", () => {
    expect(packaged.filter((file) => !PACKAGED.test(file))).to.deep.equal([]);
    expect(packaged).to.include.members([
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
    ]);
  });

  it("has a file for everything it exports", async () => {
    const { exports } = JSON.parse(
      await readFile(path.join(installed, "package.json"), "utf8"),
    ) as { exports: Record<string, string | Record<string, string>> };
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    expect(packaged).to.include.members(
      targets.map((target) => path.posix.normalize(target)),
    );
  });

  it("has a source for every source map", async () => {
    const maps = packaged.filter((file) => file.endsWith(".map"));
    expect(maps).to.not.be.empty;
    for (const map of maps) {
      const { sources } = JSON.parse(
        await readFile(path.join(installed, map), "utf8"),
      ) as { sources: string[] };
      const files = sources.map((source) =>
        path.posix.join(path.posix.dirname(map), source),
      );
      expect(packaged, map).to.include.members(files);
    }
  });

  it("offers its JSON schema", async () => {
    const schema = await run(process.execPath, [
      "-p",
      'JSON.stringify(require("hardhat-dr/schema/deploy.schema.json"))',
    ]);
    expect(JSON.parse(schema)).to.have.property("$schema");
  });

  it("has types that a strict project can check", async () => {
    const found = await run(process.execPath, [
      "node_modules/typescript/bin/tsc",
    ]).catch((error: unknown) => (error as Error).message);
    const ours = found
      .split("\n")
      .filter((line) => line.includes("error TS"))
      .filter((line) => !/^node_modules\/(?!hardhat-dr\/)/.test(line));
    expect(ours).to.deep.equal([]);
  });

  it("adds its tasks", async () => {
    expect(await hardhat(["--help"])).to.match(/^ +dr:status /m);
  });

  it("imports nothing but Hardhat before an action runs", async () => {
    const imports = path.join(project, "imports.txt");
    await hardhat(["--help"], {
      IMPORTS: imports,
      NODE_OPTIONS: `--import=${path.join(project, "record-imports.mjs")}`,
    });
    const libraries = (await readFile(imports, "utf8"))
      .trim()
      .split("\n")
      .filter((specifier) => !/^(\.{1,2}\/|node:|hardhat\/)/.test(specifier));
    expect(libraries).to.deep.equal([]);
  });

  it("describes a deployment", async function () {
    requireAnvil(this);
    const anvil = await startAnvil();
    try {
      const connection = await connectTo(anvil.url);
      const { skillProfile } = await deployPlatform(connection);
      const live = { LIVE_URL: anvil.url };
      const name = `SkillProfile=${skillProfile}`;
      await hardhat(["dr:init", name, "--network", "live", "--yes"], live);
      const status: unknown = JSON.parse(
        await hardhat(["dr:status", "--json", "--network", "live"], live),
      );
      expect(status).to.deep.include({ network: "live", chainId: 31337 });
      expect(status)
        .to.have.nested.property("contracts[0]")
        .that.deep.includes({
          name: "SkillProfile",
          proxy: skillProfile,
          kind: "transparent",
          version: "1.0.0",
          paused: false,
        });
    } finally {
      await anvil.stop();
    }
  });
});
