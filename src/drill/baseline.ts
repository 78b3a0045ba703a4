import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { generateBackupKey } from "../artifact/backup-key.js";
import type { ArtifactKind } from "../artifact/name.js";
import { checkArtifact, measureFile } from "../artifact/read-artifact.js";
import { backUpFiles } from "../backup/files.js";
import { artifactKeys, requireEncryption } from "../backup/place.js";
import type { DrConfig, OffsiteTarget } from "../config/types.js";
import { openEngine } from "../database/open-engine.js";
import type { Fingerprint } from "../database/fingerprint.js";
import { DrError } from "../core/errors.js";
import { listLocalArtifacts } from "../offsite/local-artifacts.js";
import { openStorage } from "../offsite/open-storage.js";
import { replicateToTarget } from "../offsite/replication.js";
import { openSession, type SessionSource } from "../session/open-session.js";
import { snapshotContracts } from "../session/snapshot.js";
import type { CheckBook, CheckPlace } from "./check-book.js";
import type { Configured } from "./configured.js";
import { withinDrill } from "./copies/offsite.js";
import type { MadeRecord } from "./made.js";
import { markFolder, type Mark } from "./mark.js";
import { measureEqual } from "./measurement.js";
import type { DrillPorts } from "./ports.js";
import type { BackupReport } from "./report.js";
import { round, type Stopwatch } from "./stopwatch.js";

/** A backup that the drill made of what is real, and recovers from. */
export interface BaselineBackup extends BackupReport {
  readonly path: string;
  /** Since the drill began: what came later isn't in it. */
  readonly atSeconds: number;
}

/** All that a drill begins with. */
export interface Baseline {
  /** The project's, but that backups and offsite targets are the drill's. */
  readonly config: DrConfig;
  readonly backups: readonly BaselineBackup[];
  /** Of the database at the moment of its backup; absent where none is drilled. */
  readonly fingerprint?: Fingerprint;
}

export interface BaselineScene {
  readonly ports: DrillPorts;
  /** Without who is absent. */
  readonly source: SessionSource;
  readonly configured: Configured;
  /** The drill's own folder, marked. */
  readonly home: string;
  readonly mark: Mark;
  readonly record: MadeRecord;
  readonly book: CheckBook;
  readonly watch: Stopwatch;
}

const PLACE: CheckPlace = { phase: "baseline", scenario: null };

/**
 * Backs up what is real, into the drill's folder, and replicates that. What
 * fails is a failed check; scenarios that need it can't run then.
 */
export async function makeBaseline(scene: BaselineScene): Promise<Baseline> {
  const { configured } = scene;
  const config = await configOf(scene);
  const found: { fingerprint?: Fingerprint } = {};
  const backups: BaselineBackup[] = [];
  const make = async (
    kind: BackupReport["kind"],
    isConfigured: boolean,
    reason: string,
    work: () => Promise<{ readonly path: string }>,
  ): Promise<void> => {
    const backup = await backUp(scene, config, {
      kind,
      isConfigured,
      reason,
      work,
    });
    backups.push(...(backup === undefined ? [] : [backup]));
  };
  await make(
    "database",
    configured.database,
    configured.noDatabase,
    async () => {
      const { ports, source } = scene;
      const engine = await openEngine(config, source.root);
      const { artifact, fingerprint } = await engine.backUp(
        { ...contextOf(scene, config), signal: ports.signal },
        { jobs: 1, hashes: true },
      );
      if (fingerprint !== undefined) {
        found.fingerprint = fingerprint;
      }
      return { path: artifact?.path ?? "" };
    },
  );
  await make(
    "contracts",
    configured.contracts,
    configured.noContracts,
    async () => {
      const { ports } = await openSession(scene.source);
      return await snapshotContracts(ports, config);
    },
  );
  await make(
    "files",
    configured.files,
    "No files are configured.",
    async () => {
      const { artifacts } = await backUpFiles(contextOf(scene, config), true);
      return artifacts[0] ?? { path: "" };
    },
  );
  await replicate(scene, config, backups);
  return { config, backups, ...found };
}

function contextOf({ ports, source }: BaselineScene, config: DrConfig) {
  const { clock, toolVersion } = ports;
  const tool = `hardhat-dr ${toolVersion}`;
  return { config, project: source.root, clock, tool };
}

interface Making {
  readonly kind: BackupReport["kind"];
  readonly isConfigured: boolean;
  /** Why there is nothing to back up. */
  readonly reason: string;
  readonly work: () => Promise<{ readonly path: string }>;
}

