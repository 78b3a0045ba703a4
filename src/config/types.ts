import type {
  ResolvedConfigurationVariable,
  SensitiveString,
} from "hardhat/types/config";

import type { Contact, Role } from "../core/contact.js";
import type { Address } from "../core/hex.js";
import type {
  AnnouncedProcedure,
  ChannelName,
  RouteName,
  RunStage,
} from "./notify-names.js";

/** What a user's own check of a recovered contract is given. */
export interface VerifyContext {
  /** As in deploy.json. */
  readonly name: string;
  readonly contract: {
    readonly address: Address;
    /**
     * Calls a view function given by its human-readable signature, at the
     * block that is verified.
     *
     * @returns its value, an array when there are several, undefined when it reverts.
     */
    read(signature: string, ...args: readonly unknown[]): Promise<unknown>;
  };
}

/** Passes by returning, a promise or not; fails by throwing or by returning false. */
export type VerifyCheck = (context: VerifyContext) => unknown;

/** Where repositories are, and with which keys, is for pgBackRest's own configuration, or its environment. */
export interface PgbackrestUserConfig {
  readonly stanza: string;
  /** Of the live server: `/var/lib/postgresql/15/main`. A restore is made beside it and takes its place by a rename. */
  readonly dataFolder: string;
  /** Default: pgBackRest's, /etc/pgbackrest/pgbackrest.conf. */
  readonly configFile?: string;
  /** How many processes restore and back up; `--jobs` goes first. Default: pgBackRest's. */
  readonly processes?: number;
  /** The folder of the server's programs. Default: where packages put those of its version. */
  readonly programs?: string;
  /** Where backups are restored on trial. Default: beside the data folder. */
  readonly scratchFolder?: string;
  /** Stops the live server: `["systemctl", "stop", "postgresql@15-main"]`. Default: `pg_ctlcluster` where the data is where Debian puts it, else `pg_ctl`. */
  readonly stop?: readonly string[];
  /** Starts it. Default: as for `stop`. */
  readonly start?: readonly string[];
  /** How long the server may take to stop, and how long to answer once it is started. Default: 60. */
  readonly timeoutSeconds?: number;
}

export type DatabaseEngine = "postgres" | "pglite" | "pgbackrest";

/**
 * Rows that were erased because somebody had the right to it: their keys, each
 * a text or, where a key has several columns, a list of texts. Or a file with
 * one key a line, several columns separated by tabs.
 */
export type ErasedUserConfig =
  readonly (string | readonly string[])[] | { readonly file: string };

/** Where backups are replicated to. */
export type OffsiteTargetUserConfig =
  FsTargetConfig | S3TargetUserConfig | GcsTargetConfig | AzureTargetUserConfig;

interface TargetConfig {
  /** For `--target`; default: the bucket's, container's or folder's name. Unique. */
  readonly name?: string;
  /** Of every object's name: `production/`. */
  readonly prefix?: string;
}

/** A folder, on another disk or machine. */
export interface FsTargetConfig extends TargetConfig {
  readonly kind: "fs";
  readonly directory: string;
}

/** Amazon S3, or a store that speaks its protocol. */
export interface S3TargetUserConfig extends TargetConfig {
  readonly kind: "s3";
  readonly bucket: string;
  /** Default: S3_REGION, else the SDK's own. */
  readonly region?: string;
  /** Of a store that isn't Amazon's. */
  readonly endpoint?: string;
  /** `endpoint/bucket` instead of `bucket.endpoint`. Default: whether there is an endpoint. */
  readonly forcePathStyle?: boolean;
  /** Default: the SDK's chain, which begins with AWS_ACCESS_KEY_ID. */
  readonly credentials?: {
    readonly accessKeyId: SensitiveString;
    readonly secretAccessKey: SensitiveString;
  };
  /** Default: STANDARD_IA, and the store's own where there is an endpoint. */
  readonly storageClass?: string;
  /** Default: AES256, and `none` where there is an endpoint. */
  readonly encryption?: "AES256" | "aws:kms" | "none";
  /** With `aws:kms`; default: the account's own. */
  readonly kmsKeyId?: string;
  /** Nobody deletes it for so long; the bucket must have Object Lock. */
  readonly objectLock?: ObjectLockConfig;
  /** CRC64NVME of every object. Default: true. */
  readonly checksums?: boolean;
  /** Whether the store honours If-None-Match. Default: true. */
  readonly conditionalWrites?: boolean;
}

