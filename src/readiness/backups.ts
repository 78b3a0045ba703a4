import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import type { CatalogueEntry } from "../artifact/catalogue.js";
import { listArtifacts } from "../artifact/list-artifacts.js";
import { parseManifest, type Manifest } from "../artifact/manifest.js";
import {
  MANIFEST_SUFFIX,
  requireArtifactName,
  type ArtifactKind,
} from "../artifact/name.js";
import { placeFolder } from "../backup/folder.js";
import { listLocalProofs } from "../backup/proof.js";
import type { DrConfig } from "../config/types.js";
import { isDrError, type DrError } from "../core/errors.js";
import type { Engine, KeptBackup } from "../database/engine.js";
import { takeInventory, type RemoteArtifact } from "../offsite/inventory.js";
import { parseProofKey } from "../offsite/proof.js";
import type { Storage } from "../offsite/storage.js";
import { parseLocalProof } from "./local-proof.js";

/** A backup, as far as its manifest tells. */
export interface DescribedBackup {
  readonly name: string;
  readonly createdAt: Date;
  /** Undefined where it has none that can be read. */
  readonly manifest: Manifest | undefined;
}

/** One that was restored on trial, and was good. */
export interface ProvenBackup extends DescribedBackup {
  readonly at: Date;
  readonly by: string;
  /** Null where nobody measured it. */
  readonly seconds: number | null;
  readonly file: string;
}

/** The backups of a kind in one place. */
export interface BackupFacts {
  readonly kind: ArtifactKind;
  /** Undefined: on this machine. */
  readonly target: string | undefined;
  readonly newest: DescribedBackup | undefined;
  /** The one that was proven last. */
  readonly proven: ProvenBackup | undefined;
  /** Of the database, by the newest backup that says it; null where none does. */
  readonly schema: string | null;
  /** Why nothing is known. */
  readonly error: DrError | undefined;
}

export interface FoundBackups {
  readonly facts: readonly BackupFacts[];
  /** What was left out, and why: sentences. */
  readonly problems: readonly string[];
}

/** So many of the newest snapshots are looked into for one of the network. */
const MOST_SNAPSHOTS = 50;

/** An artifact of any place, with its proofs. */
interface Candidate {
  readonly name: string;
  readonly createdAt: Date;
  /** The newest last. */
  readonly proofs: readonly ProofOfIt[];
  /** Absent where nobody has written one. */
  readonly readManifest?: () => Promise<string | undefined>;
}

type ProofOfIt = Pick<ProvenBackup, "at" | "by" | "seconds" | "file">;

/** Which backups of this machine are looked for. */
export interface LocalQuery {
  readonly kinds: readonly ArtifactKind[];
  /** Snapshots of other chains don't count; undefined: all do. */
  readonly chainId: number | undefined;
  readonly now: Date;
  /** The database's, which may keep its backups itself; absent: artifacts alone are looked for. */
  readonly engine?: Pick<Engine, "listKept">;
}

/** The backups of this machine. An engine that can't be asked makes its own unknown. */
export async function findLocalBackups(
  config: DrConfig,
  { kinds, chainId, now, engine }: LocalQuery,
): Promise<FoundBackups> {
  const problems: string[] = [];
  const facts = await Promise.all(
    kinds.map(async (kind) => {
      const list = kind === "database" ? engine?.listKept : undefined;
      try {
        const found =
          list === undefined
            ? await listOwnArtifacts(config, kind)
            : (await list()).map(toLocal);
        const candidates = await withProofs(
          placeFolder(config, kind),
          found,
          now,
          problems,
        );
        return await toFacts(kind, undefined, candidates, chainId);
      } catch (error) {
        if (list === undefined || !isDrError(error)) {
          throw error;
        }
        return unknownFacts(kind, undefined, error);
      }
    }),
  );
  return { facts, problems };
}

/** A backup, and which artifact's manifest tells of it. */
interface LocalBackup extends Pick<Candidate, "name" | "createdAt"> {
  readonly described: string | undefined;
  /** What its proofs are named after. */
  readonly provenAs: readonly string[];
}

async function listOwnArtifacts(
  config: DrConfig,
  kind: ArtifactKind,
): Promise<readonly LocalBackup[]> {
  const folder = placeFolder(config, kind);
  const { entries } = await listArtifacts(folder, config.project);
  return entries.filter(isThere).map(({ name, createdAt }) => ({
    name,
    createdAt,
    described: name,
    provenAs: [name],
  }));
}

/** It may have been proven before it had a record, or after that was lost. */
function toLocal({ label, createdAt, record }: KeptBackup): LocalBackup {
  return {
    name: record ?? label,
    createdAt,
    described: record,
    provenAs: record === undefined ? [label] : [label, record],
  };
}

async function withProofs(
  folder: string,
  backups: readonly LocalBackup[],
  now: Date,
  problems: string[],
): Promise<readonly Candidate[]> {
  const proofs = await listLocalProofs(folder);
  return await Promise.all(
    backups.map(async ({ name, createdAt, described, provenAs }) => {
      const read = provenAs.flatMap((key) =>
        (proofs.get(key) ?? []).map(
          async (proof) => await parseLocalProof(folder, key, proof),
        ),
      );
      const valid: ProofOfIt[] = [];
      for (const proof of await Promise.all(read)) {
        if ("problem" in proof) {
          problems.push(proof.problem);
        } else {
          valid.push(proof);
        }
      }
      const common = { name, createdAt, proofs: past(valid, now, problems) };
      if (described === undefined) {
        return common;
      }
      const file = join(folder, `${described}${MANIFEST_SUFFIX}`);
      return {
        ...common,
        readManifest: async () => await readFile(file, "utf8"),
      };
    }),
  );
}

