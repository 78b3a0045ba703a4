import type { Session } from "../session.js";
import { TOOLS, type MigrationTool, type MigrationToolName } from "./tools.js";

/** A migration of which a tool's table says that it was applied. */
export interface AppliedMigration {
  /** As the table has it. Drizzle's may be a number: milliseconds. */
  readonly name: string;
  /** When it was applied, where the table says so: ISO 8601; without Z it is the time of whoever did it. */
  readonly at?: string;
  /** When it was written, where the table says only that: UTC. */
  readonly made?: string;
  /** Knex's: those of one batch are rolled back together. */
  readonly batch?: number;
  /** SHA-256 of the file that was applied, hexadecimal. */
  readonly hash?: string;
  readonly state: "applied" | "failed" | "rolled-back";
}

/** What a tool's table says. */
export interface MigrationHistory {
  readonly tool: MigrationToolName;
  /** `public.knex_migrations`, quoted as needed. */
  readonly table: string;
  /** Oldest first. */
  readonly migrations: readonly AppliedMigration[];
  /** What the tool's own rollback would undo, newest first. */
  readonly undoneByTool: readonly string[];
}

interface HistoryRow {
  readonly name: string;
  readonly at?: string | null;
  readonly made?: string | null;
  readonly batch?: number | null;
  readonly hash?: string | null;
  readonly state?: "failed" | "rolled-back" | null;
}

/**
 * Reads which migrations are applied, from the tables of the tools that are
 * known; several may have been at work. A table is a tool's when it has the
 * columns that the tool gives it, whatever schema it is in.
 *
 * @throws {DrError} DATABASE_DENIED where the role may not read one.
 */
export async function readApplied(
  session: Pick<Session, "query">,
): Promise<readonly MigrationHistory[]> {
  const histories: MigrationHistory[] = [];
  for (const { tool, table } of await findTables(session)) {
    const rows = await session.query<HistoryRow & Record<string, unknown>>(
      tool.select.replace("%s", () => table),
    );
    const migrations = rows.map(toMigration);
    histories.push({
      tool: tool.name,
      table,
      migrations,
      undoneByTool: undoneBy(tool, migrations),
    });
  }
  return histories;
}

interface FoundTable {
  readonly tool: MigrationTool;
  readonly table: string;
}

async function findTables({
  query,
}: Pick<Session, "query">): Promise<readonly FoundTable[]> {
  const tables = await query<{
    table: string;
    name: string;
    columns: string[];
  }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, c.relname AS name,
      (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relname ~ 'migrations' AND n.nspname !~ '^pg_'
    ORDER BY 1`,
  );
  return tables.flatMap(({ table, name, columns }) =>
    TOOLS.filter((tool) => isTableOf(tool, name, columns)).map((tool) => ({
      tool,
      table,
    })),
  );
}

function isTableOf(
  { table, columns, laterColumns = [] }: MigrationTool,
  name: string,
  found: readonly string[],
): boolean {
  return (
    table.test(name) &&
    columns.every((column) => found.includes(column)) &&
    found.every((column) => [...columns, ...laterColumns].includes(column))
  );
}

function toMigration(row: HistoryRow): AppliedMigration {
  const { name, at, made, batch, hash, state } = row;
  return {
    name,
    ...(at ? { at } : {}),
    ...(made ? { made } : {}),
    ...(typeof batch === "number" ? { batch } : {}),
    ...(hash ? { hash } : {}),
    state: state ?? "applied",
  };
}

function undoneBy(
  { undoes }: MigrationTool,
  migrations: readonly AppliedMigration[],
): readonly string[] {
  const applied = migrations.filter(({ state }) => state === "applied");
  const last = applied.at(-1);
  if (last === undefined || undoes === "nothing") {
    return [];
  }
  if (undoes === "last") {
    return [last.name];
  }
  const batch = Math.max(...applied.map((one) => one.batch ?? 0));
  return applied
    .filter((one) => one.batch === batch)
    .map(({ name }) => name)
    .toReversed();
}

/** SQL that takes a migration off the tool's account; undefined where it keeps none of single ones. */
export function forgettingSql(
  { tool, table }: MigrationHistory,
  { name, hash }: AppliedMigration,
): string | undefined {
  const { forget } = TOOLS.find((one) => one.name === tool) ?? {};
  const value = tool === "Drizzle" ? (hash ?? "") : name;
  return forget
    ?.replace("%s", () => table)
    .replace("%L", () => `'${value.replaceAll("'", "''")}'`);
}
