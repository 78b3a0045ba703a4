import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";

import { expect } from "chai";

import { collectOutput, endWithThisProcess } from "./child-process.js";
import { cleanEnvironment } from "./cli-project.js";
import { requireProgram } from "./programs.js";

const ANSWER_TIMEOUT_MS = 30_000;

export const CTRL_C = "\u0003";
export const ENTER = "\r";
export const DOWN = "\u001b[B";
export const UP = "\u001b[A";

/** A program on a terminal of its own, 40 lines of 120 columns, as `script` makes one. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #printed: () => string;
  readonly #ended: Promise<unknown>;
  #seen = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#printed = collectOutput(child);
    const forget = endWithThisProcess(child);
    this.#ended = once(child, "close").then(forget);
  }

  /** For a `before`: other systems' `script` takes other options. */
  static require(context: Mocha.Context): void {
    requireProgram(
      context,
      isPossible(),
      "util-linux's script isn't installed",
    );
  }

  static start(command: readonly string[], cwd?: string): Terminal {
    const line = command.map((word) => `'${word}'`).join(" ");
    const child = spawn(
      "script",
      ["-qec", `stty rows 40 cols 120; exec ${line}`, "/dev/null"],
      { cwd, stdio: "pipe", env: { ...cleanEnvironment(), TERM: "xterm" } },
    );
    return new Terminal(child);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until that is printed. @returns it, with all since what was waited for before. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const text = this.text.slice(this.#seen);
      const found = pattern.exec(text);
      if (found !== null) {
        const end = found.index + found[0].length;
        this.#seen += end;
        return text.slice(0, end);
      }
      const { exitCode } = this.#child;
      expect(exitCode, `it ended without ${String(pattern)}: ${text}`).to.equal(
        null,
      );
      expect(Date.now(), `no ${String(pattern)} in: ${text}`).to.be.below(
        deadline,
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** @returns the exit code. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** All that was printed, without colours and movements. */
  get text(): string {
    return stripVTControlCharacters(this.#printed());
  }
}

function isPossible(): boolean {
  try {
    const version = execFileSync("script", ["--version"], { stdio: "pipe" });
    return version.toString().includes("util-linux");
  } catch {
    return false;
  }
}
