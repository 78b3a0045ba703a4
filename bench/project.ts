import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { EXIT_CODES } from "../src/core/exit-codes.js";
import type { DeployFile } from "../src/deployments/deploy-file.js";

/** The first of anvil's accounts. */
export const OWNER_KEY =
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const execute = promisify(execFile);
const ROOT = process.cwd();

const config = (imports: string, plugins: string): string => `
import { defineConfig, task } from "hardhat/config";
${imports}
const bare = task("bare", "Reads the chain id")
  .setAction(() => import("./bare.js"))
  .build();
const nothing = task("nothing", "Does nothing")
  .setAction(() => import("./nothing.js"))
  .build();

export default defineConfig({
  plugins: [${plugins}],
  tasks: [bare, nothing],
  networks: {
    bench: {
      type: "http",
      url: process.env.BENCH_URL ?? "http://127.0.0.1:8545",
      accounts: ["${OWNER_KEY}"],
    },
  },
});
`;

const FILES: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ private: true, type: "module" }),
  "hardhat.config.ts": config(
    'import hardhatDr from "hardhat-dr";\n',
    "hardhatDr",
  ),
  "bare.config.ts": config("", ""),
  "nothing.ts": "export default async () => undefined;\n",
  "bare.ts": `
export default async (_, { network }) => {
  const { provider } = await network.getOrCreate();
  return await provider.request({ method: "eth_chainId" });
};
`,
};

/** Whether Hardhat runs with the plugin, or without it and with the tasks `bare` and `nothing`. */
export type Variant = "plugin" | "bare";

/** How a program ended that was watched from outside. */
export interface Watched {
  readonly milliseconds: number;
  /** The most memory it ever held, as the kernel says; undefined where it says nothing. */
  readonly peakBytes: number | undefined;
}

/** The kernel keeps the peak; what comes after the last look is missed. */
const LOOK_MS = 50;

/**
 * Somebody's project, in a temporary folder, with the plugin built and
 * installed as npm would: what is in TypeScript here costs more to load.
 */
export class Project {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<Project> {
    const folder = await mkdtemp(path.join(tmpdir(), "hardhat-dr-bench-"));
    const modules = path.join(folder, "node_modules");
    const plugin = path.join(modules, "hardhat-dr");
    await mkdir(plugin, { recursive: true });
    for (const name of await readdir("node_modules")) {
      const target = path.join(ROOT, "node_modules", name);
      await symlink(target, path.join(modules, name), "junction");
    }
    await copyFile("package.json", path.join(plugin, "package.json"));
    await execute(process.execPath, [
      "node_modules/typescript/bin/tsc",
      "--project",
      "tsconfig.build.json",
      "--noCheck",
      "--outDir",
      path.join(plugin, "dist"),
    ]);
    for (const [name, text] of Object.entries(FILES)) {
      await writeFile(path.join(folder, name), text);
    }
    return new Project(folder);
  }

  /** Replaces the deployment on the network `bench`, and forgets its runs. */
  async record(file: DeployFile): Promise<void> {
    const folder = path.join(this.#folder, "deployments/bench");
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(
      path.join(folder, "deploy.json"),
      JSON.stringify(file, undefined, 2),
    );
  }

  /** Writes a file of the project, or replaces it. @returns its path. */
  async write(name: string, text: string): Promise<string> {
    const file = this.pathOf(name);
    await writeFile(file, text);
    return file;
  }

  /** Absolute. */
  pathOf(name: string): string {
    return path.join(this.#folder, name);
  }

  /** Runs a program in the project to its end, and watches it. @throws when it fails. */
  async watch(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Watched> {
    const started = performance.now();
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: { ...environment(undefined), ...env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    let peakBytes: number | undefined;
    const look = setInterval(() => {
      peakBytes = peakOf(child.pid) ?? peakBytes;
    }, LOOK_MS);
    try {
      const [code] = (await once(child, "exit")) as [number | null];
      assert.equal(code, 0, `${command} failed`);
      return { milliseconds: performance.now() - started, peakBytes };
    } finally {
      clearInterval(look);
    }
  }

  /** The same for Hardhat. */
  async watchHardhat(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    variant: Variant = "plugin",
  ): Promise<Watched> {
    return await this.watch(
      process.execPath,
      this.#arguments(args, variant),
      env,
    );
  }

  /** The most memory that a Hardhat task takes which does nothing. */
  async barePeak(): Promise<number | undefined> {
    return (await this.watchHardhat(["nothing"], {}, "bare")).peakBytes;
  }

  /** Where deploy.json is. */
  get deployment(): string {
    return path.join(this.#folder, "deployments/bench");
  }

  /**
   * Runs Hardhat to its end.
   *
   * @returns its standard output; rejects when it fails, or waits and nobody expects that.
   */
  async hardhat(
    args: readonly string[],
    url?: string,
    {
      variant = "plugin",
      mayWait = false,
    }: { readonly variant?: Variant; readonly mayWait?: boolean } = {},
  ): Promise<string> {
    const running = execute(process.execPath, this.#arguments(args, variant), {
      cwd: this.#folder,
      env: environment(url),
      maxBuffer: 64 * 2 ** 20,
    });
    try {
      return (await running).stdout;
    } catch (error) {
      const { code, stdout } = error as { code?: number; stdout?: string };
      if (mayWait && code === EXIT_CODES.waiting && stdout !== undefined) {
        return stdout;
      }
      throw error;
    }
  }

  /** Starts Hardhat, for who wants to end it early. */
  start(args: readonly string[], url: string, variant: Variant): ChildProcess {
    return spawn(process.execPath, this.#arguments(args, variant), {
      cwd: this.#folder,
      env: environment(url),
      stdio: "ignore",
    });
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #arguments(args: readonly string[], variant: Variant): string[] {
    const cli = path.join(this.#folder, "node_modules/hardhat/dist/src/cli.js");
    return variant === "plugin"
      ? [cli, ...args]
      : [cli, "--config", "bare.config.ts", ...args];
  }
}

function peakOf(pid: number | undefined): number | undefined {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // it has ended, or this isn't Linux
  }
}

function environment(url: string | undefined): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HARDHAT_DISABLE_TELEMETRY_PROMPT: "true",
    ...(url === undefined ? {} : { BENCH_URL: url }),
  };
}
