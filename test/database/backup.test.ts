import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { readManifest } from "../../src/artifact/read-artifact.js";
import { findArtifact } from "../../src/backup/find-artifact.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import type { Access } from "../../src/database/access.js";
import {
  backUpDatabase,
  type DatabaseBackup,
  type DatabaseBackupContext,
  type DatabaseBackupOptions,
} from "../../src/database/backup.js";
import {
  compareFingerprints,
  parseFingerprint,
  takeFingerprint,
} from "../../src/database/fingerprint.js";
import { withSession } from "../../src/database/session.js";
import { missingTables } from "../../src/database/verify-restored.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import { serverPrograms, usePostgres } from "../helpers/postgres.js";
import { until } from "../helpers/until.js";
import { requireProgram, requirePrograms } from "../helpers/programs.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { configOf } from "./config-of.js";

const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);

const CUSTOM: DatabaseBackupOptions = {
  format: "custom",
  jobs: 1,
  hashes: true,
};

describe("a backup of the database", function () {
  this.timeout(60_000);
  const postgres = usePostgres();
  const folder = useTemporaryFolder();

  before(async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE original");
    cluster.psql(await readFile(EVERYTHING, "utf8"), "original");
    // Too much for all buffers on the way, and not to be compressed.
    cluster.psql("CREATE DATABASE large");
    cluster.psql(
      `CREATE EXTENSION pgcrypto;
       CREATE TABLE noise AS SELECT n, gen_random_bytes(1000) AS bytes FROM generate_series(1, 20000) n;
       CREATE TABLE quiet ()`,
      "large",
    );
  });

  interface Changed {
    readonly database?: string;
    readonly section?: DrUserConfig;
    readonly limit?: number;
    readonly options?: Partial<DatabaseBackupOptions>;
    readonly context?: Partial<DatabaseBackupContext>;
    readonly url?: string;
  }

  function contextOf({
    database = "original",
    section,
    limit,
    context,
    url = postgres.cluster.url(database),
  }: Changed = {}): DatabaseBackupContext {
    const config = configOf(url, folder.path, {
      ...(limit === undefined
        ? {}
        : { database: { url, timeLimitMinutes: limit } }),
      ...section,
    });
    return {
      config,
      project: folder.path,
      clock: systemClock,
      tool: "hardhat-dr test",
      ...context,
    };
  }

  async function backUp(changed: Changed = {}): Promise<DatabaseBackup> {
    return await backUpDatabase(contextOf(changed), {
      ...CUSTOM,
      ...changed.options,
    });
  }

  /** What is left in the folder of backups; nothing, and no temporary file. */
  const left = async () =>
    await readdir(join(folder.path, "backups/database")).catch(() => []);

  function shell(line: string, env: Readonly<Record<string, string>>): void {
    const { cluster } = postgres;
    const { status, stderr } = spawnSync(
      "bash",
      ["-eo", "pipefail", "-c", line],
      {
        encoding: "utf8",
        env: {
          ...process.env,
          PATH: `${serverPrograms() ?? ""}:${process.env.PATH ?? ""}`,
          PGHOST: cluster.host,
          PGPORT: String(cluster.port),
          PGUSER: cluster.user,
          PGPASSWORD: cluster.password,
          ...env,
        },
      },
    );
    expect(`${String(status)} ${stderr}`).to.match(/^0 /);
  }

  /** Every row of every table, read by psql. */
  function contentOf(database: string): string {
    const { cluster } = postgres;
    const tables = cluster.psql(
      `SELECT format('SELECT %L, md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM ONLY %s t;', c.oid::regclass, c.oid::regclass)
       FROM pg_class c WHERE relkind IN ('r', 'm') AND relispopulated AND relnamespace::regnamespace::text !~ '^(pg_|information)'
       ORDER BY c.oid::regclass::text`,
      database,
    );
    return cluster.psql(tables, database);
  }

  it("says in its manifest what was in the database when", async () => {
    const { cluster } = postgres;
    const before = cluster.psql("SELECT pg_current_wal_lsn()");
    const { written, fingerprint } = await backUp();
    const { manifest, path } = written;
    expect(path).to.match(
      /backups\/database\/takumi_db_\d{8}_\d{6}\.sql\.zst$/,
    );
    expect(await readManifest(path)).to.deep.equal(manifest);
    const contents = manifest.contents as Record<string, string>;
    expect(contents).to.include({ format: "custom", database: "original" });
    expect(parseFingerprint(manifest)).to.deep.equal(fingerprint);
    expect(fingerprint).to.deep.equal(
      await withSession(cluster.access("original"), takeFingerprint),
    );
    const { lsn, at, timeline } = manifest.recoveryPoint as Record<
      string,
      string
    >;
    expect(cluster.psql(`SELECT '${lsn!}'::pg_lsn >= '${before}'`)).to.equal(
      "t",
    );
    expect(Math.abs(Date.parse(at!) - Date.now())).to.be.below(60_000);
    expect(timeline).to.equal(1);
  });

  it("keeps roles and grants, but neither passwords nor secrets", async () => {
    const { cluster } = postgres;
    cluster.psql(
      `CREATE ROLE api LOGIN PASSWORD 'hunter2' IN ROLE dr_reader;
       ALTER ROLE api SET search_path = 'app';
       ALTER ROLE api SET "app.jwt_secret" = 'it''s; a
secret';`,
    );
    const { written, notices } = await backUp();
    const { globals } = written.manifest.contents as { globals: string };
    expect(globals).to.include("CREATE ROLE api;");
    expect(globals).to.include("GRANT dr_reader TO api");
    expect(globals).to.include("ALTER ROLE api SET search_path");
    expect(globals).not.to.match(/SCRAM|PASSWORD|md5|jwt|secret/);
    expect(notices.join()).to.include('"app.jwt_secret" of api');
    cluster.psql(
      globals
        .replaceAll("CREATE ROLE dr_owner;", "")
        .replaceAll(
          /^CREATE ROLE (.*);$/gm,
          "DROP ROLE IF EXISTS again; CREATE ROLE again;",
        ),
    );
  });

  it("keeps them of a database whose name libpq could take for more", async () => {
    const database = "a=b 'c' \\d";
    const { cluster } = postgres;
    cluster.psql(`CREATE DATABASE "${database}"`);
    try {
      const { notices, written } = await backUp({
        url: cluster.url(encodeURIComponent(database)),
      });
      expect(notices.join()).not.to.include("Without roles");
      expect(written.manifest.contents).to.have.property("globals");
    } finally {
      cluster.psql(`DROP DATABASE "${database}"`);
    }
  });

  it("is opened with openssl, zstd and pg_restore", async function () {
    requirePrograms(this, "openssl", "zstd");
    const key = join(folder.path, "backup.key");
    await generateBackupKey(key);
    const section: DrUserConfig = {
      encryption: { format: "aes-256-cbc", keyFile: key },
    };
    const { written } = await backUp({ section });
    postgres.cluster.psql("CREATE DATABASE by_hand TEMPLATE template0");
    shell(
      `openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -pass "file:$KEY" -in "$FILE" |
           zstd -dc | pg_restore -e -d by_hand`,
      { KEY: key, FILE: written.path },
    );
    expect(contentOf("by_hand")).to.equal(contentOf("original"));
  });

  it("in plain format is what the old scripts made: psql reads it", async () => {
    const { written } = await backUp({
      section: { backup: { compression: "gzip" } },
      options: { format: "plain" },
    });
    expect(written.path).to.match(/\.sql\.gz$/);
    postgres.cluster.psql("CREATE DATABASE by_psql TEMPLATE template0");
    shell(
      'gunzip -c "$FILE" | psql -X -q -v ON_ERROR_STOP=1 -d by_psql >/dev/null',
      { FILE: written.path },
    );
    expect(contentOf("by_psql")).to.equal(contentOf("original"));
    const found = await withSession(
      postgres.cluster.access("by_psql"),
      takeFingerprint,
    );
    const expected = parseFingerprint(written.manifest)!;
    expect(compareFingerprints(expected, found)).to.be.empty;
  });

  it("in directory format is a tar that pg_restore reads with several jobs", async function () {
    requirePrograms(this, "zstd", "tar");
    const { written } = await backUp({
      options: { format: "directory", jobs: 3 },
    });
    expect((await left()).sort()).to.have.length(3);
    postgres.cluster.psql("CREATE DATABASE by_jobs TEMPLATE template0");
    const out = join(folder.path, "out");
    await mkdir(out);
    shell(
      'zstd -dc "$FILE" | tar -x -C "$OUT"; pg_restore -e -j 2 -d by_jobs "$OUT"',
      { FILE: written.path, OUT: out },
    );
    expect(contentOf("by_jobs")).to.equal(contentOf("original"));
  });

  it("is as the database was at its beginning, whatever is written meanwhile", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE busy TEMPLATE large");
    let isChanged = false;
    const { written } = await backUp({
      database: "busy",
      context: {
        onProgress: () => {
          if (!isChanged) {
            isChanged = true;
            cluster.psql(
              "DELETE FROM noise WHERE n % 2 = 0; CREATE TABLE late ()",
              "busy",
            );
          }
        },
      },
    });
    expect(isChanged).to.be.true;
    cluster.psql("CREATE DATABASE calm TEMPLATE template0");
    shell('zstd -dc "$FILE" | pg_restore -e -d calm', { FILE: written.path });
    const found = await withSession(cluster.access("calm"), takeFingerprint);
    const expected = parseFingerprint(written.manifest)!;
    expect(compareFingerprints(expected, found)).to.be.empty;
    expect(
      found.tables.find(({ name }) => name === "public.noise")?.rows,
    ).to.equal("20000");
  });

  it("is good though tables are emptied, dropped or changed before all is counted", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE emptied");
    // A dump holds no rows of views: it is through long before these are hashed.
    cluster.psql(
      `CREATE TABLE queue AS SELECT 1 AS n;
       CREATE TABLE passing AS SELECT 1 AS n;
       CREATE TABLE wider AS SELECT 1 AS n;
       CREATE MATERIALIZED VIEW slow AS SELECT n, repeat('x', 500) AS x FROM generate_series(1, 400000) n;
       CREATE MATERIALIZED VIEW slow_too AS SELECT * FROM slow`,
      "emptied",
    );
    const backingUp = backUp({ database: "emptied" });
    await until(
      () =>
        cluster.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hardhat-dr' AND query ~ 'slow_too'",
        ) !== "0",
    );
    cluster.psql(
      "TRUNCATE queue; DROP TABLE passing; ALTER TABLE wider ADD COLUMN m int DEFAULT 2",
      "emptied",
    );
    const { written, notices } = await backingUp;
    const expected = parseFingerprint(written.manifest)!;
    const uncounted = expected.tables.filter((table) => table.uncounted);
    expect(uncounted.map(({ name }) => name)).to.deep.equal([
      "public.passing",
      "public.queue",
    ]);
    expect(missingTables(["queue"], expected)).to.deep.equal([]);
    expect(notices.join()).to.include("public.queue are in the backup");
    expect(
      expected.tables.find(({ name }) => name === "public.wider")?.rows,
    ).to.equal("1");
    cluster.psql("CREATE DATABASE calmed TEMPLATE template0");
    shell('zstd -dc "$FILE" | pg_restore -e -d calmed', {
      FILE: written.path,
    });
    const found = await withSession(cluster.access("calmed"), takeFingerprint);
    expect(compareFingerprints(expected, found)).to.be.empty;
    for (const table of ["queue", "passing", "wider"]) {
      const rows = cluster.psql(`SELECT count(*) FROM ${table}`, "calmed");
      expect(rows, table).to.equal("1");
    }
  });

  it("tells which tables' columns a restore puts in another order", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE inheriting");
    cluster.psql(
      `CREATE TABLE parent (id int);
       CREATE TABLE same (own text) INHERITS (parent);
       CREATE TABLE child (own text) INHERITS (parent);
       ALTER TABLE same NO INHERIT parent;
       ALTER TABLE parent ADD COLUMN later text`,
      "inheriting",
    );
    const { notices } = await backUp({ database: "inheriting" });
    expect(notices.join()).to.include("columns of public.child,");
    expect(notices.join()).not.to.include("public.same");
  });

  it("only counts rows where hashes aren't asked for", async () => {
    const { fingerprint } = await backUp({ options: { hashes: false } });
    expect(fingerprint.tables.some(({ hash }) => hash !== undefined)).to.be
      .false;
  });

  it("is found as the newest when it is complete", async () => {
    const first = await backUp();
    const config = contextOf().config;
    const unfinished = "takumi_db_20991231_000000.sql.zst";
    await writeFile(join(folder.path, "backups/database", unfinished), "half");
    expect((await findArtifact(config, "database")).name).to.equal(
      first.written.manifest.artifact,
    );
  });

  it("needs no superuser", async () => {
    const { cluster } = postgres;
    cluster.psql(
      "CREATE ROLE plain LOGIN PASSWORD 'p'; CREATE DATABASE modest OWNER plain",
    );
    cluster.psql(
      `SET ROLE plain;
       CREATE SCHEMA app;
       CREATE TABLE app.profiles (id serial PRIMARY KEY, name text);
       INSERT INTO app.profiles (name) VALUES ('Zoë');
       SELECT lo_from_bytea(0, '\\x00ff');`,
      "modest",
    );
    const url = `postgres://plain:p@${cluster.host}:${String(cluster.port)}/modest`;
    const { written, fingerprint } = await backUp({ url });
    expect(fingerprint.largeObjects.count).to.equal("1");
    expect(written.manifest.contents).to.have.property("globals");
    cluster.psql("CREATE DATABASE modest_again TEMPLATE template0 OWNER plain");
    shell('zstd -dc "$FILE" | pg_restore -e -d modest_again', {
      FILE: written.path,
    });
    const found = await withSession(
      cluster.access("modest_again"),
      takeFingerprint,
    );
    expect(compareFingerprints(fingerprint, found)).to.be.empty;
  });

  it("is made on a standby, too, as of what it has replayed", async () => {
    const { cluster } = postgres;
    const standby = await cluster.startStandby();
    try {
      const { written, fingerprint } = await backUp({
        url: standby.url("original"),
      });
      const names = fingerprint.tables.map(({ name }) => name);
      expect(names).to.include("public.profiles");
      // It isn't logged, so that a standby has none of it.
      expect(names).not.to.include("public.cache");
      expect(written.manifest.recoveryPoint).to.include({ timeline: 1 });
      expect(written.manifest.recoveryPoint)
        .to.have.property("lsn")
        .that.is.a("string");
    } finally {
      await standby.stop();
    }
  });

  it("notices clients that mustn't restore what others made", async () => {
    const place = join(folder.path, "bin");
    await mkdir(place);
    const path = join(place, "pg_dump");
    const real = join(serverPrograms()!, "pg_dump");
    const [, major] = /\) (\d+)/.exec(
      execFileSync(real, ["--version"], { encoding: "utf8" }),
    )!;
    await writeFile(
      path,
      `#!/bin/sh
if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) ${major!}.0"; else exec ${real} "$@"; fi`,
    );
    await chmod(path, 0o700);
    const { notices } = await backUp({ context: { programs: [place] } });
    expect(notices.join(" ")).to.include("CVE-2026-116314");
    expect(notices.join(" ")).to.match(
      /version \d+\.0, older than the server's/,
    );
  });

  describe("leaves nothing behind", () => {
    afterEach(async () => {
      expect(await left()).to.be.empty;
    });

    it("with a wrong password, which is never shown", async () => {
      const url = postgres.cluster
        .url("original")
        .replace(/:[^:@]+@/, ":hunter2@");
      const error = await errorOf(backUp({ url }));
      expect(error.code).to.equal("DATABASE_DENIED");
      expect(JSON.stringify([error.message, error.fix])).not.to.include(
        "hunter2",
      );
    });

    it("when a role may not read a table, and says which", async () => {
      const { cluster } = postgres;
      cluster.psql("CREATE DATABASE guarded TEMPLATE original");
      cluster.psql(
        `CREATE ROLE nearly LOGIN PASSWORD 'n';
         GRANT USAGE ON SCHEMA public, audit, "Mixed Case" TO nearly;
         GRANT SELECT ON ALL TABLES IN SCHEMA public, audit TO nearly;
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, audit TO nearly;`,
        "guarded",
      );
      const url = `postgres://nearly:n@${cluster.host}:${String(cluster.port)}/guarded`;
      const error = await errorOf(backUp({ url }));
      expect(error.code).to.equal("DATABASE_DENIED");
      expect(error.message).to.include(
        '"Mixed Case"."Order" (it may not read it)',
      );
      expect(error.message).to.include(
        "profiles (row-level security hides rows from it)",
      );
      expect(error.message).not.to.include("endorsements");
    });

    it("when the server goes half-way", async () => {
      const { cluster } = postgres;
      const gone: Promise<void>[] = [];
      try {
        const code = await codeOf(
          backUp({
            database: "large",
            context: { onProgress: () => gone.push(cluster.halt()) },
          }),
        );
        expect(code).to.be.oneOf([
          "DATABASE_TOOL_FAILED",
          "DATABASE_UNREACHABLE",
        ]);
        expect(gone).not.to.be.empty;
      } finally {
        await Promise.all(gone);
        await cluster.resume();
      }
    });

    it("when pg_dump is killed half-way", async () => {
      let killed = 0;
      const error = await errorOf(
        backUp({
          database: "large",
          context: {
            onProgress: () => {
              for (const pid of killed === 0 ? dumpsOfOurs() : []) {
                process.kill(pid, "SIGKILL");
                killed += 1;
              }
            },
          },
        }),
      );
      expect(killed).to.equal(1);
      expect(error.code).to.equal("DATABASE_TOOL_FAILED");
      expect(error.message).to.include("SIGKILL");
    });

    it("when pg_dump ends badly after all that it wrote", async () => {
      const place = join(folder.path, "bin");
      await mkdir(place);
      const path = join(place, "pg_dump");
      const real = join(serverPrograms()!, "pg_dump");
      await writeFile(
        path,
        `#!/bin/sh
${real} "$@" || exit 2
if [ "$1" != --version ]; then echo "the last word" >&2; exit 1; fi`,
      );
      await chmod(path, 0o700);
      for (const format of ["custom", "directory"] as const) {
        const error = await errorOf(
          backUp({ options: { format }, context: { programs: [place] } }),
        );
        expect(error.code).to.equal("DATABASE_TOOL_FAILED");
        expect(error.message).to.include("the last word");
      }
    });

    it("when clients are older than the server, or missing", async () => {
      const place = join(folder.path, "bin");
      await mkdir(place);
      expect(await codeOf(backUp({ context: { programs: [place] } }))).to.equal(
        "DATABASE_TOOL_MISSING",
      );
      const path = join(place, "pg_dump");
      await writeFile(path, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'");
      await chmod(path, 0o700);
      const error = await errorOf(backUp({ context: { programs: [place] } }));
      expect(error.code).to.equal("DATABASE_TOOL_TOO_OLD");
      expect(error.message).to.include("9.6");
    });

    for (const format of ["custom", "directory"] as const) {
      it(`when it takes longer than it may (${format})`, async () => {
        await whileLocked("original", "nothing", async () => {
          expect(
            await codeOf(backUp({ limit: 0.01, options: { format, jobs: 2 } })),
          ).to.equal("DATABASE_TIME_LIMIT");
        });
      });
    }

    it("when the disk is full", async function () {
      requireProgram(this, SmallDisk.isPossible(), "mounting isn't allowed");
      const place = join(folder.path, "backups/database");
      await mkdir(place, { recursive: true });
      const disk = SmallDisk.mount(place, 4_000_000);
      try {
        expect(await codeOf(backUp({ database: "large" }))).to.equal(
          "NOT_WRITABLE",
        );
        expect(await left()).to.be.empty;
        const error = await errorOf(
          backUp({
            database: "large",
            options: { format: "directory", jobs: 2 },
          }),
        );
        expect(error.code).to.equal("DATABASE_SPACE_MISSING");
        expect(await left()).to.be.empty;
      } finally {
        disk.unmount();
      }
    });

    it("when it is interrupted", async () => {
      for (const format of ["custom", "directory"] as const) {
        const controller = new AbortController();
        const reason = new DrError("BACKUP_INTERRUPTED", {});
        const stop = () => {
          controller.abort(reason);
        };
        const ended = await backUp({
          database: "large",
          options: { format, jobs: 2 },
          context: { signal: controller.signal, onProgress: stop },
        }).catch((error: unknown) => error);
        expect(ended).to.equal(reason);
        expect(dumpsOfOurs()).to.be.empty;
        await until(
          () =>
            postgres.cluster.psql(
              "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hardhat-dr'",
            ) === "0",
        );
      }
    });
  });

  async function whileLocked(
    database: string,
    table: string,
    work: () => Promise<void>,
  ): Promise<void> {
    const access: Access = postgres.cluster.access(database);
    await withSession(access, async ({ query }) => {
      await query(`BEGIN; LOCK TABLE public.${table}`);
      await work();
    });
  }
});

/** Numbers of the pg_dump processes that this process has started. */
function dumpsOfOurs(): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], {
    encoding: "utf8",
  })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => found?.[2] === String(process.pid))
    .filter((found) => found?.[3]?.includes("pg_dump "))
    .map((found) => Number(found?.[1]));
}
