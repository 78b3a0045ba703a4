import { overrideTask } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { errorResult, successfulResult } from "hardhat/utils/result";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { glob, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Where a process that runs a part of the tests writes how it went. */
const SUMMARY = "HARDHAT_DR_TEST_SUMMARY";
/**
 * How many files one process runs. Chains and databases that run inside it leave
 * memory behind, and each program it starts costs 40 ms for every GB of that.
 */
const FILES_AT_A_TIME = 10;

/** What Hardhat's task tells of a run. */
interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const NONE = JSON.stringify({ passed: 0, failed: 0, skipped: 0 });

interface TestArguments {
  readonly bail: boolean;
  readonly grep?: string;
  readonly grepExclude?: string;
  readonly noCompile: boolean;
}

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
    const named = others.testFiles as readonly string[];
    if (named.length === 0) {
      const found = await findTests(hre.config.paths.tests.mocha, slow);
      return await runInParts(found, others as unknown as TestArguments, hre);
    }
    const result = (await runSuper(others)) as {
      readonly value?: { readonly summary: Summary };
      readonly error?: { readonly summary: Summary };
    };
    const file = process.env[SUMMARY];
    const told = result.value ?? result.error;
    if (file !== undefined && told !== undefined) {
      await writeFile(file, JSON.stringify(told.summary));
    }
    return result as unknown;
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

/** One process after the other. The last lines count all of them, in mocha's words. */
async function runInParts(
  files: readonly string[],
  { bail, grep, grepExclude, noCompile }: TestArguments,
  hre: HardhatRuntimeEnvironment,
) {
  if (!noCompile) {
    const noTests = hre.config.solidity.splitTestsCompilation;
    await hre.tasks.getTask("build").run({ noTests });
  }
  const args = [
    "--no-compile",
    ...(bail ? ["--bail"] : []),
    ...(grep === undefined ? [] : ["--grep", grep]),
    ...(grepExclude === undefined ? [] : ["--grep-exclude", grepExclude]),
  ];
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (let at = 0; at < files.length; at += FILES_AT_A_TIME) {
    const part = files.slice(at, at + FILES_AT_A_TIME);
    const { passed, failed, skipped } = await runPart([...args, ...part]);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    if (bail && failed > 0) {
      break;
    }
  }
  console.log(`All parts:\n\n  ${String(total.passed)} passing`);
  if (total.skipped > 0) {
    console.log(`  ${String(total.skipped)} pending`);
  }
  if (total.failed > 0) {
    console.log(`  ${String(total.failed)} failing`);
  }
  return total.failed > 0
    ? errorResult({ summary: total })
    : successfulResult({ summary: total });
}

/** A process that dies before it has counted has failed once. */
async function runPart(args: readonly string[]): Promise<Summary> {
  const folder = await mkdtemp(path.join(tmpdir(), "hardhat-dr-tests-"));
  const file = path.join(folder, "summary.json");
  try {
    const [cli] = process.argv.slice(1);
    const child = spawn(
      process.execPath,
      [...process.execArgv, cli ?? "", "test", "mocha", ...args],
      { stdio: "inherit", env: { ...process.env, [SUMMARY]: file } },
    );
    const [code] = (await once(child, "exit")) as [number | null];
    const text = await readFile(file, "utf8").catch(() => NONE);
    const summary = JSON.parse(text) as Summary;
    return code === 0 || summary.failed > 0
      ? summary
      : { ...summary, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
