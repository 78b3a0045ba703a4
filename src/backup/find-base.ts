import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { ArtifactBase } from "../artifact/base.js";
import { opensAlike } from "../artifact/encryption.js";
import { demand, Measure } from "../artifact/measure.js";
import { readManifest } from "../artifact/read-artifact.js";
import type { ArtifactPlace } from "../artifact/write-artifact.js";
import type { Manifest } from "../artifact/manifest.js";
import { isDrError } from "../core/errors.js";
import { indexExtentOf } from "./file-contents.js";
import { parseFileIndex, type FileIndex } from "./file-index.js";
import { followChain, type ChainLink } from "../artifact/follow-chain.js";
import { listArtifacts } from "../artifact/list-artifacts.js";

/** Then a full backup is due: chains are to be short, and damage to be limited. */
const FULL_AFTER_DAYS = 7;
const FULL_AFTER_INCREMENTALS = 30;

const DAY_MILLISECONDS = 86_400_000;

/** The newest index lies here in the clear, as the files themselves do: with age nobody here could open it. */
const STATE_FILE = ".index.json";

/** What a backup builds on, or why it must be a full one. */
export type BaseDecision =
  | { readonly base: ArtifactBase; readonly index: FileIndex }
  | { readonly base?: undefined; readonly reason: string };

export function stateFile(folder: string): string {
  return join(folder, STATE_FILE);
}

/**
 * The last backup, when it can be built on: it and what it builds on are there,
 * its index is at hand, it opens with today's key, and a full one isn't due.
 */
export async function findBase(
  place: ArtifactPlace,
  now: Date,
): Promise<BaseDecision> {
  const newest = await newestComplete(place);
  if (newest === undefined) {
    return { reason: "it is the first" };
  }
  try {
    const chain = await followChain(place.folder, newest, lookRoughly);
    return (
      (await whyFull(chain, place, now)) ?? (await withIndex(chain, place))
    );
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    return { reason: `none can build on ${newest}: ${error.message}` };
  }
}

async function newestComplete({
  folder,
  project,
}: ArtifactPlace): Promise<string | undefined> {
  const { entries } = await listArtifacts(folder, project);
  return entries
    .filter(({ kind, status }) => kind === "files" && status === "complete")
    .at(-1)?.name;
}

interface Looked {
  readonly manifest: Manifest;
}

/** To read all of them again each time would be slow; who restores does. */
async function lookRoughly(path: string): Promise<Looked> {
  const manifest = await readManifest(path);
  const found = await stat(path).catch(() => undefined);
  const { artifact, stored } = manifest;
  demand(
    artifact,
    "size",
    String(stored.sizeBytes),
    String(found?.size ?? "nothing"),
  );
  return { manifest };
}

/** @returns undefined where an incremental one will do. */
async function whyFull(
  chain: readonly ChainLink<Looked>[],
  { encryption }: ArtifactPlace,
  now: Date,
): Promise<BaseDecision | undefined> {
  const manifests = chain.map(({ checked }) => checked.manifest);
  const fullAt = Date.parse(manifests.at(-1)?.createdAt ?? "");
  const age = now.getTime() - fullAt;
  if (age >= FULL_AFTER_DAYS * DAY_MILLISECONDS) {
    return { reason: `the last is ${String(FULL_AFTER_DAYS)} days old` };
  }
  if (age < 0) {
    return { reason: "the last was made later than now: a clock is wrong" };
  }
  if (chain.length > FULL_AFTER_INCREMENTALS) {
    return {
      reason: `${String(FULL_AFTER_INCREMENTALS)} build on the last`,
    };
  }
  for (const manifest of manifests) {
    if (!(await opensAlike(encryption, manifest.encryption))) {
      return { reason: "the last opens with another key" };
    }
  }
  return undefined;
}

async function withIndex(
  [newest]: readonly ChainLink<Looked>[],
  { folder }: ArtifactPlace,
): Promise<BaseDecision> {
  const bytes = await readFile(stateFile(folder)).catch(() => undefined);
  if (newest === undefined || bytes === undefined) {
    return { reason: "the last one's index isn't at hand" };
  }
  const measure = new Measure();
  measure.add(bytes);
  const { sha256 } = indexExtentOf(newest.checked.manifest);
  if (measure.extent().sha256 !== sha256) {
    return { reason: "the index at hand isn't the last one's" };
  }
  return {
    base: { artifact: newest.name, manifest: newest.digest },
    index: parseFileIndex(bytes, newest.name),
  };
}
