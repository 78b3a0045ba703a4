import { resolve } from "node:path";

import type {
  ConfigurationVariable,
  ConfigurationVariableResolver,
} from "hardhat/types/config";

import type { Environment } from "./environment.js";
import type { DrConfig, DrUserConfig, PgbackrestUserConfig } from "./types.js";

const DATABASE_URL: ConfigurationVariable = {
  _type: "ConfigurationVariable",
  name: "DATABASE_URL",
};

const TIME_LIMIT_MINUTES = 240;
const SAMPLE_ABOVE_BYTES = 10e9;
const LOCK_TIMEOUT_SECONDS = 5;

/** Undefined unless something says which database it is. */
export function resolveDatabase(
  section: DrUserConfig["database"],
  root: string,
  resolveVariable: ConfigurationVariableResolver,
  environment: Environment,
): DrConfig["database"] {
  const inParts = urlOfParts(environment);
  const given =
    section?.url ?? (environment.DATABASE_URL ? DATABASE_URL : undefined);
  if (section === undefined && given === undefined && inParts === undefined) {
    return undefined;
  }
  return {
    // Where nothing says which, DATABASE_URL is asked for when it is needed.
    url:
      given === undefined && inParts !== undefined
        ? { get: async () => await Promise.resolve(inParts) }
        : resolveVariable(given ?? DATABASE_URL),
    engine: section?.engine ?? "postgres",
    criticalTables: section?.criticalTables ?? [],
    verify:
      section?.verify?.url === undefined
        ? {}
        : { url: resolveVariable(section.verify.url) },
    timeLimitMinutes: section?.timeLimitMinutes ?? TIME_LIMIT_MINUTES,
    sampleAboveBytes: section?.sampleAboveBytes ?? SAMPLE_ABOVE_BYTES,
    lockTimeoutSeconds: section?.lockTimeoutSeconds ?? LOCK_TIMEOUT_SECONDS,
    erased: resolveErased(section?.erased ?? {}, root),
    recover: { triggers: section?.recover?.triggers ?? "fire" },
    ...(section?.pgbackrest === undefined
      ? {}
      : { pgbackrest: resolvePgbackrest(section.pgbackrest, root) }),
  };
}

const PGBACKREST_TIMEOUT_SECONDS = 60;

function resolvePgbackrest(
  section: PgbackrestUserConfig,
  root: string,
): NonNullable<NonNullable<DrConfig["database"]>["pgbackrest"]> {
  const { dataFolder, configFile, programs, scratchFolder } = section;
  const paths = Object.entries({ configFile, programs, scratchFolder }).flatMap(
    ([name, path]) =>
      path === undefined ? [] : [[name, resolve(root, path)] as const],
  );
  return {
    timeoutSeconds: PGBACKREST_TIMEOUT_SECONDS,
    ...section,
    dataFolder: resolve(root, dataFolder),
    ...Object.fromEntries(paths),
  };
}

function resolveErased(
  erased: NonNullable<NonNullable<DrUserConfig["database"]>["erased"]>,
  root: string,
): NonNullable<DrConfig["database"]>["erased"] {
  const lists = Object.entries(erased).map(
    ([table, list]) =>
      [
        table,
        "file" in list ? { file: resolve(root, list.file) } : list,
      ] as const,
  );
  return Object.fromEntries(lists);
}

/** As the old scripts were told. */
function urlOfParts(environment: Environment): string | undefined {
  const { POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD } = environment;
  const { POSTGRES_DB, POSTGRES_PORT } = environment;
  if (!POSTGRES_DB) {
    return undefined;
  }
  const [user, password, database] = [
    POSTGRES_USER ?? "postgres",
    POSTGRES_PASSWORD ?? "",
    POSTGRES_DB,
  ].map(encodeURIComponent) as [string, string, string];
  const who = password === "" ? user : `${user}:${password}`;
  const host = POSTGRES_HOST ?? "localhost";
  const port = POSTGRES_PORT ?? "5432";
  return `postgres://${who}@${host}:${port}/${database}`;
}
