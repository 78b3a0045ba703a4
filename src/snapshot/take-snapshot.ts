import { Readable } from "node:stream";

import { packArchive, type ArchiveEntry } from "../artifact/archive.js";
import { extentOf } from "../artifact/measure.js";
import {
  writeArtifact,
  type ArtifactPlace,
  type WrittenArtifact,
} from "../artifact/write-artifact.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import { describeSnapshot } from "./describe-snapshot.js";
import { findSources } from "./find-sources.js";
import { readProjectFiles } from "./project-files.js";
import { readChainState, type ChosenViews } from "./read-state.js";
import {
  codePath,
  SNAPSHOT_FILE,
  type Snapshot,
  type SnapshotBlock,
} from "./snapshot.js";
import { encodeSnapshot } from "./snapshot-json.js";

export interface SnapshotPorts extends Pick<
  RecoveryPorts,
  "network" | "rpc" | "folder" | "root" | "artifacts"
> {
  readonly views: ChosenViews;
}

export interface TakenSnapshot extends WrittenArtifact {
  readonly snapshot: Snapshot;
}

const TAR_BLOCK = 512;

/** A snapshot with all its files, by path. */
interface Composed {
  readonly snapshot: Snapshot;
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Writes everything about a network's contracts at the latest block into one
 * archive. The same chain and project give the same archive, byte for byte.
 *
 * @throws {DrError} WRONG_CHAIN, CHAIN_REORGANISED, deploy.json's and the RPC's
 * errors, and those of `writeArtifact`.
 */
export async function takeSnapshot(
  ports: SnapshotPorts,
  place: ArtifactPlace,
  meter: Meter = UNWATCHED,
): Promise<TakenSnapshot> {
  meter.begin("reading the chain and the sources", undefined);
  const { snapshot, files } = await composeSnapshot(ports);
  const entries = toEntries(files, snapshot.block);
  meter.begin("packed", tarBytesOf(files));
  const watched = { ...place, onProgress: meter.reach };
  const written = await writeArtifact(watched, {
    kind: "contracts",
    stream: packArchive(entries),
    describe: () => describeSnapshot(snapshot),
  });
  return { ...written, snapshot };
}

async function composeSnapshot(ports: SnapshotPorts): Promise<Composed> {
  const { network, rpc, folder, root, views } = ports;
  const project = await readProjectFiles(network, folder, root);
  const { deployFile } = project;
  const path = `${folder}/deploy.json`;
  const state = await readChainState(rpc, deployFile, views, path);
  const sources = await findSources(state, deployFile, ports, project.files);
  const others = new Map([...project.files, ...sources.files].sort(byPath));
  const { number, hash, timestamp } = state.reader.block;
  const snapshot: Snapshot = {
    network,
    chainId: deployFile.chainId,
    block: { number: Number(number), hash, timestamp: Number(timestamp) },
    contracts: state.contracts,
    code: sources.code,
    files: Object.fromEntries(
      [...others].map(([name, bytes]) => [name, extentOf(bytes)]),
    ),
  };
  const code = [...state.code].map(
    ([address, bytes]) =>
      [codePath(address), Buffer.from(bytes.toLowerCase())] as const,
  );
  return {
    snapshot,
    files: new Map([
      // First, so that whoever looks for it needn't read the rest.
      [SNAPSHOT_FILE, Buffer.from(encodeSnapshot(snapshot))],
      ...[...code, ...others].sort(byPath),
    ]),
  };
}

/** Of a tar: each file begins with a header, and all is in blocks. */
function tarBytesOf(files: Composed["files"]): number {
  return [...files.values()].reduce(
    (sum, { length }) => sum + TAR_BLOCK * (1 + Math.ceil(length / TAR_BLOCK)),
    0,
  );
}

function byPath(
  [a]: readonly [string, Buffer],
  [b]: readonly [string, Buffer],
): number {
  return a < b ? -1 : 1;
}

/** Nothing in it but the files: the time is the block's. */
function toEntries(
  files: Composed["files"],
  { timestamp }: SnapshotBlock,
): ArchiveEntry[] {
  return [...files].map(([path, bytes]) => ({
    path,
    modifiedAt: new Date(timestamp * 1000),
    type: "file",
    mode: 0o644,
    sizeBytes: bytes.length,
    open: () => Readable.from([bytes]),
  }));
}
