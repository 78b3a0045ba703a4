import { readFile, realpath, stat } from "node:fs/promises";

/** Byte ranges of a piece of code. */
type Ranges = readonly { readonly start: number; readonly length: number }[];

/** A compiled contract, as far as anyone here needs it; Hardhat's artifact is one. */
export interface ContractArtifact {
  readonly contractName: string;
  readonly sourceName: string;
  readonly abi: readonly unknown[];
  readonly deployedBytecode: string;
  readonly deployedLinkReferences: Readonly<
    Record<string, Readonly<Record<string, Ranges>>>
  >;
  readonly immutableReferences?: Readonly<Record<string, Ranges>>;
  readonly buildInfoId?: string;
  /** The source's name as the compiler knew it. */
  readonly inputSourceName?: string;
}

/** Where compiled contracts are found; `hre.artifacts` is one. */
export interface ArtifactSource {
  getAllFullyQualifiedNames(): Promise<ReadonlySet<string>>;
  /** @param name - Bare or fully qualified. */
  readArtifact(name: string): Promise<ContractArtifact>;
  artifactExists(name: string): Promise<boolean>;
  /** @param name - Bare or fully qualified. */
  getArtifactPath(name: string): Promise<string>;
  getBuildInfoPath(id: string): Promise<string | undefined>;
  getBuildInfoOutputPath(id: string): Promise<string | undefined>;
}

/** The same, reading each artifact once: for when much is compared with all of them. */
export function remembering(artifacts: ArtifactSource): ArtifactSource {
  const read = new Map<string, ReturnType<ArtifactSource["readArtifact"]>>();
  let names:
    ReturnType<ArtifactSource["getAllFullyQualifiedNames"]> | undefined;
  return {
    getAllFullyQualifiedNames: async () =>
      await (names ??= artifacts.getAllFullyQualifiedNames()),
    readArtifact: async (name) => {
      const artifact = read.get(name) ?? artifacts.readArtifact(name);
      read.set(name, artifact);
      return await artifact;
    },
    artifactExists: async (name) => await artifacts.artifactExists(name),
    getArtifactPath: async (name) => await artifacts.getArtifactPath(name),
    getBuildInfoPath: async (id) => await artifacts.getBuildInfoPath(id),
    getBuildInfoOutputPath: async (id) =>
      await artifacts.getBuildInfoOutputPath(id),
  };
}

/** One run of solc: what it was given and what it made of it. */
export interface CompilerBuild {
  readonly solcVersion: string;
  readonly input: unknown;
  readonly output: unknown;
}

export function fullyQualifiedName({
  sourceName,
  contractName,
}: ContractArtifact): string {
  return `${sourceName}:${contractName}`;
}

/** @returns undefined when there's no artifact of this name, or more than one. */
export async function readArtifactIfUnique(
  artifacts: ArtifactSource,
  name: string,
): Promise<ContractArtifact | undefined> {
  if (!name.includes(":")) {
    const names = [...(await artifacts.getAllFullyQualifiedNames())];
    const [only, ...others] = names.filter((one) => one.endsWith(`:${name}`));
    return only === undefined || others.length > 0
      ? undefined
      : await artifacts.readArtifact(only);
  }
  return (await artifacts.artifactExists(name))
    ? await artifacts.readArtifact(name)
    : undefined;
}

/** The build that was read last, tens of megabytes of it, as long as its file is the same. */
let last:
  | { readonly version: string; readonly build: Promise<CompilerBuild> }
  | undefined;

/** @returns undefined when the build's files aren't kept. */
export async function readBuild(
  artifacts: ArtifactSource,
  { buildInfoId }: ContractArtifact,
): Promise<CompilerBuild | undefined> {
  if (buildInfoId === undefined) {
    return undefined;
  }
  const [infoPath, outputPath] = await Promise.all([
    artifacts.getBuildInfoPath(buildInfoId),
    artifacts.getBuildInfoOutputPath(buildInfoId),
  ]);
  if (infoPath === undefined || outputPath === undefined) {
    return undefined;
  }
  const version = await versionOf(outputPath);
  if (last?.version !== version) {
    last = { version, build: readFiles(infoPath, outputPath) };
  }
  return await last.build;
}

/** Wherever links lead to it, and until it is written anew. */
async function versionOf(path: string): Promise<string> {
  const [real, { mtimeNs, size }] = await Promise.all([
    realpath(path),
    stat(path, { bigint: true }),
  ]);
  return [real, mtimeNs, size].join(" ");
}

async function readFiles(
  infoPath: string,
  outputPath: string,
): Promise<CompilerBuild> {
  const [info, output] = (await Promise.all([
    readJson(infoPath),
    readJson(outputPath),
  ])) as [{ solcVersion: string; input: unknown }, { output: unknown }];
  return {
    solcVersion: info.solcVersion,
    input: info.input,
    output: output.output,
  };
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}