export interface ObjectLockConfig {
  /** `compliance`: not even the account's owner. */
  readonly mode: "governance" | "compliance";
  readonly days: number;
}

/** Google Cloud Storage. */
export interface GcsTargetConfig extends TargetConfig {
  readonly kind: "gcs";
  readonly bucket: string;
  readonly projectId?: string;
  /** A service account's file; default: GOOGLE_APPLICATION_CREDENTIALS, and what else the SDK finds. */
  readonly keyFile?: string;
  /** Default: NEARLINE. */
  readonly storageClass?: string;
  /** Of a server that isn't Google's. */
  readonly endpoint?: string;
}

/** Azure Blob Storage. */
export interface AzureTargetUserConfig extends TargetConfig {
  readonly kind: "azure";
  readonly account: string;
  readonly container: string;
  /** Default: AZURE_STORAGE_KEY. */
  readonly key?: SensitiveString;
  /** Default: Cool. */
  readonly tier?: "Hot" | "Cool" | "Cold" | "Archive";
  /** Nobody deletes it for so long; the container must allow it. */
  readonly immutability?: ImmutabilityConfig;
  /** Of a server that isn't Azure's: `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly endpoint?: string;
}

export interface ImmutabilityConfig {
  /** `locked`: not even the account's owner. */
  readonly mode: "unlocked" | "locked";
  readonly days: number;
}

/** A target with its defaults; secrets are read when they are needed. */
export type OffsiteTarget = FsTarget | S3Target | GcsTarget | AzureTarget;

type Resolved<T extends TargetConfig> = T & {
  readonly name: string;
  readonly prefix: string;
};

/** Its directory is absolute. */
export type FsTarget = Resolved<FsTargetConfig>;

export type S3Target = Resolved<Omit<S3TargetUserConfig, "credentials">> & {
  readonly credentials?: {
    readonly accessKeyId: Secret;
    readonly secretAccessKey: Secret;
  };
};

/** Its key file is absolute. */
export type GcsTarget = Resolved<GcsTargetConfig>;

export type AzureTarget = Resolved<Omit<AzureTargetUserConfig, "key">> & {
  readonly key: Secret;
};

/** Channels by which people are told. URLs and keys are secrets: best as `configVariable`. */
export interface NotifyUserConfig {
  /** An incoming webhook. */
  readonly slack?: { readonly url: SensitiveString };
  /** The Events API v2. */
  readonly pagerduty?: {
    /** An integration key. */
    readonly routingKey: SensitiveString;
    /** Default: `https://events.pagerduty.com`; in the EU `https://events.eu.pagerduty.com`. */
    readonly url?: string;
  };
  /** By SMTP; needs the package nodemailer. */
  readonly email?: {
    /** `smtps://user:password@mail.example.org:465`, or `smtp://…:587` with STARTTLS. */
    readonly server: SensitiveString;
    readonly from: string;
    readonly to: readonly string[];
    /** A certificate authority, in PEM, besides those that Node trusts. */
    readonly caFile?: string;
    /** Whether an `smtp://` server without TLS is put up with. Default: false. */
    readonly allowPlain?: boolean;
  };
  /** JSON to a URL of one's own, signed as docs/formats.md says. */
  readonly webhook?: {
    readonly url: SensitiveString;
    /** `whsec_` and 24 to 64 bytes in base64: `echo whsec_$(openssl rand -base64 32)`. */
    readonly secret: SensitiveString;
  };
  /** Who is told of what; default: critical goes to all, see docs/formats.md. */
  readonly routes?: Readonly<
    Partial<Record<RouteName, readonly ChannelName[]>>
  >;
  /** What is said of runs; default: all of it. */
  readonly recoveries?: Readonly<
    Partial<Record<AnnouncedProcedure, readonly RunStage[]>>
  >;
  /** Whether runs on development chains are announced. Default: false. */
  readonly developmentChains?: boolean;
  /** A channel is given up after so long, all attempts together. Default: 10. */
  readonly timeoutSeconds?: number;
}

