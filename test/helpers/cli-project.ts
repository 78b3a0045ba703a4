import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import hre from "hardhat";

/** What a process left behind. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface CliProjectOptions {
  readonly url: string;
  /** Private keys; none: the node's own accounts sign. */
  readonly accounts?: readonly string[];
}

/** Anvil's first accounts; everybody knows their keys. */
export const KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
] as const;

const CLI = "node_modules/hardhat/dist/src/cli.js";

/**
 * The plugin as it is published, built once for all tests of a process:
 * TypeScript takes longer to start, and many processes are started here.
 */
export class BuiltPlugin {
  readonly modules: string;

  private constructor(modules: string) {
    this.modules = modules;
  }

  static async create(): Promise<BuiltPlugin> {
    const { root } = hre.config.paths;
    const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-built-"));
    const modules = join(folder, "node_modules");
    const plugin = join(modules, "hardhat-dr");
    await mkdir(plugin, { recursive: true });
    for (const name of await readdir(join(root, "node_modules"))) {
      await symlink(join(root, "node_modules", name), join(modules, name));
    }
    await copyFile(join(root, "package.json"), join(plugin, "package.json"));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const config = join(root, "tsconfig.build.json");
    const dist = join(plugin, "dist");
    await promisify(execFile)(
      process.execPath,
      [tsc, "--project", config, "--noCheck", "--outDir", dist],
      { cwd: root },
    );
    return new BuiltPlugin(modules);
  }

  async remove(): Promise<void> {
    await rm(join(this.modules, ".."), { recursive: true, force: true });
  }
}

/** Somebody's project on the network `live`, whose tasks run as processes. */
export class CliProject {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(
    { modules }: BuiltPlugin,
    { url, accounts }: CliProjectOptions,
  ): Promise<CliProject> {
    const root = await mkdtemp(join(tmpdir(), "hardhat-dr-project-"));
    await symlink(modules, join(root, "node_modules"));
    await symlink(hre.config.paths.artifacts, join(root, "artifacts"));
    await writeFile(join(root, "package.json"), '{"type": "module"}');
    const live = { type: "http", url, ...(accounts && { accounts }) };
    await writeFile(
      join(root, "hardhat.config.ts"),
      `import hardhatDr from "hardhat-dr";
export default {
  plugins: [hardhatDr],
  networks: { live: ${JSON.stringify(live)} },
};
`,
    );
    return new CliProject(root);
  }

  get deployments(): string {
    return join(this.root, "deployments");
  }

  /** deploy.json, runs and whatever else there is of `live`. */
  get folder(): string {
    return join(this.deployments, "live");
  }

  /** Starts `npx hardhat …`, without npx between us and the process. */
  start(
    args: readonly string[],
    options: { readonly stdin?: "ignore" | "pipe"; readonly uid?: number } = {},
  ): Started {
    const { stdin = "ignore", uid } = options;
    const child = spawn(process.execPath, this.command(args), {
      cwd: this.root,
      stdio: [stdin, "pipe", "pipe"],
      env: cleanEnvironment(),
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    return { child, ended: endOf(child) };
  }

  async hardhat(...args: readonly string[]): Promise<Ended> {
    return await this.start(args).ended;
  }

  /** For a shell or `script`, which put something of theirs around it. */
  shellCommand(args: readonly string[]): string {
    return [process.execPath, ...this.command(args)]
      .map((word) => `'${word}'`)
      .join(" ");
  }

  /** Runs a line of `sh` in the project. */
  startShell(line: string): Started {
    const child = spawn("sh", ["-c", line], {
      cwd: this.root,
      stdio: ["pipe", "pipe", "pipe"],
      env: cleanEnvironment(),
    });
    return { child, ended: endOf(child) };
  }

  /** The journals of `live` by their runs, as they are on the disk. */
  async journals(): Promise<ReadonlyMap<string, string>> {
    const folder = join(this.folder, "runs");
    const names = await readdir(folder).catch(() => []);
    const texts = await Promise.all(
      names.map(async (name) => await readFile(join(folder, name), "utf8")),
    );
    return new Map(
      names.map((name, index) => [
        name.replace(/\.ndjson$/, ""),
        texts[index]!,
      ]),
    );
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  private command(args: readonly string[]): string[] {
    return [join(hre.config.paths.root, CLI), ...args, "--network", "live"];
  }
}

/** Without what Hardhat and npm tell their children of this project. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|HARDHAT_|HH_|NODE_OPTIONS$|CI$)/i.test(name),
  );
  return { ...Object.fromEntries(inherited), NO_COLOR: "1" };
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const printed = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      printed[stream] += text;
    });
  }
  const [exitCode, signal] = (await once(child, "close")) as [
    number | null,
    NodeJS.Signals | null,
  ];
  return { exitCode, signal, ...printed };
}
