import { DrError } from "../core/errors.js";
import { nameOfDatabase } from "./access.js";
import { listTables } from "./fingerprint-tables.js";
import { readServerVersion } from "./server-version.js";
import type { Session } from "./session.js";
import {
  findTool,
  formatVersion,
  isRestoreUnsafe,
  type Tool,
  type ToolVersion,
} from "./tools.js";

/** What is known of a database before it is backed up. */
export interface PreparedBackup {
  readonly server: ToolVersion;
  readonly pgDump: Tool;
  readonly tables: number;
  /** What its tables take on the server's disk, without indexes. */
  readonly sizeBytes: number;
  readonly notices: readonly string[];
}

/**
 * Sees whether a database can be backed up: whether there is a pg_dump that is
 * new enough, and whether this role may read all of it.
 *
 * @param programs - Folders where PostgreSQL's programs are; absent: where `findTool` looks.
 * @throws {DrError} DATABASE_TOOL_MISSING, DATABASE_TOOL_TOO_OLD, and
 * DATABASE_DENIED, which names what it may not read.
 */
export async function prepareBackup(
  session: Session,
  programs?: readonly string[],
): Promise<PreparedBackup> {
  const server = await readServerVersion(session);
  const pgDump = await findTool("pg_dump", server.major, programs);
  await requireReadable(session);
  const tables = await listTables(session);
  return {
    server,
    pgDump,
    tables: tables.length,
    sizeBytes: tables.reduce((sum, one) => sum + Number(one.sizeBytes), 0),
    notices: [...noticesOf(pgDump, server), ...(await tellReordered(session))],
  };
}

function noticesOf({ path, version }: Tool, server: ToolVersion): string[] {
  const notices: string[] = [];
  const [client, wanted] = [version, server].map(formatVersion);
  if (version.major === server.major && version.minor < server.minor) {
    notices.push(
      `${path} is version ${client ?? ""}, older than the server's ${wanted ?? ""}: update it.`,
    );
  }
  if (isRestoreUnsafe(version)) {
    notices.push(
      `PostgreSQL's client programs ${client ?? ""} run what a dump's maker wants when they restore it (CVE-2026-116314): update them.`,
    );
  }
  return notices;
}

/** A dump makes a table that inherits with its parents' columns first, though they were added last. */
async function tellReordered({ query }: Session): Promise<readonly string[]> {
  const found = await query<{ name: string }>(`
    SELECT c.oid::regclass::text AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
      AND EXISTS (
        SELECT FROM pg_attribute own JOIN pg_attribute inherited USING (attrelid)
        WHERE own.attrelid = c.oid AND own.attnum > 0 AND NOT own.attisdropped AND NOT inherited.attisdropped
          AND own.attinhcount = 0 AND inherited.attinhcount > 0 AND inherited.attnum > own.attnum)
    ORDER BY 1`);
  return found.map(
    ({ name }) =>
      `A restore puts the inherited columns of ${name}, which come after its own, first: name the columns in every INSERT.`,
  );
}

/** All of it at once: pg_dump would stop at the first. */
async function requireReadable({ access, query }: Session): Promise<void> {
  const refused = await query<{ name: string; why: string }>(`
    SELECT c.oid::regclass::text AS name,
      CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'its schema is closed to it'
        WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'it may not read it'
        ELSE 'row-level security hides rows from it' END AS why
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
        SELECT FROM pg_depend e
        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
      AND (NOT has_schema_privilege(n.oid, 'USAGE')
        OR NOT has_table_privilege(c.oid, 'SELECT')
        OR (c.relkind <> 'S' AND row_security_active(c.oid)))
    ORDER BY c.relkind <> 'r', 1`);
  if (refused.length > 0) {
    const reason = refused.map(({ name, why }) => `${name} (${why})`);
    throw new DrError("DATABASE_DENIED", {
      database: nameOfDatabase(access),
      user: access.user,
      reason: shorten(reason),
    });
  }
}

const SHOWN = 5;

function shorten(all: readonly string[]): string {
  const rest = all.length - SHOWN;
  return rest > 0
    ? `${all.slice(0, SHOWN).join(", ")} and ${String(rest)} more`
    : all.join(", ");
}
