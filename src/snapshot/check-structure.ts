import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as Hash from "ox/Hash";

import { listFolder } from "../artifact/archive.js";
import { extentOf } from "../artifact/measure.js";
import { canonicalJson } from "../core/canonical-json.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { readDeployFile } from "../deployments/read.js";
import { matchCode } from "../implementation/bytecode.js";
import { describeSnapshot } from "./describe-snapshot.js";
import { readArchivedArtifact, readBuildInfo } from "./archived-build.js";
import type { OpenedSnapshot } from "./open-snapshot.js";
import {
  codePath,
  deployFilePath,
  SNAPSHOT_FILE,
  type DeployedCode,
  type PresentContractState,
} from "./snapshot.js";

type Unpacked = Omit<OpenedSnapshot, "deployFile">;

/**
 * What of a snapshot is proven, in this order: its archive; every file, by its
 * list; all code, by its hash, its artifact and the state; its deploy.json and
 * its manifest, by the state.
 */
export type SnapshotStep = "unpacked" | "listed" | "hashed" | "described";

/**
 * Holds all parts of a snapshot against one another: its list against the
 * files, hashes against code, artifacts against the code they are said to make,
 * deploy.json and the manifest against the state.
 *
 * @param onStep - Told what is proven.
 * @returns its deploy.json.
 * @throws {DrError} SNAPSHOT_INVALID.
 */
export async function checkStructure(
  unpacked: Unpacked,
  onStep?: (step: SnapshotStep) => void,
): Promise<DeployFile> {
  await checkFiles(unpacked);
  onStep?.("listed");
  for (const [address, code] of Object.entries(unpacked.snapshot.code)) {
    await checkCode(unpacked, address as Address, code);
  }
  checkHashes(unpacked);
  onStep?.("hashed");
  checkManifest(unpacked);
  const deployFile = await checkDeployFile(unpacked);
  onStep?.("described");
  return deployFile;
}

function invalid({ name }: Unpacked, reason: string): DrError {
  return new DrError("SNAPSHOT_INVALID", { name, reason });
}

async function checkFiles(unpacked: Unpacked): Promise<void> {
  const { snapshot, folder } = unpacked;
  const code = Object.keys(snapshot.code).map((address) =>
    codePath(address as Address),
  );
  const listed = new Set([
    SNAPSHOT_FILE,
    ...code,
    ...Object.keys(snapshot.files),
  ]);
  for await (const { type, path } of listFolder(folder)) {
    if (type === "directory") {
      continue;
    }
    if (type !== "file" || !listed.delete(path)) {
      throw invalid(unpacked, `${path} isn't in its list`);
    }
  }
  const [missing] = listed;
  if (missing !== undefined) {
    throw invalid(unpacked, `it has no ${missing}`);
  }
  for (const [path, { sizeBytes, sha256 }] of Object.entries(snapshot.files)) {
    const found = extentOf(await readFile(join(folder, path)));
    if (found.sha256 !== sha256 || found.sizeBytes !== sizeBytes) {
      throw invalid(unpacked, `${path} isn't the file in its list`);
    }
  }
}

async function checkCode(
  unpacked: Unpacked,
  address: Address,
  { codeHash, source, layout }: DeployedCode,
): Promise<void> {
  const { snapshot, folder } = unpacked;
  const code = (await readFile(join(folder, codePath(address)), "utf8")) as Hex;
  const isCode = /^0x([0-9a-f]{2})+$/.test(code);
  if (!isCode || Hash.keccak256(code) !== codeHash) {
    throw invalid(
      unpacked,
      `the code of ${address} hasn't the hash ${codeHash}`,
    );
  }
  const { artifact, buildInfo, metadata } =
    source.status === "known"
      ? source
      : { artifact: null, buildInfo: null, metadata: null };
  for (const path of [layout, artifact, buildInfo, metadata]) {
    if (path !== null && !Object.hasOwn(snapshot.files, path)) {
      throw invalid(unpacked, `${path}, of ${address}, isn't in its list`);
    }
  }
  if (source.status === "known") {
    const compiled = await readArchivedArtifact(unpacked, source.artifact);
    if (matchCode(code, compiled) !== source.match) {
      throw invalid(
        unpacked,
        `${source.artifact} isn't the code of ${address}`,
      );
    }
  }
  if (buildInfo !== null) {
    await readBuildInfo(unpacked, buildInfo);
  }
}

/** That each hash in the state is the code's of its address, and null where there is none. */
function checkHashes(unpacked: Unpacked): void {
  const { contracts, code } = unpacked.snapshot;
  for (const [name, contract] of Object.entries(contracts)) {
    const wrong =
      contract.kind === "missing"
        ? undefined
        : hashesIn(contract).find(
            ([address, hash]) => (code[address]?.codeHash ?? null) !== hash,
          );
    if (wrong !== undefined) {
      const [address, hash] = wrong;
      const reason = `${name} has the hash ${String(hash)} for the code of ${address}`;
      throw invalid(unpacked, reason);
    }
  }
}

function hashesIn(contract: PresentContractState): [Address, Hex | null][] {
  const { proxy, implementation, admin, beacon } = contract;
  return [
    [proxy, contract.proxyCodeHash],
    [implementation, contract.codeHash],
    ...(admin === null ? [] : [[admin, contract.adminCodeHash] as const]),
    ...(beacon === null ? [] : [[beacon, contract.beaconCodeHash] as const]),
    ...Object.entries(contract.implementations),
  ] as [Address, Hex | null][];
}

function checkManifest(unpacked: Unpacked): void {
  const { contents, recoveryPoint } = unpacked.artifact.manifest;
  const described = describeSnapshot(unpacked.snapshot);
  if (canonicalJson({ contents, recoveryPoint }) !== canonicalJson(described)) {
    throw invalid(unpacked, "its manifest speaks of other contracts");
  }
}

async function checkDeployFile(unpacked: Unpacked): Promise<DeployFile> {
  const { snapshot } = unpacked;
  const file = await parseDeployFile(unpacked);
  const proxies = Object.entries(file.contracts).map(
    ([name, { proxy }]) => [name, proxy] as const,
  );
  const known = Object.entries(snapshot.contracts).map(
    ([name, { proxy }]) => [name, proxy] as const,
  );
  const isSame =
    file.chainId === snapshot.chainId &&
    canonicalJson(Object.fromEntries(proxies)) ===
      canonicalJson(Object.fromEntries(known));
  if (!isSame) {
    throw invalid(unpacked, "its deploy.json is of other contracts");
  }
  return file;
}

async function parseDeployFile({
  name,
  snapshot,
  folder,
}: Unpacked): Promise<DeployFile> {
  const path = deployFilePath(snapshot.network);
  try {
    return (await readDeployFile(join(folder, path))).file;
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    const reason = `its deploy.json can't be read: ${messageOf(error)}`;
    throw new DrError("SNAPSHOT_INVALID", { name, reason }, { cause: error });
  }
}
