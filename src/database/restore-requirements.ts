import { DrError } from "../core/errors.js";
import { freeBytes } from "../core/free-bytes.js";
import type { Access } from "./access.js";
import { inMegabytes } from "./megabytes.js";
import { canRestrict } from "./plain-dump.js";
import type { Dump } from "./restore-source.js";
import { readServerVersion } from "./server-version.js";
import type { Session } from "./session.js";
import {
  findTool,
  formatVersion,
  isRestoreUnsafe,
  type Tool,
} from "./tools.js";

export interface RequirementOptions {
  readonly jobs: number;
  readonly noOwner: boolean;
  readonly acceptUnauthenticated: boolean;
  /** The database whose tablespace it goes into; absent: the server's own. */
  readonly like?: string;
}

export interface Readiness {
  /** pg_restore or psql. */
  readonly tool: Tool;
  readonly notices: readonly string[];
}

/** Beside those of the jobs: for looking on, for ending others, for comparing. */
const OWN_SESSIONS = 3;

/**
 * Finds out all that would keep a dump from being restored on this server,
 * before anything is made there.
 *
 * @param session - Beside the database.
 * @throws {DrError} DATABASE_UNFIT with all that is missing,
 * DATABASE_CLIENT_UNSAFE, DATABASE_TOOL_MISSING, DATABASE_TOOL_TOO_OLD.
 */
export async function requireRestorable(
  session: Session,
  dump: Dump,
  options: RequirementOptions,
): Promise<Readiness> {
  const { major } = await readServerVersion(session);
  const name = dump.format === "plain" ? "psql" : "pg_restore";
  const tool = await findTool(name, major);
  requireSafe(tool, dump, options);
  const missing = [
    ...(await missingRights(session)),
    ...(await missingExtensions(session, dump)),
    ...(options.noOwner ? [] : await missingRoles(session, dump)),
    ...(await missingConnections(session, options)),
    ...(await missingSpace(session, dump, options)),
    ...(options.noOwner && dump.format === "plain"
      ? [
          "a plain dump can't be restored without owners: leave out `--no-owner`",
        ]
      : []),
  ];
  if (missing.length > 0) {
    throw new DrError("DATABASE_UNFIT", {
      name: dump.name,
      reasons: missing.join("; "),
    });
  }
  return { tool, notices: noticesOf(tool, dump, major) };
}

/**
 * Whoever made a dump may run programs here through clients that are too old.
 *
 * @throws {DrError} DATABASE_CLIENT_UNSAFE.
 */
function requireSafe(
  { path, version }: Tool,
  { name, format, isAuthentic }: Dump,
  { acceptUnauthenticated }: RequirementOptions,
): void {
  const isBare = format === "plain" && !canRestrict(version);
  const isUnsafe = isRestoreUnsafe(version) && !acceptUnauthenticated;
  if (!isAuthentic && (isBare || isUnsafe)) {
    throw new DrError("DATABASE_CLIENT_UNSAFE", {
      name,
      tool: path,
      version: formatVersion(version),
      way: isBare
        ? "Update it: this one can't be kept from carrying out what isn't SQL"
        : "Update it, or, if you trust the place that the backup comes from, run it again with `--accept-unauthenticated`",
    });
  }
}

function noticesOf(
  { path, version }: Tool,
  { fingerprint }: Dump,
  major: number,
): readonly string[] {
  const origin = Number(fingerprint?.server.split(".")[0] ?? major);
  return [
    ...(isRestoreUnsafe(version)
      ? [
          `${path} ${formatVersion(version)} lets whoever made a dump run programs here (CVE-2026-116314): update it.`,
        ]
      : []),
    ...(origin > major
      ? [
          `The backup is of PostgreSQL ${String(origin)}, newer than this server's ${String(major)}: it may hold what this one doesn't know.`,
        ]
      : []),
  ];
}

