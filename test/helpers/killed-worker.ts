import { spawn } from "node:child_process";
import { once } from "node:events";

import { expect } from "chai";

/** Runs a worker of these tests that kills itself, and waits until it has. */
export async function runKilled(
  worker: string,
  args: readonly string[],
): Promise<void> {
  const child = spawn(process.execPath, ["--import", "tsx", worker, ...args], {
    stdio: "inherit",
  });
  const [, signal] = (await once(child, "exit")) as unknown[];
  expect(signal).to.equal("SIGKILL");
}
