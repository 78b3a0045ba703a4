import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { extentOf } from "../artifact/measure.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";
import { ifThere } from "../core/if-there.js";
import { writing } from "../core/writing.js";
import type { OpenedSnapshot } from "./open-snapshot.js";
import { ARTIFACTS, deployFilePath, OPENZEPPELIN } from "./snapshot.js";

/** Where a snapshot goes back to; absolute. */
export interface RestorePlaces {
  readonly network: string;
  /** As the configuration says; undefined when it doesn't. */
  readonly chainId: number | undefined;
  /** `deployments/<network>` */
  readonly folder: string;
  /** The project's root, where `.openzeppelin/` is. */
  readonly root: string;
  /** Hardhat's artifacts. */
  readonly artifacts: string;
}

/** A file of a snapshot and what becomes of it. */
export interface RestoredFile {
  /** In the archive. */
  readonly path: string;
  readonly target: string;
  /** What is replaced is kept beside it. */
  readonly action: "new" | "same" | "replace";
  /** SHA-256 of what is at the target; undefined when nothing is. */
  readonly before: string | undefined;
  /** Where the project has another artifact, which stays: the target is elsewhere. */
  readonly apartFrom?: string;
}

/**
 * What restoring a snapshot would do: deploy.json last, since whoever finds it
 * takes all else for granted.
 *
 * @throws {DrError} SNAPSHOT_OF_OTHER_NETWORK, NOT_WRITABLE.
 */
export async function planRestore(
  opened: OpenedSnapshot,
  places: RestorePlaces,
): Promise<readonly RestoredFile[]> {
  requireSameNetwork(opened, places);
  const paths = Object.keys(opened.snapshot.files);
  const deployFile = deployFilePath(places.network);
  const ordered = [
    ...paths.filter((path) => path !== deployFile),
    ...paths.filter((path) => path === deployFile),
  ];
  const files = await Promise.all(
    ordered.map(async (path) => await planFile(opened, path, places)),
  );
  return files.filter((file) => file !== undefined);
}

function requireSameNetwork(
  { name, snapshot: { network, chainId } }: OpenedSnapshot,
  places: RestorePlaces,
): void {
  const found = places.chainId ?? chainId;
  if (network !== places.network || found !== chainId) {
    throw new DrError("SNAPSHOT_OF_OTHER_NETWORK", {
      name,
      network,
      chainId,
      here:
        found === chainId
          ? places.network
          : `${places.network}, chain ${String(found)}`,
    });
  }
}

/** @returns undefined for what is only in the archive: code, metadata, sources. */
async function planFile(
  { name, snapshot, folder: unpacked }: OpenedSnapshot,
  path: string,
  places: RestorePlaces,
): Promise<RestoredFile | undefined> {
  const target = targetOf(path, places);
  const { sha256 = "" } = snapshot.files[path] ?? {};
  if (target === undefined) {
    return undefined;
  }
  const present = await readIfThere(target);
  const planned = plan(path, target, present, sha256);
  if (planned.action !== "replace" || !path.startsWith(`${ARTIFACTS}/`)) {
    return planned;
  }
  if (isSameArtifact(present, await readFile(join(unpacked, path)))) {
    return { ...planned, action: "same" };
  }
  const apart = join(apartFolder(name, places), path);
  const beside = plan(path, apart, await readIfThere(apart), sha256);
  return { ...beside, apartFrom: target };
}

function targetOf(
  path: string,
  { network, folder, root, artifacts }: RestorePlaces,
): string | undefined {
  const targets = [
    [`deployments/${network}/`, folder],
    [`${OPENZEPPELIN}/`, join(root, OPENZEPPELIN)],
    [`${ARTIFACTS}/`, artifacts],
  ] as const;
  const found = targets.find(([prefix]) => path.startsWith(prefix));
  return found === undefined
    ? undefined
    : join(found[1], path.slice(found[0].length));
}

/** For artifacts that aren't the project's. */
function apartFolder(name: string, { folder }: RestorePlaces): string {
  const [stem = name] = name.split(".");
  return join(folder, "restored", stem);
}

function plan(
  path: string,
  target: string,
  present: Buffer | undefined,
  sha256: string,
): RestoredFile {
  const before = present === undefined ? undefined : extentOf(present).sha256;
  const action =
    before === undefined ? "new" : before === sha256 ? "same" : "replace";
  return { path, target, action, before };
}

/** @throws {DrError} NOT_WRITABLE. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  return await writing(path, async () => await ifThere(readFile(path)));
}

/** Each build has an id of its own, also of what it compiles to the same. */
function isSameArtifact(a: Buffer | undefined, b: Buffer): boolean {
  const [one, other] = [a, b].map((bytes) => {
    try {
      const artifact = JSON.parse(String(bytes)) as Record<string, Json>;
      return canonicalJson({ ...artifact, buildInfoId: "" });
    } catch {
      return undefined;
    }
  });
  return one !== undefined && one === other;
}
