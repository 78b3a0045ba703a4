import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { TOOL_TABLES } from "../database/migrations/tool-tables.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { usePostgres } from "../helpers/postgres.js";
import { stderrOf } from "../helpers/stderr.js";
import { until } from "../helpers/until.js";
import { openProject } from "./project.js";

interface RollbackJson {
  readonly undoes: readonly { readonly name: string }[];
  readonly trial: {
    readonly changes?: readonly { readonly line: string }[];
    readonly losses?: readonly unknown[];
  };
  readonly result: {
    readonly backup: { readonly name: string; readonly at: string };
    readonly stillRecorded: readonly { readonly forget: string }[];
  } | null;
  readonly error?: { readonly code: string };
}

describe("dr:db:rollback", function () {
  this.timeout(60_000);
  const postgres = usePostgres();
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;
  const { isTTY } = process.stdin;

  beforeEach(async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE takumi");
    cluster.psql(
      `CREATE TABLE profiles (id int, bio text);
       INSERT INTO profiles SELECT i, 'bio' FROM generate_series(1, 42) i;
       ${TOOL_TABLES.nodePgMigrate}`,
      "takumi",
    );
    hre = await openProject(join(folder.path, "project"), {
      dr: {
        project: "takumi",
        database: { url: cluster.url("takumi"), lockTimeoutSeconds: 2 },
      },
    });
    await mkdir(join(hre.config.paths.root, "migrations"));
    process.stdin.isTTY = false;
  });

  afterEach(() => {
    postgres.cluster.psql("DROP DATABASE takumi WITH (FORCE)");
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
  });

  async function run(
    sql: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<RollbackJson> {
    const migration = "migrations/003_posts.down.sql";
    await writeFile(join(hre.config.paths.root, migration), sql);
    return (await hre.tasks
      .getTask("dr:db:rollback")
      .run({ json: true, migration, ...options })) as RollbackJson;
  }

  const columns = () =>
    postgres.cluster.psql(
      "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'profiles'::regclass AND attnum > 0 AND NOT attisdropped",
      "takumi",
    );

  const backups = async () =>
    await readdir(join(hre.config.dr.paths.backups, "database")).catch(
      () => [],
    );

  it("shows what it would do, and does it after a backup", async () => {
    const sql = "ALTER TABLE profiles DROP bio;";
    const { trial, undoes, result } = await run(sql, { dryRun: true });
    expect(trial.changes!.map(({ line }) => line)).to.deep.equal([
      "- column public.profiles.bio: text",
    ]);
    expect(trial.losses).to.have.length(1);
    expect(undoes.map(({ name }) => name)).to.deep.equal(["003_posts"]);
    expect(result).to.equal(null);
    expect(columns()).to.equal("id bio");
    expect(await backups()).to.deep.equal([]);

    const done = await run(sql, { yes: true });
    expect(process.exitCode).to.equal(0);
    expect(columns()).to.equal("id");
    expect(await backups()).to.include(done.result!.backup.name);
    expect(done.result!.stillRecorded[0]!.forget).to.equal(
      "DELETE FROM public.pgmigrations WHERE name = '003_posts'",
    );
  });

  it("tells people the same", async () => {
    const written: string[] = [];
    const { write } = process.stdout;
    process.stdout.write = (text) => written.push(String(text)) > 0;
    try {
      await stderrOf(async () => {
        await run("ALTER TABLE profiles DROP bio;", { json: false, yes: true });
      });
    } finally {
      process.stdout.write = write;
    }
    const text = written.join("");
    expect(text).to.include("This file undoes 003_posts.");
    expect(text).to.include("column public.profiles.bio: 42 values in 42 rows");
    expect(text).to.match(/dr:db:restore takumi_db_\d{8}_\d{6}/);
    expect(text).not.to.include(postgres.cluster.password);
  });

  it("does nothing unasked, and nothing without a terminal to ask on", async () => {
    const told = await run("DROP TABLE profiles");
    expect(told.error?.code).to.equal("NO_TERMINAL");
    expect(process.exitCode).to.equal(3);
    expect(columns()).to.equal("id bio");
    expect(await backups()).to.deep.equal([]);
  });

  it("makes no backup for what fails when it is tried", async () => {
    const { error } = await run("ALTER TABLE profiles DROP nothing", {
      yes: true,
    });
    expect(error?.code).to.equal("MIGRATION_FAILED");
    expect(process.exitCode).to.equal(1);
    expect(await backups()).to.deep.equal([]);
  });

  it("names the backup that undoes what failed outside of a transaction", async () => {
    const result: RollbackJson[] = [];
    const told = await stderrOf(async () => {
      result.push(
        await run("DROP TABLE profiles; VACUUM nowhere", {
          yes: true,
          allowOutsideTransaction: true,
        }),
      );
    });
    expect(result[0]!.error?.code).to.equal("MIGRATION_HALF_DONE");
    expect(process.exitCode).to.equal(5);
    const name = /dr:db:restore (\S+)`/.exec(told)![1]!;
    expect(await backups()).to.include(name);
  });

  it("is stopped by Ctrl-C, and all is as it was", async () => {
    const { cluster } = postgres;
    const work = run("SELECT pg_sleep(600)", { yes: true });
    await until(
      () =>
        cluster.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'",
        ) === "1",
    );
    process.emit("SIGINT");
    expect((await work).error?.code).to.equal("MIGRATION_INTERRUPTED");
    expect(process.exitCode).to.equal(3);
  });
});