/**
 * The backups in an offsite target, by a listing of it and few manifests.
 *
 * @param open - Opens its storage. What can't be asked is told as unknown.
 */
export async function findOffsiteBackups(
  target: string,
  open: () => Promise<Pick<Storage, "listPage" | "get" | "address">>,
  { project, kinds, chainId, now }: OffsiteQuery,
): Promise<FoundBackups> {
  const problems: string[] = [];
  try {
    const storage = await open();
    const { artifacts } = await takeInventory(storage, project);
    const facts = await Promise.all(
      kinds.map(async (kind) => {
        const candidates = artifacts
          .filter((one) => one.kind === kind && isThere(one))
          .map((one) => {
            const { name, createdAt, manifest } = one;
            return {
              name,
              createdAt,
              proofs: past(remoteProofs(storage.address, one), now, problems),
              readManifest: async () =>
                manifest === undefined || manifest.sizeBytes > LONGEST_MANIFEST
                  ? undefined
                  : await text(await storage.get(manifest.key)),
            };
          });
        return await toFacts(kind, target, candidates, chainId);
      }),
    );
    return { facts, problems };
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    const facts = kinds.map((kind) => unknownFacts(kind, target, error));
    return { facts, problems };
  }
}

function unknownFacts(
  kind: ArtifactKind,
  target: string | undefined,
  error: DrError,
): BackupFacts {
  return {
    kind,
    target,
    newest: undefined,
    proven: undefined,
    schema: null,
    error,
  };
}

export interface OffsiteQuery {
  readonly project: string;
  readonly kinds: readonly ArtifactKind[];
  readonly chainId: number | undefined;
  readonly now: Date;
}

/** More than any manifest has; whatever is larger isn't read into memory. */
const LONGEST_MANIFEST = 16_777_216;

function isThere({ status }: Pick<CatalogueEntry, "status">): boolean {
  return status === "complete" || status === "legacy";
}

/** Names alone tell when; who did it, the reports on this machine may know. */
function remoteProofs(
  address: string,
  { proofs }: RemoteArtifact,
): ProofOfIt[] {
  return proofs.flatMap((object) => {
    const at = parseProofKey(object)?.at;
    return at === undefined
      ? []
      : [
          {
            at,
            by: "a restore from there",
            seconds: null,
            file: `${object} in ${address}`,
          },
        ];
  });
}

function past(
  proofs: readonly ProofOfIt[],
  now: Date,
  problems: string[],
): ProofOfIt[] {
  for (const { file } of proofs.filter(({ at }) => !(at <= now))) {
    problems.push(`${file} is dated later than it is now.`);
  }
  return proofs
    .filter(({ at }) => at <= now)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** @param candidates - The oldest first. */
async function toFacts(
  kind: ArtifactKind,
  target: string | undefined,
  candidates: readonly Candidate[],
  chainId: number | undefined,
): Promise<BackupFacts> {
  const own =
    kind === "contracts" && chainId !== undefined
      ? await ofChain(candidates.slice(-MOST_SNAPSHOTS), chainId)
      : candidates;
  const [proven] = own
    .flatMap((one) => one.proofs.map((proof) => ({ one, proof })))
    .toSorted((a, b) => b.proof.at.getTime() - a.proof.at.getTime());
  const newest = own.at(-1);
  const telling = own.findLast(({ readManifest }) => readManifest);
  return {
    kind,
    target,
    schema: schemaIn(telling && (await describe(telling)).manifest),
    newest: newest === undefined ? undefined : await describe(newest),
    proven:
      proven === undefined
        ? undefined
        : { ...(await describe(proven.one)), ...proven.proof },
    error: undefined,
  };
}

async function ofChain(
  candidates: readonly Candidate[],
  chainId: number,
): Promise<readonly Candidate[]> {
  const described = await Promise.all(
    candidates.map(async (one) => {
      const { manifest } = await describe(one);
      return { one, contents: manifest?.contents };
    }),
  );
  return described
    .filter(
      ({ contents }) =>
        typeof contents === "object" &&
        contents !== null &&
        "chainId" in contents &&
        contents.chainId === chainId,
    )
    .map(({ one }) => one);
}

async function describe({
  name,
  createdAt,
  readManifest,
}: Candidate): Promise<DescribedBackup> {
  let manifest: Manifest | undefined;
  try {
    const found = await readManifest?.();
    manifest = found === undefined ? undefined : parseManifest(found, name);
  } catch {
    // It tells nothing, then: `dr:offsite:list` and a restore say why.
  }
  const isOwn = manifest?.artifact === name;
  return { name, createdAt, manifest: isOwn ? manifest : undefined };
}

/** A backup of the database's definitions, by its manifest on this machine; null where it says none. */
export async function readLocalSchema(
  config: DrConfig,
  name: string,
): Promise<string | null> {
  try {
    const folder = placeFolder(config, "database");
    const file = join(folder, `${requireArtifactName(name)}${MANIFEST_SUFFIX}`);
    return schemaIn(parseManifest(await readFile(file, "utf8"), file));
  } catch {
    return null;
  }
}

/** SHA-256 of a database's definitions, by a manifest; null where it says none. */
export function schemaIn(manifest: Manifest | undefined): string | null {
  const contents = manifest?.contents;
  if (
    typeof contents !== "object" ||
    contents === null ||
    !("fingerprint" in contents)
  ) {
    return null;
  }
  const { fingerprint } = contents;
  return typeof fingerprint === "object" &&
    fingerprint !== null &&
    "schema" in fingerprint &&
    typeof fingerprint.schema === "string"
    ? fingerprint.schema
    : null;
}
