import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { matchCode } from "../implementation/bytecode.js";
import {
  readArchivedArtifact,
  readBuildInfo,
  type ArchivedArtifact,
  type BuildInfo,
} from "./archived-build.js";
import type { OpenedSnapshot } from "./open-snapshot.js";
import { codePath, type CodeSource } from "./snapshot.js";

/**
 * Compiles a build's input with the very compiler it was built with.
 *
 * @returns solc's output.
 * @throws {DrError} COMPILER_MISSING, COMPILATION_FAILED.
 */
export type CompileBuild = (build: BuildInfo) => Promise<unknown>;

/** A contract of a snapshot that was compiled again. */
export interface Recompiled {
  readonly address: Address;
  /** Fully qualified. */
  readonly contract: string;
  /** How the chain's code relates to it: `code` is the same but for the metadata. */
  readonly match: "exact" | "code";
}

type Known = CodeSource & { readonly status: "known" };

interface Compilable {
  readonly address: Address;
  readonly source: Known;
}

interface SolcCode {
  readonly object: string;
  readonly immutableReferences?: ArchivedArtifact["immutableReferences"];
}

interface SolcContract {
  readonly evm: {
    readonly bytecode: SolcCode;
    readonly deployedBytecode: SolcCode;
  };
}

/** All that bytecode depends on is the rest of the input. */
const OUTPUTS = [
  "evm.bytecode.object",
  "evm.deployedBytecode.object",
  "evm.deployedBytecode.immutableReferences",
];

/**
 * Compiles all contracts whose sources are in the snapshot, and holds what
 * comes out against their artifacts and the chain's code.
 *
 * @throws {DrError} SNAPSHOT_COMPILES_DIFFERENTLY, COMPILER_MISSING,
 * COMPILATION_FAILED, SNAPSHOT_INVALID.
 */
export async function recompileSnapshot(
  opened: OpenedSnapshot,
  compile: CompileBuild,
): Promise<Recompiled[]> {
  const recompiled: Recompiled[] = [];
  for (const [buildInfo, contracts] of byBuild(opened)) {
    const build = await readBuildInfo(opened, buildInfo);
    const found = await Promise.all(
      contracts.map(async (one) => ({
        ...one,
        artifact: await readArchivedArtifact(opened, one.source.artifact),
      })),
    );
    const artifacts = found.map(({ artifact }) => artifact);
    const output = await compile(limitedTo(build, artifacts));
    for (const { address, source, artifact } of found) {
      const compiled = contractIn(output, artifact);
      const match = await compare(opened, address, artifact, compiled);
      recompiled.push({ address, contract: source.contract, match });
    }
  }
  return recompiled;
}

function byBuild({ snapshot }: OpenedSnapshot): Map<string, Compilable[]> {
  const compilable = Object.entries(snapshot.code).flatMap(
    ([address, { source }]) =>
      source.status === "known" && source.buildInfo !== null
        ? [{ address: address as Address, source, build: source.buildInfo }]
        : [],
  );
  return Map.groupBy(compilable, ({ build }) => build);
}

/** The same input, asking for these contracts' bytecode alone. */
function limitedTo(
  build: BuildInfo,
  artifacts: readonly ArchivedArtifact[],
): BuildInfo {
  const selection: Record<string, Record<string, string[]>> = {};
  for (const artifact of artifacts) {
    const contracts = (selection[sourceOf(artifact)] ??= {});
    contracts[artifact.contractName] = OUTPUTS;
  }
  const { input } = build;
  const settings = { ...input.settings, outputSelection: selection };
  return { ...build, input: { ...input, settings } };
}

function sourceOf({ inputSourceName, sourceName }: ArchivedArtifact): string {
  return inputSourceName ?? sourceName;
}

function contractIn(
  output: unknown,
  artifact: ArchivedArtifact,
): SolcContract | undefined {
  const { contracts } = output as {
    readonly contracts?: Readonly<
      Record<string, Readonly<Record<string, SolcContract>>>
    >;
  };
  return contracts?.[sourceOf(artifact)]?.[artifact.contractName];
}

async function compare(
  { name, folder }: OpenedSnapshot,
  address: Address,
  artifact: ArchivedArtifact,
  compiled: SolcContract | undefined,
): Promise<Recompiled["match"]> {
  const differs = (what: string) =>
    new DrError("SNAPSHOT_COMPILES_DIFFERENTLY", {
      name,
      contract: `${artifact.sourceName}:${artifact.contractName}`,
      what,
    });
  if (compiled === undefined) {
    throw differs("no such contract comes out");
  }
  const { bytecode, deployedBytecode } = compiled.evm;
  if (`0x${bytecode.object}` !== artifact.bytecode) {
    throw differs("its creation bytecode is another");
  }
  if (`0x${deployedBytecode.object}` !== artifact.deployedBytecode) {
    throw differs("its deployed bytecode is another");
  }
  const code = (await readFile(join(folder, codePath(address)), "utf8")) as Hex;
  const match = matchCode(code, {
    ...artifact,
    immutableReferences: deployedBytecode.immutableReferences ?? {},
  });
  if (match === "none") {
    throw differs(`the chain's code at ${address} is another`);
  }
  return match;
}
