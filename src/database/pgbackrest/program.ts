import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { DrError, messageOf } from "../../core/errors.js";
import { asSpawned, type Identity } from "./identity.js";

export interface ProgramOptions {
  readonly identity: Identity;
  readonly signal?: AbortSignal;
  /** Told each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Of what it says on stderr: the end says why. */
const KEPT_CHARACTERS = 4096;

/**
 * Runs a program with the environment of this process, where the secrets of a
 * repository may be; on its command line is none.
 *
 * @returns what it says on stdout.
 * @throws {DrError} DATABASE_TOOL_FAILED unless it ends well; the signal's
 * reason when it was called off, once it is gone.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  { identity, signal, onLine }: ProgramOptions,
): Promise<string> {
  signal?.throwIfAborted();
  const child = spawn(path, args, {
    // Where its user may be, whatever this process's folder is.
    cwd: "/",
    env: { ...process.env, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
    ...asSpawned(identity),
  });
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop);
  const lines: string[] = [];
  let said = "";
  createInterface(child.stdout).on("line", (line) => {
    lines.push(line);
    onLine?.(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
  });
  const end = await endOf(child);
  signal?.removeEventListener("abort", stop);
  if (end !== undefined) {
    signal?.throwIfAborted();
    throw failed(path, args, said, end);
  }
  return lines.join("\n");
}

/** @returns how it failed; undefined when it ended well. */
async function endOf(
  child: ReturnType<typeof spawn>,
): Promise<string | undefined> {
  try {
    const [code, signal] = (await once(child, "close")) as [
      number | null,
      string | null,
    ];
    return code === 0 ? undefined : (signal ?? `exit code ${String(code)}`);
  } catch (error) {
    return messageOf(error);
  }
}

/** Runs a command that leaves a server behind, which keeps its outputs. @throws {DrError} DATABASE_TOOL_FAILED. */
export async function runCommand(
  [path = "", ...args]: readonly string[],
  identity?: Identity,
): Promise<void> {
  const child = spawn(path, args, {
    cwd: "/",
    stdio: "ignore",
    ...(identity === undefined ? {} : asSpawned(identity)),
  });
  try {
    const [code, signal] = (await once(child, "exit")) as [
      number | null,
      string | null,
    ];
    if (code !== 0) {
      throw failed(path, args, "", signal ?? `exit code ${String(code)}`);
    }
  } catch (error) {
    throw error instanceof DrError
      ? error
      : failed(path, args, "", messageOf(error));
  }
}

function failed(
  path: string,
  args: readonly string[],
  said: string,
  end: string,
): DrError {
  const reason = `${said.trim().replace(/^ERROR: /, "")} (${end})`.trim();
  const tool = [path, ...args.slice(-1)].join(" … ");
  return new DrError("DATABASE_TOOL_FAILED", { tool, reason });
}
