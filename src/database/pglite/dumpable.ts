import { DrError } from "../../core/errors.js";
import { listTables } from "../fingerprint-tables.js";
import type { Session } from "../session.js";

/**
 * Lines of a value that begin so are taken out by PGlite's pg_dump, which means
 * psql's commands: it would be another value. As they are in a row's text,
 * where a backslash is doubled.
 *
 * @see pgDump of @electric-sql/pglite-tools
 */
const LOST_LINE = String.raw`[\n\r\u2028\u2029]\\\\(un)?restrict\y`;

/** @throws {DrError} DATABASE_ENGINE_UNABLE where a dump wouldn't hold what a table holds. */
export async function requireDumpable(session: Session): Promise<void> {
  for (const { name, isView } of await listTables(session)) {
    const found = isView
      ? []
      : await session.query(
          `SELECT 1 AS found FROM ONLY ${name} AS t WHERE (t.*)::text ~* $1 LIMIT 1`,
          [LOST_LINE],
        );
    if (found.length > 0) {
      throw new DrError("DATABASE_ENGINE_UNABLE", {
        engine: "pglite",
        what: String.raw`back up a row of ${name} in which a line begins with \restrict or \unrestrict: its pg_dump takes such lines out`,
        way: 'Change that row, or move to a PostgreSQL server (`engine: "postgres"`)',
      });
    }
  }
}
