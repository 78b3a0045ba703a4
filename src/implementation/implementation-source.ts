import * as Hash from "ox/Hash";
import type { BlockReader } from "../chain/block-reader.js";
import { messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import {
  fullyQualifiedName,
  readBuild,
  type ArtifactSource,
  type CompilerBuild,
  type ContractArtifact,
} from "./artifact-source.js";
import { layoutOf, validateContract } from "./extract-layout.js";
import { identifyImplementation } from "./identify.js";
import { readLayoutRecord, type LayoutRecord } from "./layout-record.js";
import { readManifestLayout } from "./openzeppelin-manifest.js";
import { withPlacement } from "./placement.js";
import type { StorageLayout } from "./storage-layout.js";

/** What is known of the source of an implementation. */
export type ImplementationSource = KnownImplementation | UnknownImplementation;

export interface KnownImplementation {
  readonly status: "known";
  readonly address: Address;
  readonly codeHash: Hex;
  /** Fully qualified; OpenZeppelin's manifest doesn't say. */
  readonly contract?: string;
  readonly origin: "record" | "artifact" | "openzeppelin-manifest";
  readonly solcVersion?: string;
  readonly layout: StorageLayout;
  /** OpenZeppelin's manifest has none. */
  readonly abi?: readonly unknown[];
}

export interface UnknownImplementation {
  readonly status: "unknown";
  readonly address: Address;
  /** Why, and what to do: whole sentences for a person. */
  readonly reason: string;
}

export interface ImplementationPlaces {
  readonly artifacts: ArtifactSource;
  /** `deployments/<network>`, where layout records are. */
  readonly folder: string;
  /** The project's root, where `.openzeppelin/` is. */
  readonly root: string;
  readonly chainId: number;
}

/**
 * Finds the storage layout and the ABI of what is deployed at an address: in
 * the record beside deploy.json, else in the project's artifacts (whichever
 * compiles to that very code), else in OpenZeppelin's manifest.
 *
 * @param hint - The contract's name, as deploy.json has it.
 * @throws {DrError} LAYOUT_RECORD_BROKEN.
 */
export async function findImplementation(
  reader: BlockReader,
  address: Address,
  places: ImplementationPlaces,
  hint?: string,
): Promise<ImplementationSource> {
  const [code, record] = await Promise.all([
    reader.code(address),
    readLayoutRecord(places.folder, address),
  ]);
  if (code === "0x") {
    return { status: "unknown", address, reason: `No code is at ${address}.` };
  }
  const codeHash = Hash.keccak256(code);
  if (record?.codeHash === codeHash) {
    const { contract, solcVersion, abi, layout } = record;
    return {
      status: "known",
      address,
      codeHash,
      contract,
      origin: "record",
      ...(solcVersion === undefined ? {} : { solcVersion }),
      abi,
      layout,
    };
  }
  const found = await fromArtifacts(code, address, places.artifacts, hint);
  if (found.status === "known") {
    return found;
  }
  const layout = await readManifestLayout(places.root, places.chainId, address);
  const placed = layout === undefined ? undefined : withPlacement(layout);
  return placed === undefined
    ? found
    : {
        status: "known",
        address,
        codeHash,
        origin: "openzeppelin-manifest",
        layout: placed,
      };
}

/** The record of an implementation whose layout and ABI are known. */
export function toLayoutRecord(
  source: KnownImplementation,
): LayoutRecord | undefined {
  const { address, codeHash, contract, solcVersion, abi, layout } = source;
  return contract === undefined || abi === undefined
    ? undefined
    : {
        schemaVersion: 1,
        address,
        codeHash,
        contract,
        ...(solcVersion === undefined ? {} : { solcVersion }),
        abi,
        layout,
      };
}

async function fromArtifacts(
  code: Hex,
  address: Address,
  artifacts: ArtifactSource,
  hint: string | undefined,
): Promise<ImplementationSource> {
  const unknown = (reason: string): UnknownImplementation => ({
    status: "unknown",
    address,
    reason,
  });
  const identification = await identifyImplementation(code, artifacts, hint);
  switch (identification.status) {
    case "unidentified":
      return unknown(
        `No contract of this project compiles to the code at ${address}${hint === undefined ? "" : ` (deploy.json calls it ${hint})`}. Check out the source it was deployed from, run \`npx hardhat build\` and try again.`,
      );
    case "ambiguous":
      return unknown(
        `The code at ${address} fits several contracts: ${identification.candidates.join(", ")}. Name the right one as \`contract\` in deploy.json.`,
      );
    case "identified":
      return await fromArtifact(
        code,
        address,
        identification.artifact,
        artifacts,
      );
  }
}

async function fromArtifact(
  code: Hex,
  address: Address,
  artifact: ContractArtifact,
  artifacts: ArtifactSource,
): Promise<ImplementationSource> {
  const contract = fullyQualifiedName(artifact);
  const build = await readBuild(artifacts, artifact);
  if (build === undefined) {
    return untold(address, contract, "its build info isn't kept");
  }
  const layout = await layoutFromBuild(artifact, build);
  if (typeof layout === "string") {
    return untold(address, contract, layout);
  }
  return {
    status: "known",
    address,
    codeHash: Hash.keccak256(code),
    contract,
    origin: "artifact",
    solcVersion: build.solcVersion,
    abi: artifact.abi,
    layout,
  };
}

function untold(
  address: Address,
  contract: string,
  why: string,
): UnknownImplementation {
  return {
    status: "unknown",
    address,
    reason: `The code at ${address} is ${contract}, but its storage layout can't be told: ${why}. Run \`npx hardhat build --force\` and try again.`,
  };
}

/** The layout, or why there is none. */
async function layoutFromBuild(
  artifact: ContractArtifact,
  build: CompilerBuild,
): Promise<StorageLayout | string> {
  try {
    const layout = await layoutOf(await validateContract(artifact, build));
    return layout ?? "where one of its variables lies is unknown";
  } catch (error) {
    return messageOf(error).trim().split("\n")[0] ?? "";
  }
}
