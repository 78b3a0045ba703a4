import { parseManifest, type Manifest } from "../artifact/manifest.js";
import { CHECKSUM_SUFFIX, MANIFEST_SUFFIX } from "../artifact/name.js";
import {
  decideRetention,
  relationsIn,
  type Keeping,
  type Relations,
  type RetentionDecision,
  type RetentionEntry,
} from "../artifact/retention.js";
import { DrError, isDrError } from "../core/errors.js";
import {
  readManifests,
  takeInventory,
  type RemoteArtifact,
} from "./inventory.js";
import { readLeases, removeExpiredLeases, type Leases } from "./lease.js";
import type { Storage } from "./storage.js";

/** What retention did, or would do, in one storage. Artifacts are told by their keys. */
export interface Pruning {
  readonly removed: readonly string[];
  /** Older than the time, and still there. */
  readonly retained: readonly Retained[];
  /** One that can't be removed keeps no other from going. */
  readonly failed: readonly PruneFailure[];
}

export interface Retained {
  readonly key: string;
  readonly why: Keeping | "being-restored";
  /** In the store's own words, of one that it has locked. */
  readonly reason?: string;
}

export interface PruneFailure {
  readonly key: string;
  readonly error: DrError;
}

export interface PruneOptions {
  readonly project: string;
  readonly days: number;
  readonly now: Date;
  readonly signal?: AbortSignal;
}

/**
 * Removes what is older than so many days and needed by nobody. What the store
 * has locked is retained, and no failure.
 *
 * @throws {DrError} when the storage can't be read.
 */
export async function pruneStorage(
  storage: Storage,
  { project, days, now, signal }: PruneOptions,
): Promise<Pruning> {
  const { artifacts, leases } = await takeInventory(storage, project);
  const entries = await describe(storage, artifacts, days, now);
  const { keep, remove } = decideRetention(entries, days, now);
  const held = await readLeases(storage, leases, now);
  const bases = new Map(entries.map(({ name, base }) => [name, base]));
  const removed: string[] = [];
  const failed: PruneFailure[] = [];
  const retained = retainedOf(keep);
  const needed = new Set<string>();
  const proofs = new Map(artifacts.map((one) => [one.key, one.proofs]));
  // Newest first: nothing goes while something that builds on it stays.
  for (const key of remove) {
    signal?.throwIfAborted();
    const end = await tryRemove(storage, key, { held, needed, proofs, now });
    if (end === undefined) {
      removed.push(key);
      continue;
    }
    const base = bases.get(key);
    if (base !== undefined) {
      needed.add(base);
    }
    if ("why" in end) {
      retained.push(end);
    } else {
      failed.push(end);
    }
  }
  await removeExpiredLeases(storage, leases, now);
  return { removed, retained, failed };
}

/**
 * What retention must know. Only file backups build on others, and which is in
 * their manifests: they are read when there are any to remove.
 */
async function describe(
  storage: Storage,
  artifacts: readonly RemoteArtifact[],
  days: number,
  now: Date,
): Promise<readonly RetentionEntry[]> {
  const entries = artifacts.map(
    ({ key, kind, createdAt, status, provenAt }): RetentionEntry => ({
      name: key,
      kind,
      createdAt,
      status,
      ...(provenAt === undefined ? {} : { provenAt }),
    }),
  );
  const { remove } = decideRetention(entries, days, now);
  const doomed = new Set(remove);
  const kinds = new Set(
    entries.filter(({ name }) => doomed.has(name)).map(({ kind }) => kind),
  );
  const asked = artifacts.filter(
    ({ kind, manifest }) =>
      (kind === "files" || kind === "database") &&
      kinds.has(kind) &&
      manifest !== undefined,
  );
  const relations = await readRelations(storage, asked);
  return entries.map((entry) => ({ ...entry, ...relations.get(entry.name) }));
}

/** By their keys, as are those that they build on. A damaged manifest says nothing. */
async function readRelations(
  storage: Storage,
  artifacts: readonly RemoteArtifact[],
): Promise<ReadonlyMap<string, Relations>> {
  const texts = await readManifests(storage, artifacts);
  const relations = new Map<string, Relations>();
  for (const [index, { key, name }] of artifacts.entries()) {
    const manifest = tryManifest(texts[index]?.text ?? "", name);
    if (manifest !== undefined) {
      const { base, ...others } = relationsIn(manifest);
      relations.set(
        key,
        base === undefined
          ? others
          : { ...others, base: `${key.slice(0, -name.length)}${base}` },
      );
    }
  }
  return relations;
}

function tryManifest(text: string, name: string): Manifest | undefined {
  try {
    return parseManifest(text, name);
  } catch (error) {
    if (isDrError(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Of all that stays what isn't simply young. */
function retainedOf(keep: RetentionDecision["keep"]): Retained[] {
  return keep
    .filter(({ why }) => why !== "young" && why !== "contracts")
    .map(({ name, why }) => ({ key: name, why }));
}

interface Circumstances {
  readonly held: Leases;
  /** What stays builds on them. */
  readonly needed: ReadonlySet<string>;
  readonly proofs: ReadonlyMap<string, readonly string[]>;
  readonly now: Date;
}

/** @returns undefined when it is gone. */
async function tryRemove(
  storage: Storage,
  key: string,
  { held, needed, proofs, now }: Circumstances,
): Promise<Retained | PruneFailure | undefined> {
  if (held.isAll || held.keys.has(key)) {
    return { key, why: "being-restored" };
  }
  if (needed.has(key)) {
    return { key, why: "base" };
  }
  try {
    await requireUnlocked(storage, key, now);
    await removeArtifact(storage, key, proofs.get(key) ?? []);
    return undefined;
  } catch (error) {
    if (isDrError(error, "OFFSITE_LOCKED")) {
      return { key, why: "locked", reason: error.message };
    }
    if (isDrError(error) && !isDrError(error, "OFFSITE_INTERRUPTED")) {
      return { key, error };
    }
    throw error;
  }
}

/** Before anything of it goes: nothing of what stays does. @throws {DrError} OFFSITE_LOCKED. */
async function requireUnlocked(
  storage: Storage,
  key: string,
  now: Date,
): Promise<void> {
  const until = (await storage.stat(key))?.lockedUntil;
  if (until !== undefined && until > now) {
    throw new DrError("OFFSITE_LOCKED", {
      storage: storage.address,
      key,
      reason: `it is locked until ${until.toISOString()}`,
    });
  }
}

/** The manifest first: without it nobody takes the rest for an artifact. */
async function removeArtifact(
  storage: Storage,
  key: string,
  proofs: readonly string[],
): Promise<void> {
  const manifest = `${key}${MANIFEST_SUFFIX}`;
  for (const one of [manifest, ...proofs, `${key}${CHECKSUM_SUFFIX}`, key]) {
    await storage.delete(one);
  }
}
