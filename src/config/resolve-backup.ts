import { basename, resolve } from "node:path";

import type {
  ConfigurationVariable,
  ConfigurationVariableResolver,
} from "hardhat/types/config";

import type { Environment } from "./environment.js";
import { resolveDatabase } from "./resolve-database.js";
import type {
  DrConfig,
  DrUserConfig,
  OffsiteTarget,
  OffsiteTargetUserConfig,
  S3Target,
  S3TargetUserConfig,
} from "./types.js";

type BackupConfig = Pick<
  DrConfig,
  | "backup"
  | "encryption"
  | "signing"
  | "database"
  | "snapshot"
  | "files"
  | "configuration"
  | "offsite"
  | "retention"
>;

const DEFAULT_LOCAL_DAYS = 30;
const DEFAULT_OFFSITE_DAYS = 90;

/** The sections that are about backups; what they leave out is taken from the environment. */
export function resolveBackupConfig(
  section: DrUserConfig,
  root: string,
  resolveVariable: ConfigurationVariableResolver,
  environment: Environment,
): BackupConfig {
  const { backup, signing, snapshot, files, configuration, offsite } = section;
  const { retention } = section;
  const { RETENTION_DAYS, CLOUD_BACKUP } = environment;
  const encryption = resolveEncryption(section.encryption, root, environment);
  const targets = offsite?.targets ?? targetsOf(environment);
  const database = resolveDatabase(
    section.database,
    root,
    resolveVariable,
    environment,
  );
  return {
    backup: {
      compression: backup?.compression ?? "zstd",
      offsite: backup?.offsite ?? CLOUD_BACKUP === "true",
    },
    ...(encryption === undefined ? {} : { encryption }),
    signing: {
      ...pathIn(root, "keyFile", signing?.keyFile),
      trusted: signing?.trusted ?? [],
    },
    ...(database === undefined ? {} : { database }),
    snapshot: { views: snapshot?.views ?? {} },
    files: files ?? [],
    configuration: configuration ?? [],
    offsite: {
      targets: targets.map((target) =>
        resolveTarget(target, root, resolveVariable),
      ),
      ...(offsite?.bytesPerSecond === undefined
        ? {}
        : { bytesPerSecond: offsite.bytesPerSecond }),
    },
    retention: {
      localDays: retention?.localDays ?? DEFAULT_LOCAL_DAYS,
      offsiteDays:
        retention?.offsiteDays ??
        (RETENTION_DAYS === undefined
          ? DEFAULT_OFFSITE_DAYS
          : Number(RETENTION_DAYS)),
    },
  };
}

function resolveEncryption(
  encryption: DrUserConfig["encryption"],
  root: string,
  { ENCRYPTION_KEY_FILE }: Environment,
): DrConfig["encryption"] {
  const inEnvironment =
    ENCRYPTION_KEY_FILE === "" ? undefined : ENCRYPTION_KEY_FILE;
  if (encryption === undefined && inEnvironment === undefined) {
    return undefined;
  }
  const { format, keyFile, oldKeyFiles, kmsKey, recipients, identityFile } =
    encryption ?? {};
  return {
    format: format ?? "aes-256-gcm",
    ...pathIn(root, "keyFile", keyFile ?? inEnvironment),
    oldKeyFiles: (oldKeyFiles ?? []).map((file) => resolve(root, file)),
    ...(kmsKey === undefined ? {} : { kmsKey }),
    recipients: recipients ?? [],
    ...pathIn(root, "identityFile", identityFile),
  };
}

function pathIn<K extends string>(
  root: string,
  key: K,
  file: string | undefined,
): Partial<Record<K, string>> {
  return file === undefined
    ? {}
    : ({ [key]: resolve(root, file) } as Record<K, string>);
}

/** The one of OFFSITE_PROVIDER; the rest of what is wrong with it is the validation's. */
export function targetsOf(
  environment: Environment,
): readonly OffsiteTargetUserConfig[] {
  const { OFFSITE_PROVIDER, S3_BUCKET, S3_REGION, GCS_BUCKET } = environment;
  const { AZURE_CONTAINER, AZURE_STORAGE_ACCOUNT } = environment;
  switch (OFFSITE_PROVIDER) {
    case "s3":
      return S3_BUCKET
        ? [
            {
              kind: "s3",
              bucket: S3_BUCKET,
              ...(S3_REGION ? { region: S3_REGION } : {}),
            },
          ]
        : [];
    case "gcs":
      return GCS_BUCKET ? [{ kind: "gcs", bucket: GCS_BUCKET }] : [];
    case "azure":
      return AZURE_CONTAINER && AZURE_STORAGE_ACCOUNT
        ? [
            {
              kind: "azure",
              account: AZURE_STORAGE_ACCOUNT,
              container: AZURE_CONTAINER,
            },
          ]
        : [];
    default:
      return [];
  }
}

/** A target's name where the user gives none. */
export function defaultTargetName(target: OffsiteTargetUserConfig): string {
  switch (target.kind) {
    case "fs":
      return basename(target.directory);
    case "s3":
    case "gcs":
      return target.bucket;
    case "azure":
      return target.container;
  }
}

function resolveTarget(
  target: OffsiteTargetUserConfig,
  root: string,
  resolveVariable: ConfigurationVariableResolver,
): OffsiteTarget {
  const named = {
    name: target.name ?? defaultTargetName(target),
    prefix: target.prefix ?? "",
  };
  switch (target.kind) {
    case "fs":
      return {
        ...target,
        ...named,
        directory: resolve(root, target.directory),
      };
    case "s3":
      return resolveS3({ ...target, ...named }, resolveVariable);
    case "gcs":
      return {
        ...target,
        ...named,
        ...pathIn(root, "keyFile", target.keyFile),
      };
    case "azure":
      return {
        ...target,
        ...named,
        key: resolveVariable(target.key ?? AZURE_STORAGE_KEY),
      };
  }
}

function resolveS3(
  {
    credentials,
    ...target
  }: S3TargetUserConfig & Pick<S3Target, "name" | "prefix">,
  resolveVariable: ConfigurationVariableResolver,
): S3Target {
  return credentials === undefined
    ? target
    : {
        ...target,
        credentials: {
          accessKeyId: resolveVariable(credentials.accessKeyId),
          secretAccessKey: resolveVariable(credentials.secretAccessKey),
        },
      };
}

const AZURE_STORAGE_KEY: ConfigurationVariable = {
  _type: "ConfigurationVariable",
  name: "AZURE_STORAGE_KEY",
};
