import type { WrittenArtifact } from "../artifact/write-artifact.js";
import type { FileBackupContext } from "../backup/files.js";
import type { Json } from "../core/canonical-json.js";
import type { Clock } from "../core/clock.js";
import type { Meter } from "../core/meter.js";
import type { Access } from "./access.js";
import type { Fingerprint } from "./fingerprint.js";
import type { WantedBackup } from "./find-backup.js";
import type { FreshBackup } from "./migrations/fresh-backup.js";
import type { MigrationFile } from "./migrations/migration-file.js";
import type {
  PreparedRollback,
  RollbackResult,
} from "./migrations/rollback.js";
import type {
  Recovery,
  RecoveryPorts,
  RecoveryRequest,
} from "./recover/recover.js";
import type { RequirementOptions } from "./restore-requirements.js";
import type { RestoredDatabase } from "./restore.js";
import type { TrialWatch, VerifiedBackup } from "./verify.js";

/**
 * What a kind of database, or of its backups, can do. Tasks know nothing else
 * of it. What one can't do it refuses with DATABASE_ENGINE_UNABLE.
 */
export interface Engine {
  /** `takumi at db.example.org:5432`: the live one, for people. */
  describe(): Promise<string>;
  /** @throws {DrError} OPTION_INVALID when it doesn't back up in such a way. */
  requireChoices(choices: BackupChoices): void;
  /** Sees whether the database can be backed up, and makes nothing. */
  planBackup(
    context: BackupContext,
    choices: BackupChoices,
  ): Promise<BackupPlan>;
  backUp(context: BackupContext, choices: BackupChoices): Promise<MadeBackup>;
  /** Finds a backup, and proves that it lies there as it was written. */
  find(wanted: BackupAddress, meter: Meter): Promise<FoundBackup>;
  /** What can be restored, the oldest first; only of engines whose backups are no artifacts. */
  listKept?(): Promise<readonly KeptBackup[]>;
  /** A restore or an undo that was broken off, where the engine itself keeps account of it. */
  findBrokenOff?(): Promise<BrokenOff | undefined>;
  /** What {@link undo} would bring back; changes nothing. */
  prepareUndo(): Promise<string>;
  /** Swaps the database with the one that a restore has put aside last. */
  undo(clock: Clock): Promise<RestoredDatabase>;
  /** Works with another database that lies beside the live one. @throws {DrError} OPTION_INVALID when it is the live one. */
  withOther<T>(name: string, work: (other: Access) => Promise<T>): Promise<T>;
  /** What speaks against bringing rows back before old ones are there; only of engines that can tell. */
  prepareRecovery?(table: string, isWritten: boolean): Promise<void>;
  /** Brings rows back into the live database. @param old - Where they still are. */
  recover(
    old: Access,
    request: RecoveryRequest,
    ports: RecoveryPorts,
  ): Promise<Recovery>;
  prepareRollback(
    file: MigrationFile,
    choices: RollbackChoices,
  ): Promise<PreparedRollback>;
  applyRollback(
    prepared: PreparedRollback,
    choices: RollbackChoices,
    backUp: () => Promise<FreshBackup>,
  ): Promise<RollbackResult>;
}

