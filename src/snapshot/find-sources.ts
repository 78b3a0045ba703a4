import * as Hash from "ox/Hash";

import type { Address, Hex } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { findImplementation as findRecorded } from "../deployments/history.js";
import {
  remembering,
  type ArtifactSource,
} from "../implementation/artifact-source.js";
import { matchCode } from "../implementation/bytecode.js";
import { identifyImplementation } from "../implementation/identify.js";
import {
  findImplementation,
  toLayoutRecord,
} from "../implementation/implementation-source.js";
import {
  encodeLayoutRecord,
  type LayoutRecord,
} from "../implementation/layout-record.js";
import { BuildFiles } from "./build-files.js";
import type { ChainState } from "./read-state.js";
import { layoutsPath, type CodeSource, type DeployedCode } from "./snapshot.js";

export interface SourcePlaces {
  readonly artifacts: ArtifactSource;
  readonly network: string;
  /** `deployments/<network>` */
  readonly folder: string;
  /** The project's root. */
  readonly root: string;
}

export interface FoundSources {
  readonly code: Readonly<Record<Address, DeployedCode>>;
  /** By their paths in the archive. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Where the code of contracts comes from: what this project compiles to it,
 * and the storage layouts of implementations.
 *
 * @param kept - The project's files that are in the archive already.
 */
export async function findSources(
  state: ChainState,
  file: DeployFile,
  places: SourcePlaces,
  kept: ReadonlyMap<string, Buffer>,
): Promise<FoundSources> {
  const remembered = { ...places, artifacts: remembering(places.artifacts) };
  const builds = new BuildFiles(remembered.artifacts);
  const layouts = new Map<string, Buffer>();
  const implementations = implementationsIn(state.contracts);
  const code: Record<Address, DeployedCode> = {};
  // One after the other: artifacts and their builds are big.
  for (const [address, bytes] of state.code) {
    const hint = hintFor(file, address);
    const source = await findSource(bytes, remembered.artifacts, builds, hint);
    const path = `${layoutsPath(places.network)}/${address}.json`;
    const layout =
      implementations.has(address) && !kept.has(path)
        ? await findLayout(state, file, address, remembered, hint)
        : undefined;
    if (layout !== undefined) {
      layouts.set(path, layout);
    }
    const codeHash = Hash.keccak256(bytes);
    code[address] = {
      codeHash,
      source,
      layout: isLayoutOf(kept.get(path) ?? layout, codeHash) ? path : null,
    };
  }
  return { code, files: new Map([...builds.files, ...layouts]) };
}

/** The project may have kept one of other code that was there before. */
function isLayoutOf(text: Buffer | undefined, codeHash: Hex): boolean {
  try {
    const record = JSON.parse(String(text)) as Partial<LayoutRecord> | null;
    return record?.codeHash === codeHash;
  } catch {
    return false;
  }
}

function implementationsIn(
  contracts: ChainState["contracts"],
): ReadonlySet<string> {
  return new Set(
    Object.values(contracts).flatMap((contract) =>
      contract.kind === "missing"
        ? []
        : [contract.implementation, ...Object.keys(contract.implementations)],
    ),
  );
}

/** What deploy.json calls the contract at an address. */
function hintFor({ contracts }: DeployFile, address: Address) {
  return Object.values(contracts)
    .map((record) => findRecorded(record, address)?.contract)
    .find((contract) => contract !== undefined);
}

async function findSource(
  code: Hex,
  artifacts: ArtifactSource,
  builds: BuildFiles,
  hint: string | undefined,
): Promise<CodeSource> {
  const found = await identifyImplementation(code, artifacts, hint);
  switch (found.status) {
    case "identified": {
      const isExact = matchCode(code, found.artifact) === "exact";
      return await builds.add(found.artifact, isExact ? "exact" : "code");
    }
    case "unidentified":
      return {
        status: "unknown",
        reason: "No contract of this project compiles to this code.",
      };
    case "ambiguous":
      return {
        status: "unknown",
        reason: `Several contracts fit this code but for their metadata: ${found.candidates.join(", ")}.`,
      };
  }
}

/** As the next rollback would keep it; undefined when it isn't known. */
async function findLayout(
  { reader }: ChainState,
  { chainId }: DeployFile,
  address: Address,
  { artifacts, folder, root }: SourcePlaces,
  hint: string | undefined,
): Promise<Buffer | undefined> {
  const places = { artifacts, folder, root, chainId };
  const source = await findImplementation(reader, address, places, hint);
  const record = source.status === "known" ? toLayoutRecord(source) : undefined;
  return record === undefined
    ? undefined
    : Buffer.from(encodeLayoutRecord(record));
}