/** Made, and read back from the disk to its last byte. */
async function backUp(
  { book, watch }: BaselineScene,
  config: DrConfig,
  { kind, isConfigured, reason, work }: Making,
): Promise<BaselineBackup | undefined> {
  const check = {
    id: `${kind}-backup`,
    title: `A backup of the ${kind} is made, and its digest holds`,
    critical: true,
  };
  if (!isConfigured) {
    book.skip(PLACE, check, reason);
    return undefined;
  }
  const atSeconds = watch.seconds;
  let made: BaselineBackup | undefined;
  const isMade = await book.run(PLACE, {
    ...check,
    measure: async () => {
      const { path } = await work();
      const { manifest } = await checkArtifact(path, artifactKeys(config));
      const { sha256, sizeBytes } = await measureFile(path);
      const seconds = round(watch.seconds - atSeconds);
      const name = basename(path);
      made = { kind, name, path, sha256, sizeBytes, seconds, atSeconds };
      return measureEqual(
        `${name} ${sha256}`,
        `${name} ${manifest.stored.sha256}`,
      );
    },
  });
  return isMade ? made : undefined;
}

/** Backups and logs in the drill's folder; targets, each with a place for the drill. */
async function configOf(scene: BaselineScene): Promise<DrConfig> {
  const { source, home, mark } = scene;
  const { config } = source;
  const { targets } = config.offsite;
  const isOwn = targets.length === 0;
  const own: OffsiteTarget = {
    kind: "fs",
    name: "drill",
    directory: join(home, "offsite"),
    prefix: "",
  };
  await mkdir(own.directory, { mode: 0o700 });
  const encryption =
    config.encryption ?? (isOwn ? await ownEncryption(home) : undefined);
  return {
    ...config,
    ...(encryption === undefined ? {} : { encryption }),
    paths: {
      ...config.paths,
      backups: join(home, "backups"),
      logs: join(home, "logs"),
      incidents: join(home, "incidents"),
    },
    backup: { ...config.backup, offsite: false },
    offsite: {
      ...config.offsite,
      targets: (isOwn ? [own] : targets).map((one) => withinDrill(one, mark)),
    },
  };
}

/** What stays in the drill's folder needs no key of the project's. */
async function ownEncryption(
  home: string,
): Promise<NonNullable<DrConfig["encryption"]>> {
  const keyFile = join(home, "backup.key");
  await generateBackupKey(keyFile);
  return { format: "aes-256-gcm", keyFile, oldKeyFiles: [], recipients: [] };
}

/** To each target, by the very code of `dr:offsite:replicate`. */
async function replicate(
  { ports, book, record, home, mark }: BaselineScene,
  config: DrConfig,
  backups: readonly BaselineBackup[],
): Promise<void> {
  await mkdir(config.paths.backups, { recursive: true, mode: 0o700 });
  await markFolder(config.paths.backups, mark);
  for (const target of config.offsite.targets) {
    const check = {
      id: `replicated-${target.name}`,
      title: `${target.name} holds the backups, proven by their digests`,
      critical: true,
    };
    if (backups.length === 0) {
      book.skip(PLACE, check, "There is no backup to replicate.");
      continue;
    }
    if (target.kind !== "fs" || dirname(target.directory) !== home) {
      const { name, prefix } = target;
      await record.add({ kind: "objects", target: name, prefix });
    }
    await book.run(PLACE, {
      ...check,
      measure: async () => {
        await requireEncryption(config.encryption);
        const {
          isDone,
          backups: done,
          error,
        } = await replicateToTarget(
          target,
          async () => await openStorage(target),
          await listLocalArtifacts(config.paths.backups, config.project),
          {
            project: config.project,
            trusted: config.signing.trusted,
            retentionDays: config.retention.offsiteDays,
            clock: ports.clock,
            isDryRun: false,
            tell: ports.progress,
            signal: ports.signal,
          },
        );
        if (error !== undefined) {
          throw error;
        }
        const failed = done.find((one) => one.error !== undefined);
        if (failed?.error !== undefined) {
          throw failed.error;
        }
        const names = done.map(({ name }) => name).toSorted();
        return {
          ...measureEqual(
            names.join(", "),
            backups
              .map(({ name }) => name)
              .toSorted()
              .join(", "),
          ),
          ...(isDone ? {} : { isMet: false }),
        };
      },
    });
  }
}

/** @throws {DrError} ARTIFACT_MISSING when the drill has none of this kind. */
export function requireBackup(
  { backups, config }: Baseline,
  kind: ArtifactKind,
): BaselineBackup {
  const found = backups.find((one) => one.kind === kind);
  if (found === undefined) {
    const reason = `the drill has none of ${kind}`;
    const path = join(config.paths.backups, kind);
    throw new DrError("ARTIFACT_MISSING", { path, reason });
  }
  return found;
}
