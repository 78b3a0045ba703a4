import { overrideTask } from "hardhat/config";
import { glob } from "node:fs/promises";
import path from "node:path";

/**
 * `hardhat test mocha`, except that only `*.test.ts` are tests: Hardhat takes
 * every script under test/ for one, helpers and fixtures included. Those under
 * test/slow run with `--slow`, and only then.
 */
export default overrideTask(["test", "mocha"])
  .addFlag({
    name: "slow",
    description: "Run the tests under test/slow instead of the others",
  })
  .setInlineAction(async ({ slow, ...others }, hre, runSuper) => {
    const named = others.testFiles as string[];
    const testFiles =
      named.length > 0
        ? named
        : await findTests(hre.config.paths.tests.mocha, slow);
    return (await runSuper({ ...others, testFiles })) as unknown;
  })
  .build();

async function findTests(directory: string, slow: boolean): Promise<string[]> {
  const skipped = ["node_modules", "fixtures", ...(slow ? [] : ["slow"])];
  const found = glob("**/*.test.ts", {
    cwd: slow ? path.join(directory, "slow") : directory,
    exclude: (name) => skipped.includes(path.basename(name)),
  });
  const files: string[] = [];
  for await (const file of found) {
    files.push(path.join(directory, slow ? "slow" : "", file));
  }
  if (files.length === 0) {
    throw new Error(`No tests in ${directory}.`);
  }
  return files.sort();
}
