import { assert } from "chai";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * For a `before` or a test that needs programs of the machine: without them the
 * test is skipped, and says so. In CI it fails.
 */
export function requirePrograms(
  context: Mocha.Context,
  ...names: readonly string[]
): void {
  for (const name of names) {
    const isThere = findOnPath(name) !== undefined;
    requireProgram(context, isThere, `${name} isn't installed`);
  }
}

/** The same where somebody else has looked for it. */
export function requireProgram(
  context: Mocha.Context,
  isThere: boolean,
  reason: string,
): void {
  if (isThere) {
    return;
  }
  assert((process.env.CI ?? "") === "", reason);
  process.stderr.write(`      skipped: ${reason}\n`);
  context.skip();
}

/** @param name - As on the command line. */
export function findOnPath(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, fileOf(name)))
    .find(isExecutable);
}

/** As this platform names the program's file. */
export function fileOf(name: string): string {
  return process.platform === "win32" ? `${name}.exe` : name;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
