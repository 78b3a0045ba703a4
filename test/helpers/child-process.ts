import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";

const START_TIMEOUT_MS = 20_000;

/** What a child has printed so far, on both of its outputs. */
export function collectOutput(child: ChildProcess): () => string {
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      chunks.push(text);
    });
  }
  return () => chunks.join("");
}

/**
 * Waits until a child that is starting has printed something.
 *
 * @returns the first group of the pattern.
 */
export async function printedMatch(
  child: ChildProcess,
  printed: () => string,
  pattern: RegExp,
): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = pattern.exec(printed())?.[1];
    if (found !== undefined) {
      return found;
    }
    const { spawnfile: name } = child;
    expect(child.exitCode, `${name} ended: ${printed()}`).to.equal(null);
    expect(Date.now(), `${name} is silent: ${printed()}`).to.be.below(deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Kills the child when this process ends. A process that is itself killed
 * runs no handlers, so a small shell waits for its standard input to close.
 * None of them keeps this process from ending.
 *
 * @returns call it when the child is gone.
 */
export function endWithThisProcess(child: ChildProcess): () => void {
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  [child, child.stdout, child.stderr].forEach(unref);
  if (process.platform === "win32") {
    return () => process.off("exit", kill);
  }
  const watcher = spawn(
    "sh",
    ["-c", 'cat >/dev/null; kill -9 "$0"', String(child.pid)],
    { stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  [watcher, watcher.stdin].forEach(unref);
  return () => {
    process.off("exit", kill);
    watcher.kill("SIGKILL");
  };
}

/** A child's pipes are sockets, which their types don't say. */
function unref(resource: unknown): void {
  (resource as { unref(): void }).unref();
}