async function missingRights(session: Session): Promise<readonly string[]> {
  const [role] = await session.query<{
    name: string;
    mayCreate: boolean;
    isStandby: boolean;
    isReadOnly: boolean;
  }>(
    `SELECT quote_ident(rolname) AS name, rolsuper OR rolcreatedb AS "mayCreate",
            pg_is_in_recovery() AS "isStandby",
            current_setting('transaction_read_only')::bool AS "isReadOnly"
       FROM pg_roles WHERE rolname = current_user`,
  );
  if (role?.isStandby === true) {
    return [
      "the server is a standby, which takes no writes: name the primary in `dr.database.url`, or another server to try backups on in `dr.database.verify.url`",
    ];
  }
  return [
    ...(role?.isReadOnly === true
      ? [
          `what ${role.name} begins there is read-only: ALTER ROLE ${role.name} SET default_transaction_read_only = off`,
        ]
      : []),
    ...(role?.mayCreate === false
      ? [
          `the role ${role.name} may not create databases: ALTER ROLE ${role.name} CREATEDB`,
        ]
      : []),
  ];
}

async function missingExtensions(
  session: Session,
  { fingerprint }: Dump,
): Promise<readonly string[]> {
  const needed = fingerprint?.extensions.map(({ name }) => name) ?? [];
  const missing = await session.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
     EXCEPT SELECT name FROM pg_available_extensions ORDER BY 1`,
    [needed],
  );
  return missing.map(
    ({ name }) =>
      `the server lacks the extension ${name}: install its package there`,
  );
}

async function missingRoles(
  session: Session,
  { fingerprint }: Dump,
): Promise<readonly string[]> {
  const missing = await session.query<{ name: string }>(
    `SELECT quote_ident(name) AS name FROM unnest($1::text[]) AS name
      WHERE name NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1`,
    [fingerprint?.roles ?? []],
  );
  const statements = missing.map(({ name }) => `CREATE ROLE ${name};`);
  return statements.length === 0
    ? []
    : [
        `roles are missing that own things or may use them: ${statements.join(" ")} Or restore with \`--no-owner\`, without owners and privileges`,
      ];
}

async function missingConnections(
  session: Session,
  { jobs }: RequirementOptions,
): Promise<readonly string[]> {
  const needed = jobs + OWN_SESSIONS;
  const [row] = await session.query<{ free: number }>(
    `SELECT current_setting('max_connections')::int
            - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
            - (SELECT count(*)::int FROM pg_stat_activity
                WHERE backend_type IS NULL OR backend_type = 'client backend') AS free
       FROM pg_roles r WHERE r.rolname = current_user`,
  );
  const free = row?.free ?? needed;
  return free < needed
    ? [
        `the server has ${String(Math.max(free, 0))} connections left, and ${String(needed)} are needed: end some, or raise max_connections`,
      ]
    : [];
}

/** A server doesn't tell; where it is this machine's, its disk does. */
async function missingSpace(
  { access, query }: Session,
  { sizeBytes = 0 }: Dump,
  { like }: Pick<RequirementOptions, "like">,
): Promise<readonly string[]> {
  if (!isHere(access)) {
    return [];
  }
  const [row] = await query<{ folder: string | null }>(
    `SELECT CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE')
                 THEN coalesce(
                   (SELECT nullif(pg_tablespace_location(dattablespace), '') FROM pg_database WHERE datname = $1),
                   current_setting('data_directory')) END AS folder`,
    [like ?? null],
  );
  // A server in a container has its own folders.
  const free = await freeBytes(row?.folder ?? "").catch(() => undefined);
  return free !== undefined && free < sizeBytes
    ? [
        `the disk of ${row?.folder ?? ""} has ${inMegabytes(free)} MB left, and the dump alone is ${inMegabytes(sizeBytes)} MB: make room`,
      ]
    : [];
}

function isHere({ host }: Access): boolean {
  return host.startsWith("/") || /^(localhost|127\.|::1$)/.test(host);
}
