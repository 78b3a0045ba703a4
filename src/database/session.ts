import type { QueryResultRow } from "pg";

import { DrError, hasCode, isDrError, messageOf } from "../core/errors.js";
import { nameOfDatabase, type Access } from "./access.js";
import type { SessionClient } from "./session-client.js";

/** A connection to a database, and where it leads. */
export interface Session {
  readonly access: Access;
  readonly client: SessionClient;
  /**
   * One statement, with values for `$1`, `$2`, …; several without values.
   *
   * @throws {DrError} DATABASE_FAILED with the server's words,
   * DATABASE_UNREACHABLE when the connection is lost.
   */
  query<Row extends QueryResultRow>(
    this: void,
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Older ones lack types and functions that a database is described with. */
const OLDEST_MAJOR = 13;

/** With them values look the same whatever the server, the database, the role or the machine has set. */
export const VALUE_SETTINGS: readonly string[] = [
  "TimeZone = 'UTC'",
  "DateStyle = 'ISO, YMD'",
  "IntervalStyle = 'postgres'",
  "extra_float_digits = 3",
  "bytea_output = 'hex'",
  "xmlbinary = 'base64'",
  "lc_monetary = 'C'",
];

const PINNED = `
  SET application_name = 'hardhat-dr';
  ${VALUE_SETTINGS.map((setting) => `SET ${setting};`).join("\n  ")}
  SET quote_all_identifiers = off;
  SET search_path = '';
  SET row_security = off;
  SET statement_timeout = 0;
  SET lock_timeout = 0;
  SET idle_in_transaction_session_timeout = 0;
  SELECT set_config(name, '0', false) FROM unnest(ARRAY['transaction_timeout', 'idle_session_timeout']) AS name
   WHERE current_setting(name, true) IS NOT NULL;
`;

/**
 * Opens a connection, works with it, and closes it.
 *
 * @throws {DrError} DATABASE_UNREACHABLE, DATABASE_TLS_FAILED, DATABASE_DENIED,
 * DATABASE_MISSING, DATABASE_POOLED, DATABASE_SERVER_TOO_OLD, and what the work
 * throws.
 */
export async function withSession<T>(
  access: Access,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(access);
  try {
    return await work(session);
  } finally {
    await closeSession(session);
  }
}

/** For who closes it himself with {@link closeSession}. @throws like {@link withSession}. */
export async function openSession(access: Access): Promise<Session> {
  const client = access.embedded?.connect() ?? (await connectAlone(access));
  try {
    await requireServer(client, access);
    await client.query(PINNED);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw explainPostgres(error, access);
  }
  return {
    access,
    client,
    query: async <Row extends QueryResultRow>(
      sql: string,
      values?: readonly unknown[],
    ) => {
      try {
        const { rows } = await client.query(sql, values as unknown[]);
        return rows as Row[];
      } catch (error) {
        throw explainPostgres(error, access);
      }
    },
  };
}

/** @throws {DrError} DATABASE_SERVER_TOO_OLD. */
async function requireServer(
  client: SessionClient,
  { host }: Access,
): Promise<void> {
  const { rows } = await client.query(
    "SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version",
  );
  const [{ major, version }] = rows as [{ major: number; version: string }];
  if (major < OLDEST_MAJOR) {
    const oldest = OLDEST_MAJOR;
    throw new DrError("DATABASE_SERVER_TOO_OLD", { host, version, oldest });
  }
}

/**
 * A pooler that gives each transaction any of its connections would hand what
 * is set here to the app, and lose the locks and snapshots of a session. It is
 * known by this: it doesn't tell the number of the process that serves, and two
 * clients come upon the same one, or one client upon several.
 *
 * @throws {DrError} DATABASE_POOLED, and those of {@link openSession}.
 */
async function connectAlone(access: Access): Promise<SessionClient> {
  const client = await connect(access);
  try {
    const backend = await askBackend(client);
    if (backend !== client.processID) {
      await requireUnshared(client, backend, access);
    }
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw explainPostgres(error, access);
  }
}

const LOOKS = 5;

async function requireUnshared(
  client: SessionClient,
  backend: number,
  access: Access,
): Promise<void> {
  const other = await connect(access);
  try {
    for (let look = 0; look < LOOKS; look++) {
      const isShared =
        (await askBackend(other)) === backend ||
        (await askBackend(client)) !== backend;
      if (isShared) {
        const database = nameOfDatabase(access);
        throw new DrError("DATABASE_POOLED", { database });
      }
    }
  } finally {
    await other.end().catch(() => undefined);
  }
}

async function askBackend(client: SessionClient): Promise<number> {
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  return (rows as { pid: number }[])[0]?.pid ?? 0;
}

/** As the server told it when it was connected to. */
type ServerClient = SessionClient & { readonly processID?: number | null };

async function connect(access: Access): Promise<ServerClient> {
  const { default: pg } = await import("pg");
  const client = withoutEnvironment(
    () =>
      new pg.Client({
        ...access,
        // Absent, it would be looked for in the user's ~/.pgpass, where PostgreSQL's programs don't look for us.
        password: access.password ?? (() => ""),
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
      }),
  );
  // It is told of whatever comes after a connection is lost; queries fail by themselves.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    if (messageOf(error) === TLS_MISSING && isTlsOptional(access)) {
      return await connect({ ...access, ssl: false });
    }
    throw explainPostgres(error, access);
  }
}

