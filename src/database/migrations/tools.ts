/** The migration tools whose tables are known. */
export const MIGRATION_TOOLS = [
  "node-pg-migrate",
  "Knex",
  "Prisma",
  "Drizzle",
  "TypeORM",
  "golang-migrate",
  "dbmate",
] as const;

export type MigrationToolName = (typeof MIGRATION_TOOLS)[number];

/** How a tool keeps account of what is applied. */
export interface MigrationTool {
  readonly name: MigrationToolName;
  /** Of its table, as the tool makes it; `schema_migrations` is several tools' name. */
  readonly columns: readonly string[];
  /** Those that some of its versions have besides. */
  readonly laterColumns?: readonly string[];
  /** What its table is called: the default, and what people call it instead. */
  readonly table: RegExp;
  /**
   * Makes rows of `name`, `at`, `made`, `batch`, `hash` and `state`, oldest
   * first. `%s` is the table.
   */
  readonly select: string;
  /** What its own command for it would undo, of the applied, oldest first. */
  readonly undoes: "last" | "last-batch" | "nothing";
  /** SQL that takes a migration off its account; `%s` is the table, `%L` its name. */
  readonly forget?: string;
  /** Of the session, held while it migrates. */
  readonly advisoryLock?: string;
}

const UTC = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
/** Without a zone: as somebody's clock showed it. */
const LOCAL = (column: string) =>
  `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS')`;
const FROM_MILLISECONDS = (column: string) =>
  UTC(`to_timestamp(${column} / 1000.0)`);

/** Of each, the table as its source makes it. */
export const TOOLS: readonly MigrationTool[] = [
  {
    // src/runner.ts, `ensureMigrationsTable`
    name: "node-pg-migrate",
    table: /migrations/,
    columns: ["id", "name", "run_on"],
    select: `SELECT name, ${LOCAL("run_on")} AS at FROM %s ORDER BY run_on, id`,
    undoes: "last",
    forget: "DELETE FROM %s WHERE name = %L",
    advisoryLock: "7241865325823964",
  },
  {
    // lib/migrations/migrate/table-creator.js
    name: "Knex",
    table: /migrations/,
    columns: ["id", "name", "batch", "migration_time"],
    select: `SELECT name, ${UTC("migration_time")} AS at, batch FROM %s ORDER BY id`,
    undoes: "last-batch",
    forget: "DELETE FROM %s WHERE name = %L",
  },
  {
    // schema-engine, flavour/postgres.rs, `create_migrations_table`
    name: "Prisma",
    table: /_prisma_migrations/,
    columns: [
      "id",
      "checksum",
      "finished_at",
      "migration_name",
      "logs",
      "rolled_back_at",
      "started_at",
      "applied_steps_count",
    ],
    select: `SELECT migration_name AS name, ${UTC("coalesce(finished_at, started_at)")} AS at, checksum AS hash,
      CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled-back' WHEN finished_at IS NULL THEN 'failed' END AS state
      FROM %s ORDER BY started_at, migration_name`,
    undoes: "nothing",
    forget: "DELETE FROM %s WHERE migration_name = %L",
    advisoryLock: "72707369",
  },
  {
    // drizzle-orm/src/pg-core/dialect.ts, `migrate`; later versions keep name and time too.
    name: "Drizzle",
    table: /migrations/,
    columns: ["id", "hash", "created_at"],
    laterColumns: ["name", "applied_at"],
    select: `SELECT coalesce(to_jsonb(m) ->> 'name', created_at::text) AS name, ${FROM_MILLISECONDS("created_at")} AS made, hash
      FROM %s m ORDER BY created_at, id`,
    undoes: "nothing",
    forget: "DELETE FROM %s WHERE hash = %L",
  },
  {
    // src/migration/MigrationExecutor.ts, `createMigrationsTableIfNotExist`
    name: "TypeORM",
    table: /migrations/,
    columns: ["id", "timestamp", "name"],
    select: `SELECT name, ${FROM_MILLISECONDS('"timestamp"')} AS made FROM %s ORDER BY id`,
    undoes: "last",
    forget: "DELETE FROM %s WHERE name = %L",
  },
  {
    // database/postgres/postgres.go, `ensureVersionTable`: one row, the version it is at.
    name: "golang-migrate",
    table: /migrations/,
    columns: ["version", "dirty"],
    select: `SELECT version::text AS name, CASE WHEN dirty THEN 'failed' END AS state FROM %s`,
    undoes: "last",
  },
  {
    // pkg/driver/postgres/postgres.go, `CreateMigrationsTable`; Rails' is the same.
    name: "dbmate",
    table: /migrations/,
    columns: ["version"],
    select: `SELECT version AS name FROM %s ORDER BY version`,
    undoes: "last",
    forget: "DELETE FROM %s WHERE version = %L",
  },
];
