import {
  spawn,
  type ChildProcess,
  type StdioOptions,
} from "node:child_process";
import { once } from "node:events";

import { expect } from "chai";

/** Starts a program of these tests. */
export function startWorker(
  worker: string,
  args: readonly string[],
  stdio: StdioOptions = "inherit",
): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", worker, ...args], {
    stdio,
  });
}

/** Runs a worker of these tests that kills itself, and waits until it has. */
export async function runKilled(
  worker: string,
  args: readonly string[],
): Promise<void> {
  const child = startWorker(worker, args);
  const [, signal] = (await once(child, "exit")) as unknown[];
  expect(signal).to.equal("SIGKILL");
}
