import { resolve } from "node:path";

import type { Environment } from "../config/environment.js";
import type { DrUserConfig } from "../config/types.js";
import { targetsOf } from "../config/resolve-backup.js";

/** A file that holds a secret, such as a key. */
export interface SecretFile {
  /** What a store of secrets calls it. */
  readonly secret: string;
  /** Where it is looked for, absolute; absent: wherever `variable` says. */
  readonly path?: string;
  readonly variable?: string;
}

/** What the tasks need of the outside. */
export interface NeededEnvironment {
  /** Variables whose values are secrets. */
  readonly secrets: readonly string[];
  /** Variables that anybody may read, with what they are here. */
  readonly settings: Readonly<Record<string, string>>;
  readonly files: readonly SecretFile[];
  /** The variable with the URL of a server for trials, where there is one. */
  readonly trialServer?: string;
}

/**
 * Finds out which variables and key files a project's configuration rests on;
 * no value of a secret is read.
 *
 * @param userConfig - All of hardhat.config.ts.
 * @param root - The project's folder, absolute.
 */
export function findNeeded(
  userConfig: { readonly dr?: DrUserConfig },
  root: string,
  environment: Environment,
): NeededEnvironment {
  const section = userConfig.dr ?? {};
  const database = ofDatabase(section, environment);
  const offsite = ofOffsite(section, root, environment);
  const keys = ofKeys(section, root);
  const trialServer = variableIn(section.database?.verify?.url);
  const secrets = new Set([
    ...variablesIn(userConfig),
    ...database.secrets,
    ...offsite.secrets,
    ...keys.secrets,
  ]);
  return {
    secrets: [...secrets].filter((name) => name !== trialServer).toSorted(),
    settings: { ...database.settings, ...offsite.settings },
    files: [...keys.files, ...offsite.files],
    ...(trialServer === undefined ? {} : { trialServer }),
  };
}

/** The names of all `configVariable`s in a configuration. */
export function variablesIn(value: unknown): readonly string[] {
  const name = variableIn(value);
  if (name !== undefined) {
    return [name];
  }
  // What plugins bring is theirs, and may lead in circles.
  return typeof value === "object" && value !== null && isPlain(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
        key === "plugins" ? [] : variablesIn(inner),
      )
    : [];
}

function isPlain(value: object): boolean {
  return (
    Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  );
}

function variableIn(value: unknown): string | undefined {
  return typeof value === "object" &&
    value !== null &&
    "_type" in value &&
    value._type === "ConfigurationVariable" &&
    "name" in value &&
    typeof value.name === "string"
    ? value.name
    : undefined;
}

type Part = Pick<NeededEnvironment, "secrets" | "settings" | "files">;

const NOTHING: Part = { secrets: [], settings: {}, files: [] };

function ofDatabase(
  { database }: DrUserConfig,
  environment: Environment,
): Part {
  if (database?.url !== undefined) {
    return NOTHING;
  }
  return environment.POSTGRES_DB && !environment.DATABASE_URL
    ? {
        ...NOTHING,
        secrets: ["POSTGRES_PASSWORD"],
        settings: settingsOf(environment, [
          "POSTGRES_HOST",
          "POSTGRES_PORT",
          "POSTGRES_USER",
          "POSTGRES_DB",
        ]),
      }
    : { ...NOTHING, secrets: ["DATABASE_URL"] };
}

/** Only those that are set: an empty one isn't the same as none. */
function settingsOf(
  environment: Environment,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value ? [[name, value]] : [];
    }),
  );
}

const AWS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

function ofOffsite(
  { offsite }: DrUserConfig,
  root: string,
  environment: Environment,
): Part {
  const settings = settingsOf(environment, [
    "RETENTION_DAYS",
    ...(offsite?.targets === undefined
      ? [
          ...["OFFSITE_PROVIDER", "S3_BUCKET", "S3_REGION", "GCS_BUCKET"],
          ...["AZURE_CONTAINER", "AZURE_STORAGE_ACCOUNT"],
        ]
      : []),
  ]);
  const targets = offsite?.targets ?? targetsOf(environment);
  const secrets = targets.flatMap((target) => {
    switch (target.kind) {
      case "s3":
        return target.credentials === undefined ? AWS : [];
      case "azure":
        return target.key === undefined ? ["AZURE_STORAGE_KEY"] : [];
      case "gcs":
      case "fs":
        return [];
    }
  });
  const google = targets.find((target) => target.kind === "gcs");
  return {
    secrets,
    settings,
    files:
      google === undefined
        ? []
        : [
            {
              secret: "GCS_SERVICE_ACCOUNT",
              ...(google.keyFile === undefined
                ? { variable: "GOOGLE_APPLICATION_CREDENTIALS" }
                : { path: resolve(root, google.keyFile) }),
            },
          ],
  };
}

function ofKeys({ encryption, signing }: DrUserConfig, root: string): Part {
  const { format, keyFile, kmsKey, identityFile } = encryption ?? {};
  const at = (secret: string, file: string | undefined): SecretFile[] =>
    file === undefined ? [] : [{ secret, path: resolve(root, file) }];
  const own =
    keyFile === undefined
      ? [{ secret: "BACKUP_ENCRYPTION_KEY", variable: "ENCRYPTION_KEY_FILE" }]
      : at("BACKUP_ENCRYPTION_KEY", keyFile);
  return {
    ...NOTHING,
    secrets: kmsKey === undefined ? [] : AWS,
    files: [
      ...(format === "age"
        ? at("BACKUP_AGE_IDENTITY", identityFile)
        : kmsKey === undefined
          ? own
          : []),
      ...at("BACKUP_SIGNING_KEY", signing?.keyFile),
    ],
  };
}