/** A small file from which a site learns what is paused. */
export interface BannerUserConfig {
  /** The network that the site is about; others never touch the banner. */
  readonly network: string;
  /** `public/banner.json` */
  readonly file: string;
  /** Where it is put too, by HTTP PUT: a presigned URL, or a server of one's own. */
  readonly upload?: {
    readonly url: SensitiveString;
    /** `{ authorization: configVariable("BANNER_TOKEN") }` */
    readonly headers?: Readonly<Record<string, SensitiveString>>;
  };
  /** What visitors read while something is paused. Default: a sentence with the contracts' names. */
  readonly message?: string;
}

/** Read only when it is needed. */
export interface Secret {
  get(): Promise<string>;
}

/** The `dr` section of hardhat.config.ts. */
export interface DrUserConfig {
  /** Artifact names begin with it. Default: the project folder's name. */
  readonly project?: string;
  readonly paths?: {
    /** Holds `<network>/deploy.json`. Default: `deployments`. */
    readonly deployments?: string;
    /** Where incident documents go. Default: `docs/incidents`. */
    readonly incidents?: string;
    /** The history of exercises, as Markdown. Default: `docs/recovery-exercises.md`. */
    readonly exercises?: string;
    /** Holds a folder for each kind of backup, and `reports`. Default: `backups`. */
    readonly backups?: string;
    /** Where longer tasks write what they did. Default: `logs`. */
    readonly logs?: string;
  };
  /** How backups are made. */
  readonly backup?: {
    /** `zstd` is faster and smaller, gzip what the old scripts wrote. Default: `zstd`. */
    readonly compression?: "zstd" | "gzip";
    /** Replicate after every `dr:backup`. Default: whether CLOUD_BACKUP is `true`. */
    readonly offsite?: boolean;
  };
  /** How backups are encrypted. Absent, and without ENCRYPTION_KEY_FILE: only what must be. */
  readonly encryption?: {
    /** Default: `aes-256-gcm`. */
    readonly format?: "aes-256-gcm" | "aes-256-cbc" | "age";
    /** As `openssl rand -hex 32` writes it, mode 600. Default: ENCRYPTION_KEY_FILE. */
    readonly keyFile?: string;
    /** They open what was encrypted before a rotation. */
    readonly oldKeyFiles?: readonly string[];
    /** A KMS key's ARN instead of a key file, for `aes-256-gcm`. */
    readonly kmsKey?: string;
    /** Of age: public keys. */
    readonly recipients?: readonly string[];
    /** Of age: private keys, mode 600; needed only to restore. */
    readonly identityFile?: string;
  };
  /** Who stands behind backups. */
  readonly signing?: {
    /** Ed25519 in PEM, mode 600; `dr:keys:generate --for signing` makes one. */
    readonly keyFile?: string;
    /** Public keys, hexadecimal: backups of all others are refused. Default: none are. */
    readonly trusted?: readonly string[];
  };
  /** The PostgreSQL database that is backed up and restored. */
  readonly database?: {
    /**
     * `postgres://user:password@host:5432/name`, best as `configVariable("DATABASE_URL")`;
     * with the engine `pglite` its data folder: a path, relative to the project, or a `file:` URL.
     * Default: DATABASE_URL, else POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB.
     */
    readonly url?: SensitiveString;
    /** Default: `postgres`, with the client programs of this machine. `pglite`: a folder that @electric-sql/pglite serves. */
    readonly engine?: DatabaseEngine;
    /** They must be there and hold rows, or a restore isn't good: `profiles`, or `app.profiles`. */
    readonly criticalTables?: readonly string[];
    /** Where `dr:db:verify` restores on trial. Default: the same server; with `pglite` always beside the folder. */
    readonly verify?: {
      /** Another server's; any database there that is there. */
      readonly url?: SensitiveString;
    };
    /** A backup that takes longer is given up: while it reads, the server can't clean up. Default: 240. */
    readonly timeLimitMinutes?: number;
    /** Of tables that are larger on the server's disk only a sample of the rows is hashed. Default: 10 GB. */
    readonly sampleAboveBytes?: number;
    /** How long `dr:db:rollback` waits for a lock: all who come after it wait as long. Default: 5. */
    readonly lockTimeoutSeconds?: number;
    /** By table: `dr:db:recover` never brings them back, nor what refers to them. */
    readonly erased?: Readonly<Record<string, ErasedUserConfig>>;
    readonly recover?: {
      /** Whether triggers fire for rows that are brought back; `skip` needs a superuser's rights. Default: `fire`. */
      readonly triggers?: "fire" | "skip";
    };
    /** Needed by the engine `pgbackrest`, which runs where the server does, as its user or as root. */
    readonly pgbackrest?: PgbackrestUserConfig;
  };
  /** What `dr:snapshot` reads besides what it always reads. */
  readonly snapshot?: {
    /** View functions without arguments, by contract name: `["function totalSupply() view returns (uint256)"]`. */
    readonly views?: Readonly<Record<string, readonly string[]>>;
  };
  /** Folders that `dr:backup` backs up. */
  readonly files?: readonly string[];
  /** Configuration and env files that `dr:backup` backs up, always encrypted. */
  readonly configuration?: readonly string[];
  readonly offsite?: {
    /** Default: the one that OFFSITE_PROVIDER and its variables name. */
    readonly targets?: readonly OffsiteTargetUserConfig[];
    /** Of all uploads together; default: as fast as it goes. */
    readonly bytesPerSecond?: number;
  };
  readonly retention?: {
    /** Default: 30. */
    readonly localDays?: number;
    /** Default: RETENTION_DAYS, else 90. */
    readonly offsiteDays?: number;
  };
  /**
   * Further RPCs that must confirm what a signer or an executor is about to
   * rely on: of every network that is reached by HTTP, or by network name. A
   * URL may be a `configVariable`; only its host is ever shown.
   */
  readonly rpcQuorum?:
    | readonly SensitiveString[]
    | Readonly<Record<string, readonly SensitiveString[]>>;
  readonly transactions?: {
    /** Blocks to wait for, a transaction's own included. Default: 1 on development chains, 2 elsewhere. */
    readonly confirmations?: number;
    /** Unmined for so long, a transaction is sent again with higher fees. Default: 30. */
    readonly stuckAfterSeconds?: number;
    /** Nothing mined for so long, a run stops and can be resumed. Default: 1800. */
    readonly giveUpAfterSeconds?: number;
    /** Default: 0.25 on development chains, 2 elsewhere. */
    readonly pollSeconds?: number;
  };
  /** Safe's contracts on a chain that Safe doesn't list. */
  readonly safeContracts?: {
    readonly multiSend?: string;
    /** Its code must be Safe's own. */
    readonly multiSendCallOnly?: string;
  };
  /** Keeps what `dr:safe:presign` prepares encrypted, with age. */
  readonly goBag?: {
    /** Public keys, `age1…`: of everyone who may open it. */
    readonly recipients: readonly string[];
    /** Private keys as `age-keygen` writes them, mode 600: to sign, check and execute here. */
    readonly identityFile?: string;
  };
  /** The Safe Transaction Service, for `dr:safe:sign --service`; nothing else asks it. */
  readonly safeService?: {
    /** Default: Safe's own, which wants a key. */
    readonly url?: string;
    /** `configVariable("SAFE_API_KEY")`. */
    readonly apiKey?: SensitiveString;
  };
  /** Who is called in an incident, and how; each by at least one channel. */
  readonly contacts?: Readonly<Partial<Record<Role, Omit<Contact, "role">>>>;
  readonly notify?: NotifyUserConfig;
  /** Written by `dr:pause` and whatever else pauses or unpauses. */
  readonly banner?: BannerUserConfig;
  /** Checks of your own after a rollback or an upgrade, by contract name. */
  readonly verify?: Readonly<Record<string, VerifyCheck>>;
  /** How long a recovery may take, and how much may be lost; drills are held against it. */
  readonly objectives?: {
    /** Recovery time. Default: 15 for contracts, 30 for the database. */
    readonly rtoMinutes?: {
      readonly contracts?: number;
      readonly database?: number;
    };
    /** Recovery point: the age of the newest backup. Default: 24. */
    readonly rpoHours?: number;
  };
  readonly drill?: {
    /** Runbooks that must be there, relative to the project. Default: none. */
    readonly documents?: readonly string[];
    /** Scenarios of the project's own. Default: `drills`. */
    readonly scenarios?: string;
  };
}

