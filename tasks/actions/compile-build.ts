import type { SolidityCompilerConfig } from "hardhat/types/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type {
  CompilationJob,
  CompilerOutput,
  SolidityBuildInfo,
} from "hardhat/types/solidity";

import { DrError, messageOf } from "../../src/core/errors.js";
import type { BuildInfo } from "../../src/snapshot/archived-build.js";
import type { CompileBuild } from "../../src/snapshot/recompile.js";

/** With Hardhat: the compiler that the project has at a path, or one that Hardhat has downloaded or can. */
export function compilerOf(hre: HardhatRuntimeEnvironment): CompileBuild {
  return async (build) => {
    const { solcVersion: short, solcLongVersion: version } = build;
    let output: CompilerOutput;
    try {
      output = await compile(hre, build);
    } catch (error) {
      const reason = messageOf(error);
      throw new DrError(
        "COMPILER_MISSING",
        { version, short, reason },
        { cause: error },
      );
    }
    const failure = output.errors?.find(({ severity }) => severity === "error");
    if (failure !== undefined) {
      const reason = failure.formattedMessage ?? failure.message;
      throw new DrError("COMPILATION_FAILED", { version, reason });
    }
    return output;
  };
}

async function compile(
  { config, solidity, hooks }: HardhatRuntimeEnvironment,
  build: BuildInfo,
): Promise<CompilerOutput> {
  const configured = Object.values(config.solidity.profiles).flatMap(
    ({ compilers, overrides }) => [...compilers, ...Object.values(overrides)],
  );
  const own = configured.find(
    ({ version, path }) => version === build.solcVersion && path !== undefined,
  );
  if (own === undefined) {
    return await solidity.compileBuildInfo(
      build as unknown as SolidityBuildInfo,
      { quiet: true },
    );
  }
  // What the job below would download aloud.
  await hooks.runParallelHandlers("solidity", "downloadCompilers", [
    configured,
    true,
  ]);
  const { output } = await solidity.runCompilationJob(jobOf(build, own));
  return output;
}

function jobOf(
  { id, solcLongVersion, input }: BuildInfo,
  solcConfig: SolidityCompilerConfig,
): CompilationJob {
  return {
    solcConfig,
    solcLongVersion,
    getSolcInput: () => Promise.resolve(input as never),
    getBuildId: () => Promise.resolve(id),
    // Its files are only counted there: the input has them.
    dependencyGraph: {
      getRoots: () => new Map(),
      getAllFiles: () => [],
    } as unknown as CompilationJob["dependencyGraph"],
  };
}
