import { createInterface } from "node:readline";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { paintFor } from "../../src/display/text.js";

const INTERRUPTOR = "hardhat-dr";

/**
 * Asks as Hardhat asks, through its hooks, but on stderr: stdout may be a file
 * or a pipe. The end of the input, Ctrl-C and `signal` are empty answers,
 * where Hardhat's own question would never come back.
 */
export async function ask(
  question: string,
  hooks: HardhatRuntimeEnvironment["hooks"],
  signal?: AbortSignal,
): Promise<string> {
  return await hooks.runHandlerChain(
    "userInterruptions",
    "requestInput",
    [INTERRUPTOR, question],
    async (_context, interruptor, asked) =>
      await askOnTerminal(
        `${paintFor(process.stderr)("bold", `[${interruptor}]`)} ${asked}: `,
        signal,
      ),
  );
}

async function askOnTerminal(
  prompt: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stderr,
  });
  return await new Promise((resolve) => {
    const withdraw = () => {
      terminal.close();
    };
    signal?.addEventListener("abort", withdraw);
    terminal.once("close", () => {
      signal?.removeEventListener("abort", withdraw);
      resolve("");
    });
    terminal.question(prompt, (answer) => {
      resolve(answer);
      terminal.close();
    });
  });
}
