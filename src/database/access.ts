import { userInfo } from "node:os";

import type { ClientConfig } from "pg";
import { parse, toClientConfig } from "pg-connection-string";

import { DrError } from "../core/errors.js";
import type { SessionClient } from "./session-client.js";

/** How to come to a database. */
export interface Access {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** As node-postgres takes it. */
  readonly ssl?: ClientConfig["ssl"];
  /** The same as libpq takes it: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`. */
  readonly sslOptions: Readonly<Record<string, string>>;
  /** Of one that this process serves itself: all the rest says nothing then. */
  readonly embedded?: EmbeddedDatabase;
}

/** A database in this process: all sessions are one. */
export interface EmbeddedDatabase {
  /** For people. */
  readonly name: string;
  readonly connect: () => SessionClient;
}

const DEFAULT_PORT = "5432";
const SSL_OPTIONS = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/**
 * @param url - `postgres://user:password@host:5432/database?sslmode=verify-full`
 * @throws {DrError} DATABASE_URL_INVALID, which shows nothing of it.
 */
export function parseDatabaseUrl(url: string): Access {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw invalid("it doesn't begin with postgres://");
  }
  const [found, { ssl }] = parseOrThrow(url);
  const { host, port, user, password } = found;
  const database = databaseOf(url, found.database);
  if (!database) {
    throw invalid("it names no database");
  }
  const options = Object.entries(found).filter(
    (entry): entry is [string, string] => SSL_OPTIONS.includes(entry[0]),
  );
  return {
    host: textOr(host, "localhost"),
    port: Number(textOr(port, DEFAULT_PORT)),
    user: textOr(user, userInfo().username),
    ...(password ? { password } : {}),
    database,
    ...(ssl === undefined ? {} : { ssl }),
    sslOptions: Object.fromEntries(options),
  };
}

/** The parser leaves `%3D`, `%2F` and the like in it as they are; libpq doesn't. */
function databaseOf(
  url: string,
  parsed: string | null | undefined,
): string | null | undefined {
  const [, path = ""] = /^[^:]+:\/\/[^/?#]*\/([^?#]*)/.exec(url) ?? [];
  try {
    return decodeURI(path) === parsed ? decodeURIComponent(path) : parsed;
  } catch {
    return parsed;
  }
}

/** The parser gives what isn't there in three ways. */
function textOr(text: string | null | undefined, otherwise: string): string {
  return text === undefined || text === null || text === "" ? otherwise : text;
}

/** The parser's own words may show the URL. */
function parseOrThrow(
  url: string,
): readonly [ReturnType<typeof parse>, ClientConfig] {
  try {
    const found = parse(url, { useLibpqCompat: true });
    return [found, toClientConfig(found)];
  } catch (error) {
    const isFile = error instanceof Error && "path" in error;
    throw invalid(
      isFile
        ? `${String(error.path)}, which it names, can't be read`
        : "it can't be taken apart",
    );
  }
}

function invalid(reason: string): DrError {
  return new DrError("DATABASE_URL_INVALID", { reason });
}

/** Another database of the same server. */
export function inDatabase(access: Access, database: string): Access {
  return { ...access, database };
}

/** `takumi at db.example.org:5432`, for people: without the password. */
export function nameOfDatabase(access: Access): string {
  const { host, port, database, embedded } = access;
  return embedded?.name ?? `${database} at ${host}:${String(port)}`;
}
