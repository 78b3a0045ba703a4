import { createHash } from "node:crypto";

/** The tables, as the tools' own sources make them on PostgreSQL. */
export const TOOL_TABLES = {
  nodePgMigrate: `CREATE TABLE "public"."pgmigrations" (id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);
    INSERT INTO "public"."pgmigrations" (name, run_on) VALUES
      ('001_users', '2024-01-14 10:00'), ('002_add_bio', '2024-01-15 10:00'), ('003_posts', '2024-01-16 10:00');`,
  knex: `create table "knex_migrations" ("id" serial primary key, "name" varchar(255), "batch" integer, "migration_time" timestamptz);
    create table "knex_migrations_lock" ("index" serial primary key, "is_locked" integer);
    insert into "knex_migrations_lock" ("is_locked") values (0);
    insert into "knex_migrations" ("name", "batch", "migration_time") values
      ('20240114_users.js', 1, '2024-01-14 10:00+00'), ('20240115_add_bio.js', 2, '2024-01-15 10:00+00'), ('20240116_posts.ts', 2, '2024-01-15 10:00+00');`,
  prisma: `CREATE TABLE _prisma_migrations (
      id                      VARCHAR(36) PRIMARY KEY NOT NULL,
      checksum                VARCHAR(64) NOT NULL,
      finished_at             TIMESTAMPTZ,
      migration_name          VARCHAR(255) NOT NULL,
      logs                    TEXT,
      rolled_back_at          TIMESTAMPTZ,
      started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
      applied_steps_count     INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at, started_at, applied_steps_count) VALUES
      ('a', '${sha256("up 1")}', '2024-01-14 10:00:01Z', '20240114100000_users', NULL, '2024-01-14 10:00Z', 1),
      ('b', '${sha256("up 2")}', '2024-01-15 10:00:01Z', '20240115100000_add_bio', NULL, '2024-01-15 10:00Z', 1),
      ('c', '${sha256("bad")}', NULL, '20240116100000_posts', '2024-01-16 11:00Z', '2024-01-16 10:00Z', 0),
      ('d', '${sha256("up 3")}', NULL, '20240116100000_posts', NULL, '2024-01-16 12:00Z', 0);`,
  drizzle: `CREATE SCHEMA IF NOT EXISTS "drizzle";
    CREATE TABLE IF NOT EXISTS "drizzle"."__drizzle_migrations" (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);
    insert into "drizzle"."__drizzle_migrations" ("hash", "created_at") values
      ('${sha256("up 1")}', 1705226400000), ('${sha256("up 2")}', 1705312800000);`,
  typeorm: `CREATE TABLE "migrations" ("id" SERIAL NOT NULL, "timestamp" bigint NOT NULL, "name" character varying NOT NULL,
      CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY ("id"));
    INSERT INTO "migrations"("timestamp", "name") VALUES (1705226400000, 'Users1705226400000'), (1705312800000, 'AddBio1705312800000');`,
  golangMigrate: `CREATE TABLE IF NOT EXISTS "public"."schema_migrations" (version bigint not null primary key, dirty boolean not null);
    INSERT INTO "public"."schema_migrations" (version, dirty) VALUES (2, false);`,
  dbmate: `create table if not exists public.schema_migrations (version varchar(255) primary key);
    insert into public.schema_migrations (version) values ('20240115100000'), ('20240114100000');`,
} as const;

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
