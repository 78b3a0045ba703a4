import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import {
  readMigrationFile,
  type MigrationFile,
} from "../../../src/database/migrations/migration-file.js";
import {
  forgettingSql,
  readApplied,
  type MigrationHistory,
} from "../../../src/database/migrations/read-applied.js";
import {
  findStillRecorded,
  findUndone,
  nameHistories,
} from "../../../src/database/migrations/undone.js";
import { withSession } from "../../../src/database/session.js";
import { useTemporaryFolder } from "../../deployments/temporary-folder.js";
import { usePostgres } from "../../helpers/postgres.js";
import { codeOf, errorOf } from "../../offsite/describe-storage.js";
import { TOOL_TABLES } from "./tool-tables.js";

describe("what migration tools have applied", () => {
  const postgres = usePostgres();
  const folder = useTemporaryFolder();

  beforeEach(() => {
    postgres.cluster.psql("CREATE DATABASE app");
  });

  afterEach(() => {
    postgres.cluster.psql("DROP DATABASE app");
  });

  const histories = async () =>
    await withSession(postgres.cluster.access("app"), readApplied);

  async function historyOf(tables: string): Promise<MigrationHistory> {
    postgres.cluster.psql(tables, "app");
    const found = await histories();
    expect(found).to.have.length(1);
    return found[0]!;
  }

  async function fileOf(
    path: string,
    sql = "SELECT 1",
  ): Promise<MigrationFile> {
    const full = join(folder.path, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, sql);
    return await readMigrationFile(full);
  }

  /** What a file undoes, and what came after that. */
  async function undoneBy(
    path: string,
    history: MigrationHistory,
  ): Promise<unknown> {
    const file = await fileOf(path);
    return findUndone(nameHistories([history], file), file).map(
      ({ name, later }) => [name, later],
    );
  }

  it("is read from node-pg-migrate's table", async () => {
    const history = await historyOf(TOOL_TABLES.nodePgMigrate);
    expect(history).to.deep.equal({
      tool: "node-pg-migrate",
      table: "public.pgmigrations",
      migrations: [
        { name: "001_users", at: "2024-01-14T10:00:00", state: "applied" },
        { name: "002_add_bio", at: "2024-01-15T10:00:00", state: "applied" },
        { name: "003_posts", at: "2024-01-16T10:00:00", state: "applied" },
      ],
      undoneByTool: ["003_posts"],
    });
    expect(await undoneBy("002_add_bio.down.sql", history)).to.deep.equal([
      ["002_add_bio", ["003_posts"]],
    ]);
    expect(await undoneBy("rollback_003_posts.sql", history)).to.deep.equal([
      ["003_posts", []],
    ]);
    expect(await undoneBy("hotfix.sql", history)).to.deep.equal([]);
  });

  it("is read from Knex's, in batches", async () => {
    const history = await historyOf(TOOL_TABLES.knex);
    expect(history.tool).to.equal("Knex");
    expect(history.migrations.at(-1)).to.deep.equal({
      name: "20240116_posts.ts",
      at: "2024-01-15T10:00:00Z",
      batch: 2,
      state: "applied",
    });
    expect(history.undoneByTool).to.deep.equal([
      "20240116_posts.ts",
      "20240115_add_bio.js",
    ]);
    expect(await undoneBy("20240115_add_bio_down.sql", history)).to.deep.equal([
      ["20240115_add_bio.js", ["20240116_posts.ts"]],
    ]);
  });

  it("is read from Prisma's, which knows what failed and was rolled back", async () => {
    const history = await historyOf(TOOL_TABLES.prisma);
    expect(history.tool).to.equal("Prisma");
    expect(
      history.migrations.map(({ name, at, state }) => [name, at, state]),
    ).to.deep.equal([
      ["20240114100000_users", "2024-01-14T10:00:01Z", "applied"],
      ["20240115100000_add_bio", "2024-01-15T10:00:01Z", "applied"],
      ["20240116100000_posts", "2024-01-16T10:00:00Z", "rolled-back"],
      ["20240116100000_posts", "2024-01-16T12:00:00Z", "failed"],
    ]);
    expect(history.undoneByTool).to.deep.equal([]);
    expect(
      await undoneBy("20240115100000_add_bio/down.sql", history),
    ).to.deep.equal([["20240115100000_add_bio", ["20240116100000_posts"]]]);
  });

  it("is read from Drizzle's, with the names of its journal", async () => {
    const history = await historyOf(TOOL_TABLES.drizzle);
    expect(history.table).to.equal("drizzle.__drizzle_migrations");
    expect(history.migrations[1]!.made).to.equal("2024-01-15T10:00:00Z");
    await mkdir(join(folder.path, "drizzle/meta"), { recursive: true });
    await writeFile(
      join(folder.path, "drizzle/meta/_journal.json"),
      JSON.stringify({
        entries: [
          { idx: 0, when: 1705226400000, tag: "0000_users" },
          { idx: 1, when: 1705312800000, tag: "0001_add_bio" },
        ],
      }),
    );
    expect(
      await undoneBy("drizzle/0000_users.down.sql", history),
    ).to.deep.equal([["0000_users", ["0001_add_bio"]]]);
    postgres.cluster.psql(
      `ALTER TABLE drizzle.__drizzle_migrations ADD name text, ADD applied_at timestamptz;
       UPDATE drizzle.__drizzle_migrations SET name = '0000_users' WHERE id = 1`,
      "app",
    );
    const [later] = await histories();
    expect(later!.migrations.map(({ name }) => name)).to.deep.equal([
      "0000_users",
      "1705312800000",
    ]);
  });

  it("is read from TypeORM's, whatever it is called", async () => {
    const history = await historyOf(
      TOOL_TABLES.typeorm +
        'CREATE SCHEMA "My App"; ALTER TABLE migrations RENAME TO typeorm_migrations; ALTER TABLE typeorm_migrations SET SCHEMA "My App"',
    );
    expect(history.tool).to.equal("TypeORM");
    expect(history.table).to.equal('"My App".typeorm_migrations');
    expect(history.undoneByTool).to.deep.equal(["AddBio1705312800000"]);
    expect(
      await undoneBy("1705312800000-add-bio.down.sql", history),
    ).to.deep.equal([["AddBio1705312800000", []]]);
  });

  it("is read from golang-migrate's version and the files beside", async () => {
    const history = await historyOf(TOOL_TABLES.golangMigrate);
    expect(history.migrations).to.deep.equal([{ name: "2", state: "applied" }]);
    for (const name of ["000001_users", "000002_add_bio", "000003_posts"]) {
      await fileOf(`${name}.down.sql`);
    }
    const file = await fileOf("000002_add_bio.down.sql");
    expect(nameHistories([history], file)[0]).to.deep.include({
      migrations: [
        { name: "000001_users", state: "applied" },
        { name: "000002_add_bio", state: "applied" },
      ],
      undoneByTool: ["000002_add_bio"],
    });
    expect(await undoneBy("000003_posts.down.sql", history)).to.deep.equal([]);
    expect(await undoneBy("000001_users.down.sql", history)).to.deep.equal([
      ["000001_users", ["000002_add_bio"]],
    ]);
  });

  it("is read from dbmate's versions", async () => {
    const history = await historyOf(TOOL_TABLES.dbmate);
    expect(history.tool).to.equal("dbmate");
    expect(history.undoneByTool).to.deep.equal(["20240115100000"]);
    expect(await undoneBy("20240114100000_users.sql", history)).to.deep.equal([
      ["20240114100000", ["20240115100000"]],
    ]);
  });

  it("isn't read from tables that only look like it", async () => {
    postgres.cluster.psql(
      `CREATE TABLE migrations (id serial, migration text, batch int);
       CREATE TABLE bird_migrations (id serial, name text, run_on text, species text);
       CREATE VIEW schema_migrations AS SELECT 1 AS version`,
      "app",
    );
    expect(await histories()).to.deep.equal([]);
  });

  it("takes no file for a way back that was applied as the way forward", async () => {
    const history = await historyOf(TOOL_TABLES.prisma);
    const file = await fileOf("20240115100000_add_bio/migration.sql", "up 2");
    expect(
      await codeOf(Promise.resolve().then(() => findUndone([history], file))),
    ).to.equal("MIGRATION_IS_UP");
    for (const [path, sql] of [
      ["002_add_bio.up.sql", "SELECT 1"],
      ["x.sql", "-- migrate:up\nCREATE TABLE t ();"],
    ] as const) {
      expect(await codeOf(fileOf(path, sql))).to.equal("MIGRATION_IS_UP");
    }
  });

  it("takes only the way back of a file that holds both", async () => {
    for (const [up, down] of [
      ["-- migrate:up", "-- migrate:down"],
      ["-- Up Migration", "-- Down Migration"],
      ["-- +goose Up", "-- +goose Down"],
    ] as const) {
      const { statements, isDownPart } = await fileOf(
        "1_x.sql",
        `${up}\nCREATE TABLE t (a text DEFAULT '\n${down}\n');\n${down}\nDROP TABLE t;\n`,
      );
      expect(isDownPart).to.be.true;
      expect(statements.map(({ text, line }) => [text, line])).to.deep.equal([
        ["DROP TABLE t", 6],
      ]);
    }
    const { statements } = await fileOf(
      "1_x.sql",
      "-- migrate:down\nDROP TABLE t;\n-- migrate:up\nCREATE TABLE t ();",
    );
    expect(statements.map(({ text }) => text)).to.deep.equal(["DROP TABLE t"]);
  });

  it("reads no file that isn't text, is empty or isn't there", async () => {
    await writeFile(join(folder.path, "x.sql"), Buffer.from([0x53, 0xff]));
    for (const work of [
      async () => await readMigrationFile(join(folder.path, "x.sql")),
      async () => await readMigrationFile(join(folder.path, "nowhere.sql")),
      async () => await fileOf("empty.sql", "-- nothing\n;"),
    ]) {
      expect((await errorOf(work())).code).to.equal("MIGRATION_UNREADABLE");
    }
    const { statements } = await fileOf("bom.sql", "\ufeffSELECT 1");
    expect(statements[0]!.text).to.equal("SELECT 1");
  });

  it("says which tables still list what was undone, and how to take it off", async () => {
    const history = await historyOf(TOOL_TABLES.nodePgMigrate);
    const file = await fileOf("003_posts.down.sql");
    const undone = findUndone([history], file);
    const [still] = findStillRecorded(undone, await histories());
    expect(still).to.deep.equal({
      table: "public.pgmigrations",
      name: "003_posts",
      forget: "DELETE FROM public.pgmigrations WHERE name = '003_posts'",
    });
    postgres.cluster.psql(still!.forget!, "app");
    expect(findStillRecorded(undone, await histories())).to.deep.equal([]);
    expect(
      forgettingSql(history, { name: "it's", state: "applied" }),
    ).to.include("'it''s'");
  });
});
