import { assert } from "chai";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import {
  collectOutput,
  endWithThisProcess,
  printedMatch,
} from "./child-process.js";
import {
  fileOf,
  findOnPath,
  isExecutable,
  requireProgram,
} from "./programs.js";

export interface Anvil {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  /** Ends it and waits until it is gone; may be called twice. */
  stop(): Promise<void>;
}

export interface AnvilOptions {
  /** More arguments for the command line, e.g. `["--block-time", "1"]`. */
  readonly args?: readonly string[];
  /** 0, the default, is any free one. */
  readonly port?: number;
}

const PRIVATE_PACKAGE = fileURLToPath(new URL("../anvil/", import.meta.url));
const INSTALL = "node test/anvil/install.mjs";

/** The anvil on the PATH; otherwise the one in `test/anvil`, when installed. */
export function findAnvil(): string | undefined {
  return findProgram("anvil");
}

/** Foundry's `cast`, found like {@link findAnvil}. */
export function findCast(): string | undefined {
  return findProgram("cast");
}

/**
 * For a `before` or a test that needs anvil: without it the test is skipped,
 * and says so. In CI it fails.
 */
export function requireAnvil(context: Mocha.Context): void {
  requireFoundry(context, "anvil");
}

/** Like {@link requireAnvil}, for `cast`. */
export function requireCast(context: Mocha.Context): void {
  requireFoundry(context, "cast");
}

/** Starts anvil; it dies with this process, even if that is killed. */
export async function startAnvil({
  args = [],
  port = 0,
}: AnvilOptions = {}): Promise<Anvil> {
  const program = findAnvil();
  assert(program !== undefined, `anvil isn't installed: ${INSTALL}`);
  const child = spawn(
    program,
    ["--host", "127.0.0.1", "--port", String(port), ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const release = endWithThisProcess(child);
  const printed = collectOutput(child);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      release();
      resolve();
    });
  });
  const listening = Number(
    await printedMatch(child, printed, /Listening on [^\s:]+:(\d+)/),
  );
  return {
    url: `http://127.0.0.1:${String(listening)}`,
    port: listening,
    pid: child.pid ?? 0,
    output: printed,
    stop: async () => {
      child.ref();
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function requireFoundry(context: Mocha.Context, name: string): void {
  const isThere = findProgram(name) !== undefined;
  requireProgram(context, isThere, `${name} isn't installed: ${INSTALL}`);
}

function findProgram(name: string): string | undefined {
  const own = join(privateBin(name), fileOf(name));
  return findOnPath(name) ?? (isExecutable(own) ? own : undefined);
}

/** Foundry names its packages after Node's platforms, but x64 amd64. */
function privateBin(name: string): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const platformPackage = `${name}-${process.platform}-${arch}`;
  return join(
    PRIVATE_PACKAGE,
    "node_modules/@foundry-rs",
    platformPackage,
    "bin",
  );
}
