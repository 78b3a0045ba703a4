import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";

import type { Extension, PGlite } from "@electric-sql/pglite";

import { DrError, hasCode } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { loadOptional } from "../../core/optional-package.js";

const PACKAGE = "@electric-sql/pglite";

/** @throws {DrError} DATABASE_PACKAGE_MISSING. */
export async function loadPGlite(): Promise<typeof PGlite> {
  keepCompiledCode();
  return (await load(PACKAGE, async () => await import("@electric-sql/pglite")))
    .PGlite;
}

/**
 * Node 24 now and then dies when it frees compiled WebAssembly, of which a
 * process that opens several databases has much: it keeps all of it then.
 *
 * @see https://github.com/nodejs/node/issues/64500
 */
function keepCompiledCode(): void {
  setFlagsFromString("--no-wasm-code-gc");
}

/** PGlite's programs, compiled once for all databases of this process. */
export interface CompiledPrograms {
  readonly pgliteWasmModule: object;
  readonly initdbWasmModule: object;
}

/** Node's, of which its types say nothing. */
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<object>;
};

let compiled: Promise<CompiledPrograms | undefined> | undefined;

/** @returns undefined where this version of PGlite keeps them elsewhere: it compiles them itself then, each time. */
export async function compilePrograms(): Promise<CompiledPrograms | undefined> {
  compiled ??= compileBoth();
  return await compiled;
}

async function compileBoth(): Promise<CompiledPrograms | undefined> {
  const place = import.meta.resolve(PACKAGE);
  const [pglite, initdb] = await Promise.all(
    ["./pglite.wasm", "./initdb.wasm"].map(
      async (name) => await ifThere(readFile(new URL(name, place))),
    ),
  );
  if (pglite === undefined || initdb === undefined) {
    return undefined;
  }
  const [pgliteWasmModule, initdbWasmModule] = await Promise.all([
    WebAssembly.compile(pglite),
    WebAssembly.compile(initdb),
  ]);
  return { pgliteWasmModule, initdbWasmModule };
}

/** @throws {DrError} DATABASE_PACKAGE_MISSING. */
export async function loadPgDump(): Promise<
  typeof import("@electric-sql/pglite-tools/pg_dump").pgDump
> {
  return (
    await load(
      "@electric-sql/pglite-tools",
      async () => await import("@electric-sql/pglite-tools/pg_dump"),
    )
  ).pgDump;
}

/** @throws {DrError} DATABASE_PACKAGE_MISSING. */
export async function load<T>(
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  return await loadOptional(
    load,
    (cause) =>
      new DrError("DATABASE_PACKAGE_MISSING", { package: name }, { cause }),
  );
}

/** Of PostgreSQL's own extensions those that PGlite brings along, as PostgreSQL calls them. */
const EXTENSIONS: readonly string[] = [
  "amcheck",
  "bloom",
  "btree_gin",
  "btree_gist",
  "citext",
  "cube",
  "dict_int",
  "dict_xsyn",
  "earthdistance",
  "file_fdw",
  "fuzzystrmatch",
  "hstore",
  "intarray",
  "isn",
  "lo",
  "ltree",
  "pageinspect",
  "pg_buffercache",
  "pg_freespacemap",
  "pg_surgery",
  "pg_trgm",
  "pg_visibility",
  "pg_walinspect",
  "pgcrypto",
  "seg",
  "tablefunc",
  "tcn",
  "tsm_system_rows",
  "tsm_system_time",
  "unaccent",
  "uuid-ossp",
];

/**
 * They are loaded before anything else: PGlite writes that into a database's
 * settings, and whoever opens it without them from then on fails.
 */
export const PRELOADED: readonly string[] = ["pg_stat_statements"];

/**
 * All of them: which ones a database uses it tells once it is open, and then it
 * is too late. One that this version of PGlite lacks is left out.
 *
 * @param preloaded - Those of {@link PRELOADED} that the database can't do without.
 */
export async function loadExtensions(
  preloaded: readonly string[] = PRELOADED,
): Promise<Record<string, Extension>> {
  const found: Record<string, Extension> = {};
  for (const extension of [...EXTENSIONS, ...preloaded]) {
    const name = extension.replaceAll("-", "_");
    const path = `@electric-sql/pglite/contrib/${name}`;
    try {
      const module = (await import(path)) as Record<string, Extension>;
      Object.assign(found, { [name]: module[name] });
    } catch (error) {
      if (!hasCode(error, "ERR_MODULE_NOT_FOUND")) {
        throw error;
      }
    }
  }
  return found;
}
