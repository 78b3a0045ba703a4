import { readFile } from "node:fs/promises";

import {
  fullyQualifiedName,
  type ArtifactSource,
  type ContractArtifact,
} from "../implementation/artifact-source.js";
import type { CodeMatch } from "../implementation/bytecode.js";
import { ARTIFACTS, isCleanPath, type CodeSource } from "./snapshot.js";

/** A run of solc, as far as a snapshot keeps it. */
interface Build {
  /** The build info, as Hardhat wrote it. */
  readonly info: Buffer;
  readonly sources: Readonly<Record<string, { readonly content?: string }>>;
  /** solc's metadata, by source and contract. */
  readonly metadata: Readonly<
    Record<string, Readonly<Record<string, { readonly metadata?: string }>>>
  >;
}

/**
 * The files that compiled contracts are kept in, as they are collected: each
 * artifact, its metadata, and its build with all sources, once.
 */
export class BuildFiles {
  /** By their paths in the archive. */
  readonly files = new Map<string, Buffer>();
  readonly #artifacts: ArtifactSource;
  readonly #builds = new Map<string, Promise<Build | undefined>>();

  constructor(artifacts: ArtifactSource) {
    this.#artifacts = artifacts;
  }

  /** Keeps a contract that is deployed somewhere. */
  async add(
    artifact: ContractArtifact,
    match: Exclude<CodeMatch, "none">,
  ): Promise<CodeSource> {
    const { sourceName, contractName } = artifact;
    const contract = fullyQualifiedName(artifact);
    const path = `${ARTIFACTS}/${sourceName}/${contractName}.json`;
    const file = await this.#artifacts.getArtifactPath(contract);
    this.files.set(path, await readFile(file));
    return {
      status: "known",
      contract,
      artifact: path,
      match,
      ...(await this.#addBuild(artifact)),
    };
  }

  async #addBuild({
    buildInfoId: id,
    sourceName,
    contractName,
    inputSourceName = sourceName,
  }: ContractArtifact): Promise<{
    readonly buildInfo: string | null;
    readonly metadata: string | null;
  }> {
    const build = id === undefined ? undefined : await this.#build(id);
    if (id === undefined || build === undefined) {
      return { buildInfo: null, metadata: null };
    }
    const buildInfo = `${ARTIFACTS}/build-info/${id}.json`;
    this.files.set(buildInfo, build.info);
    this.#addSources(id, build);
    const text = build.metadata[inputSourceName]?.[contractName]?.metadata;
    if (text === undefined) {
      return { buildInfo, metadata: null };
    }
    const metadata = `metadata/${sourceName}/${contractName}.json`;
    this.files.set(metadata, Buffer.from(text));
    return { buildInfo, metadata };
  }

  /** The build info has them too; so everybody can read them who has `tar`. */
  #addSources(id: string, { sources }: Build): void {
    for (const [name, { content }] of Object.entries(sources)) {
      if (content !== undefined && isCleanPath(name)) {
        this.files.set(`sources/${id}/${name}`, Buffer.from(content));
      }
    }
  }

  async #build(id: string): Promise<Build | undefined> {
    let build = this.#builds.get(id);
    if (build === undefined) {
      build = readBuild(this.#artifacts, id);
      this.#builds.set(id, build);
    }
    return await build;
  }
}

async function readBuild(
  artifacts: ArtifactSource,
  id: string,
): Promise<Build | undefined> {
  const [infoPath, outputPath] = await Promise.all([
    artifacts.getBuildInfoPath(id),
    artifacts.getBuildInfoOutputPath(id),
  ]);
  if (infoPath === undefined) {
    return undefined;
  }
  const info = await readFile(infoPath);
  const { input } = JSON.parse(info.toString()) as {
    readonly input: Pick<Build, "sources">;
  };
  const output =
    outputPath === undefined ? "{}" : await readFile(outputPath, "utf8");
  const { output: { contracts = {} } = {} } = JSON.parse(output) as {
    readonly output?: { readonly contracts?: Build["metadata"] };
  };
  return { info, sources: input.sources, metadata: metadataIn(contracts) };
}

/** All else of the output is big, and not needed any more. */
function metadataIn(contracts: Build["metadata"]): Build["metadata"] {
  return Object.fromEntries(
    Object.entries(contracts).map(([source, those]) => [
      source,
      Object.fromEntries(
        Object.entries(those).map(([name, { metadata }]) => [
          name,
          metadata === undefined ? {} : { metadata },
        ]),
      ),
    ]),
  );
}