export interface BackupContext extends Omit<FileBackupContext, "meter"> {
  /** Told how many bytes have been read so far; how many there will be, nobody knows. */
  readonly onProgress?: (sizeBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface BackupChoices {
  /** Of the dump; absent: what suits the engine. */
  readonly format?: string;
  /** What is copied, `full`, `diff` or `incr`; only of engines that copy what has changed. */
  readonly type?: string;
  /** How many things are done at a time. */
  readonly jobs: number;
  /** Whether rows are hashed, and not only counted. */
  readonly hashes: boolean;
}

/** What a backup would be made of. */
export interface BackupPlan extends BackupChoices {
  readonly database: string;
  readonly format: string;
  /** `15.18` */
  readonly server: string;
  readonly tables: number;
  /** On the database's disk, without indexes. */
  readonly sizeBytes: number;
  /** What makes it: its path or name, and its version. */
  readonly tool: string;
  /** Where to. */
  readonly folder: string;
  /** Needed beside the backup while it is made. */
  readonly temporaryBytes?: number;
  readonly notices: readonly string[];
}

export interface MadeBackup extends FreshBackup {
  /** Absent where backups lie in a repository of the engine's own. */
  readonly artifact?: WrittenArtifact;
  /** Absent where the engine copies what it doesn't look into. */
  readonly fingerprint?: Fingerprint;
  /** What people should know of it: sentences. */
  readonly notices: readonly string[];
}

export interface BackupAddress extends WantedBackup {
  /** The moment to come back to, between backups; only of engines that keep all that happened. */
  readonly target?: RecoveryTarget;
  /**
   * Engines that keep all that happened restore `latest` up to now, and only
   * else the newest backup as it was made; they read all of a repository only
   * where it is to be verified. Default: `restore`.
   */
  readonly purpose?: "restore" | "verify" | "recover";
}

/** Restoring from the same address goes on with it. */
export interface BrokenOff {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Absent: an undo, which undoing goes on with. */
  readonly address?: BackupAddress;
}

/** A backup in a repository of the engine's own. */
export interface KeptBackup {
  /** What the repository calls it; also what its proofs are named after where it has no record. */
  readonly label: string;
  readonly createdAt: Date;
  /** The artifact in which is written down what it holds; absent where nobody has. */
  readonly record?: string;
}

export type RecoveryTarget =
  | { readonly kind: "time"; readonly time: Date }
  /** `0/16B3748` */
  | { readonly kind: "lsn"; readonly lsn: string };

/** A backup that is whole, and what can be made of it. */
export interface FoundBackup {
  readonly name: string;
  /** `custom`, `plain`, …: what it is told as. */
  readonly format: string;
  /** Whether somebody who has one of our keys made it. */
  readonly isAuthentic: boolean;
  /** ISO 8601, UTC; absent where nobody has written it down. */
  readonly createdAt?: string;
  /** Of what is in it; absent where nobody has written it down. */
  readonly sizeBytes?: number;
  /** What must come out of it; absent where nobody has written it down. */
  readonly fingerprint?: Fingerprint;
  /** Sees whether it can be restored, and changes nothing. */
  prepareRestore(choices: RestoreChoices): Promise<RestorePreparation>;
  /** Restores beside the live database, proves that, and swaps them. */
  restore(work: RestoreWork): Promise<RestoredDatabase>;
  /** Restores on trial, and leaves nothing unless it is to be kept. */
  verify(work: ExaminedTrial): Promise<VerifiedBackup>;
  /** Writes down that it was restored and was good. @returns where. */
  recordProof(at: Date, how: Readonly<Record<string, Json>>): Promise<string>;
  /** Restores on trial, and works with what came out before it is dropped. */
  withRestored<T>(
    work: TrialWork,
    use: (restored: Access) => Promise<T>,
  ): Promise<T>;
}

export interface RestoreChoices extends RequirementOptions {
  /** Another name to leave it under; the live database isn't touched then. */
  readonly into?: string;
}

export interface RestorePreparation {
  /** What restores it. */
  readonly tool: string;
  readonly notices: readonly string[];
}

export interface TrialWork extends RequirementOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly meter?: Meter;
}

/** A trial that somebody may want to follow step by step; an engine tells what it knows. */
export interface ExaminedTrial extends TrialWork, TrialWatch {
  readonly keep: boolean;
}

export interface RestoreWork extends TrialWork, RestoreChoices {
  /** What is left of a restore that was broken off is wanted, and nothing of it twice. */
  readonly isResumed?: boolean;
  /** Leave what came out, when it isn't what was backed up, under a name of its own. */
  readonly keep: boolean;
}

export interface RollbackChoices {
  /** What PostgreSQL refuses in a transaction may run, one statement after the other. */
  readonly allowOutsideTransaction: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}
