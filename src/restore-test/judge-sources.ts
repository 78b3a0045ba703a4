import { readBuildInfo } from "../snapshot/archived-build.js";
import type { OpenedSnapshot } from "../snapshot/open-snapshot.js";
import type { ContractState } from "../snapshot/snapshot.js";

/** Whether a snapshot holds what its contracts were compiled from. */
export interface SourcesFound {
  /** One sentence each; none: all are there. */
  readonly missing: readonly string[];
  readonly contracts: number;
  /** Solidity files of all builds together. */
  readonly files: number;
}

/**
 * Looks for the Solidity sources of every contract's implementation.
 *
 * @throws {DrError} SNAPSHOT_INVALID when a build info can't be read.
 */
export async function findSnapshotSources(
  opened: OpenedSnapshot,
): Promise<SourcesFound> {
  const contracts = Object.entries(opened.snapshot.contracts);
  const missing: string[] = [];
  const builds = new Set<string>();
  for (const [name, contract] of contracts) {
    const found = buildOf(opened, contract);
    if ("missing" in found) {
      missing.push(`${name}: ${found.missing}`);
    } else {
      builds.add(found.build);
    }
  }
  let files = 0;
  for (const build of builds) {
    const count = await countSources(opened, build);
    files += count;
    if (count === 0) {
      missing.push(`${build}: it has no .sol file`);
    }
  }
  return { missing, contracts: contracts.length, files };
}

function buildOf(
  { snapshot }: OpenedSnapshot,
  contract: ContractState,
): { readonly build: string } | { readonly missing: string } {
  if (contract.kind === "missing") {
    return { missing: "the chain had no code for it" };
  }
  const source = snapshot.code[contract.implementation]?.source;
  if (source?.status !== "known") {
    return { missing: source?.reason ?? "its code isn't in the snapshot" };
  }
  return source.buildInfo === null
    ? { missing: "its build info isn't kept, and so neither are its sources" }
    : { build: source.buildInfo };
}

async function countSources(
  opened: OpenedSnapshot,
  build: string,
): Promise<number> {
  const { input } = await readBuildInfo(opened, build);
  const sources = Object.entries(input.sources ?? {}) as [
    string,
    { readonly content?: unknown } | null,
  ][];
  return sources.filter(
    ([path, source]) =>
      path.endsWith(".sol") &&
      typeof source?.content === "string" &&
      source.content !== "",
  ).length;
}