/** The section with its defaults; paths are absolute. */
export interface DrConfig {
  readonly project: string;
  readonly paths: {
    readonly deployments: string;
    readonly incidents: string;
    readonly exercises: string;
    readonly backups: string;
    readonly logs: string;
  };
  readonly backup: {
    readonly compression: "zstd" | "gzip";
    readonly offsite: boolean;
  };
  /** Absent unless the user has set it up. */
  readonly encryption?: {
    readonly format: "aes-256-gcm" | "aes-256-cbc" | "age";
    readonly keyFile?: string;
    readonly oldKeyFiles: readonly string[];
    readonly kmsKey?: string;
    readonly recipients: readonly string[];
    readonly identityFile?: string;
  };
  readonly signing: {
    readonly keyFile?: string;
    readonly trusted: readonly string[];
  };
  /** Absent unless the user has set it up. */
  readonly database?: {
    readonly url: Secret;
    readonly engine: DatabaseEngine;
    readonly criticalTables: readonly string[];
    readonly verify: { readonly url?: Secret };
    readonly timeLimitMinutes: number;
    readonly sampleAboveBytes: number;
    readonly lockTimeoutSeconds: number;
    /** Files' paths are absolute. */
    readonly erased: Readonly<Record<string, ErasedUserConfig>>;
    readonly recover: { readonly triggers: "fire" | "skip" };
    /** Paths are absolute. */
    readonly pgbackrest?: PgbackrestUserConfig & {
      readonly timeoutSeconds: number;
    };
  };
  readonly snapshot: {
    readonly views: Readonly<Record<string, readonly string[]>>;
  };
  /** As the user wrote them: relative to the project, or absolute. */
  readonly files: readonly string[];
  readonly configuration: readonly string[];
  readonly offsite: {
    readonly targets: readonly OffsiteTarget[];
    readonly bytesPerSecond?: number;
  };
  readonly retention: {
    readonly localDays: number;
    readonly offsiteDays: number;
  };
  readonly rpcQuorum: {
    /** Of every network that others can reach too. */
    readonly every: readonly ResolvedConfigurationVariable[];
    readonly byNetwork: Readonly<
      Record<string, readonly ResolvedConfigurationVariable[]>
    >;
  };
  readonly transactions: {
    readonly confirmations?: number;
    readonly stuckAfterSeconds: number;
    readonly giveUpAfterSeconds: number;
    readonly pollSeconds?: number;
  };
  readonly safeContracts: {
    readonly multiSend?: Address;
    readonly multiSendCallOnly?: Address;
  };
  /** Absent unless the user has set it up. */
  readonly goBag?: {
    readonly recipients: readonly string[];
    readonly identityFile?: string;
  };
  /** Absent unless the user has set it up. */
  readonly safeService?: {
    readonly url?: string;
    readonly apiKey?: Secret;
  };
  /** In the order of escalation. */
  readonly contacts: readonly Contact[];
  readonly notify: NotifyConfig;
  /** Absent unless the user has set it up. */
  readonly banner?: BannerConfig;
  readonly verify: Readonly<Record<string, VerifyCheck>>;
  readonly objectives: {
    readonly rtoMinutes: {
      readonly contracts: number;
      readonly database: number;
    };
    readonly rpoHours: number;
  };
  readonly drill: {
    /** Absolute. */
    readonly documents: readonly string[];
    /** A folder, absolute. */
    readonly scenarios: string;
  };
}

/** Channels are absent unless the user has set them up; files' paths are absolute. */
export interface NotifyConfig {
  readonly slack?: { readonly url: Secret };
  readonly pagerduty?: { readonly routingKey: Secret; readonly url: string };
  readonly email?: {
    readonly server: Secret;
    readonly from: string;
    readonly to: readonly string[];
    readonly caFile?: string;
    readonly allowPlain: boolean;
  };
  readonly webhook?: { readonly url: Secret; readonly secret: Secret };
  readonly routes: Readonly<Record<RouteName, readonly ChannelName[]>>;
  readonly recoveries: Readonly<
    Record<AnnouncedProcedure, readonly RunStage[]>
  >;
  readonly developmentChains: boolean;
  readonly timeoutSeconds: number;
}

export interface BannerConfig {
  readonly network: string;
  readonly file: string;
  readonly upload?: {
    readonly url: Secret;
    readonly headers: Readonly<Record<string, Secret>>;
  };
  readonly message?: string;
}