/** Of node-postgres. */
const TLS_MISSING = "The server does not support SSL connections";

function isTlsOptional({ ssl, sslOptions: { sslmode = "" } }: Access): boolean {
  return ssl !== false && ["allow", "prefer"].includes(sslmode);
}

/** node-postgres takes what it isn't given from the user's own PG…, which may mean another server. */
function withoutEnvironment<T>(make: () => T): T {
  const own = Object.entries(process.env).filter(
    ([name, value = ""]) =>
      name.startsWith("PG") &&
      // Who wants TLS everywhere shall not be connected without.
      !(
        name === "PGSSLMODE" && /^(require|verify-ca|verify-full)$/.test(value)
      ),
  );
  for (const [name] of own) {
    Reflect.deleteProperty(process.env, name);
  }
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(own));
  }
}

/** The number of the process that serves it. */
export async function backendOf({
  query,
}: Pick<Session, "query">): Promise<number> {
  const [row] = await query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return row?.pid ?? 0;
}

/** Also when it is lost already. */
export async function closeSession({ client }: Session): Promise<void> {
  await client.end().catch(() => undefined);
}

/** @see PostgreSQL, appendix A, "PostgreSQL Error Codes" */
const INVALID_AUTHORIZATION = "28";
const INSUFFICIENT_PRIVILEGE = "42501";
const INVALID_CATALOG_NAME = "3D000";
const LOST = /^(08|57P0|53300)/;

/** Of Node.js and OpenSSL. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF|SELF_SIGNED_CERT)/;

/** Of node-postgres, where the server asks for a password and none is known. */
const PASSWORD_MISSING =
  /^SASL: .*client password must be a (non-empty )?string/;

/** What went wrong, as one of our errors; it holds no secret. */
export function explainPostgres(error: unknown, access: Access): DrError {
  if (isDrError(error)) {
    return error;
  }
  const database = nameOfDatabase(access);
  const { user } = access;
  const reason = reasonOf(error);
  const code = codeOf(error);
  const options = { cause: error };
  if (PASSWORD_MISSING.test(reason)) {
    const why = "it asks for a password, and the URL has none";
    return new DrError(
      "DATABASE_DENIED",
      { database, user, reason: why },
      options,
    );
  }
  if (
    code.startsWith(INVALID_AUTHORIZATION) ||
    code === INSUFFICIENT_PRIVILEGE
  ) {
    return new DrError("DATABASE_DENIED", { database, user, reason }, options);
  }
  if (code === INVALID_CATALOG_NAME) {
    return new DrError("DATABASE_MISSING", { database }, options);
  }
  if (TLS_CODE.test(code) || reason === TLS_MISSING) {
    return new DrError("DATABASE_TLS_FAILED", { database, reason }, options);
  }
  if (code === "" || LOST.test(code) || !/^[0-9A-Z]{5}$/.test(code)) {
    return new DrError("DATABASE_UNREACHABLE", { database, reason }, options);
  }
  return new DrError("DATABASE_FAILED", { database, reason }, options);
}

/** PostgreSQL's, `42P01`, or the system's, `ECONNRESET`; empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Of an error of a session's. @param states - PostgreSQL's: `42P01`. */
export function hasSqlState(
  error: unknown,
  ...states: readonly string[]
): error is DrError {
  return isDrError(error) && hasCode(error.cause, ...states);
}

function reasonOf(error: unknown): string {
  const first: unknown =
    error instanceof AggregateError ? error.errors[0] : error;
  const { detail } = (first ?? {}) as { readonly detail?: string };
  const message = messageOf(first);
  return detail === undefined ? message : `${message} (${detail})`;
}
