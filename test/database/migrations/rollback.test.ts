import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import type { Access } from "../../../src/database/access.js";
import type { FreshBackup } from "../../../src/database/migrations/fresh-backup.js";
import { readMigrationFile } from "../../../src/database/migrations/migration-file.js";
import {
  applyRollback,
  prepareRollback,
  type PreparedRollback,
  type RollbackOptions,
  type RollbackResult,
} from "../../../src/database/migrations/rollback.js";
import {
  closeSession,
  openSession,
  type Session,
} from "../../../src/database/session.js";
import { systemClock } from "../../../src/core/clock.js";
import { DrError } from "../../../src/core/errors.js";
import { formatChange } from "../../../src/display/db-rollback.js";
import { useTemporaryFolder } from "../../deployments/temporary-folder.js";
import { usePostgres } from "../../helpers/postgres.js";
import { until } from "../../helpers/until.js";
import { codeOf, errorOf } from "../../offsite/describe-storage.js";
import { TOOL_TABLES } from "./tool-tables.js";

const TABLES = `
  CREATE TABLE users (id int PRIMARY KEY, bio text, manager int REFERENCES users DEFERRABLE INITIALLY DEFERRED);
  INSERT INTO users SELECT i, 'bio ' || i FROM generate_series(1, 10) i;
  CREATE TABLE posts AS SELECT 1 AS id FROM generate_series(1, 7);
`;
const BACKUP: FreshBackup = {
  name: "takumi_db_20240115_140000.dump",
  at: "2024-01-15T14:00:00.000Z",
};

describe("a rollback of the database", () => {
  const postgres = usePostgres();
  const folder = useTemporaryFolder();
  let options: RollbackOptions;
  let backups: number;

  beforeEach(() => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE app");
    cluster.psql(TABLES, "app");
    backups = 0;
    options = {
      access: cluster.access("app"),
      lockTimeoutSeconds: 1,
      allowOutsideTransaction: false,
      clock: systemClock,
    };
  });

  afterEach(() => {
    postgres.cluster.psql("DROP DATABASE app WITH (FORCE)");
  });

  async function prepare(
    sql: string,
    more: Partial<RollbackOptions> = {},
  ): Promise<PreparedRollback> {
    const path = join(folder.path, "002_add_bio.down.sql");
    await writeFile(path, sql);
    return await prepareRollback(await readMigrationFile(path), {
      ...options,
      ...more,
    });
  }

  async function apply(
    prepared: PreparedRollback,
    more: Partial<RollbackOptions> = {},
    meanwhile: () => unknown = () => undefined,
  ): Promise<RollbackResult> {
    return await applyRollback(prepared, { ...options, ...more }, async () => {
      backups += 1;
      await meanwhile();
      return BACKUP;
    });
  }

  /** Schema and data, as psql and pg_dump see them. */
  const state = () =>
    postgres.cluster.psql(
      `\\d users
       \\d posts
       TABLE users; TABLE posts;
       SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
      "app",
    );

  const lines = ({ changes }: Pick<RollbackResult, "changes">) =>
    changes.map(formatChange);

  function tried({ trial }: PreparedRollback) {
    if (trial.status !== "tried") {
      throw new Error("it wasn't tried");
    }
    return trial;
  }

  it("is shown, with what is lost, and changes nothing by that", async () => {
    const before = state();
    const prepared = await prepare(
      `ALTER TABLE users DROP COLUMN bio;
       DROP TABLE posts;
       DO $$ BEGIN DELETE FROM users WHERE id > 8; END $$;`,
    );
    expect(lines(tried(prepared))).to.include(
      "- column public.users.bio: text",
    );
    expect(tried(prepared).losses).to.deep.equal([
      { type: "table-dropped", table: "public.posts", rows: "7" },
      {
        type: "column-dropped",
        table: "public.users",
        column: "bio",
        rows: "10",
        values: "10",
      },
      { type: "rows-deleted", table: "public.users", rows: "2" },
    ]);
    expect(state()).to.equal(before);
    expect(backups).to.equal(0);
  });

  it("shows what a rewrite makes of values, and what TRUNCATE leaves to be put in anew", async () => {
    postgres.cluster.psql(
      `CREATE TABLE weights (id int, kg real, note varchar(9));
       INSERT INTO weights SELECT i, i / 10.0, 'n' || i FROM generate_series(1, 5) i`,
      "app",
    );
    const prepared = await prepare(
      `ALTER TABLE users ALTER bio TYPE text USING 'x';
       TRUNCATE posts; INSERT INTO posts VALUES (8);
       ALTER TABLE weights ALTER id TYPE bigint, ALTER kg TYPE float8, ALTER note TYPE text, ADD at float DEFAULT random();`,
    );
    expect(tried(prepared).losses).to.deep.equal([
      {
        type: "table-rewritten",
        table: "public.posts",
        rows: "7",
        rowsAfter: "1",
        columns: ["id"],
      },
      {
        type: "table-rewritten",
        table: "public.users",
        rows: "10",
        rowsAfter: "10",
        columns: ["bio"],
      },
    ]);
  });

  it("counts the large objects that go", async () => {
    postgres.cluster.psql(
      "SELECT lo_from_bytea(0, '\\x00ff') FROM generate_series(1, 3)",
      "app",
    );
    const prepared = await prepare(
      "SELECT lo_unlink(oid) FROM pg_largeobject_metadata;",
    );
    expect(tried(prepared).losses).to.deep.equal([
      { type: "large-objects-deleted", objects: "3" },
    ]);
  });

  it("is done after a backup, with the settings of psql", async () => {
    const prepared = await prepare(
      "BEGIN; ALTER TABLE users DROP bio; COMMIT;",
    );
    const result = await apply(prepared, {}, () => {
      expect(postgres.cluster.psql("SELECT bio FROM users", "app")).to.include(
        "bio 10",
      );
    });
    expect(backups).to.equal(1);
    expect(lines(result)).to.deep.equal(["- column public.users.bio: text"]);
    expect(
      postgres.cluster.psql(
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped",
        "app",
      ),
    ).to.equal("id manager");
  });

  it("shows only what it changes, whichever settings the database has", async () => {
    postgres.cluster.psql(
      `CREATE TABLE visits (at timestamptz DEFAULT '2024-01-15T14:00:00Z') PARTITION BY RANGE (at);
       CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01Z') TO ('2025-01-01Z');
       ALTER DATABASE app SET TimeZone = 'Asia/Kathmandu';
       ALTER DATABASE app SET DateStyle = 'German'`,
      "app",
    );
    const prepared = await prepare("ALTER TABLE users DROP COLUMN bio;");
    expect(lines(tried(prepared))).to.deep.equal([
      "- column public.users.bio: text",
    ]);
    expect(lines(await apply(prepared))).to.deep.equal(lines(tried(prepared)));
  });

  it("says when the tool's table goes on listing what was undone", async () => {
    postgres.cluster.psql(TOOL_TABLES.nodePgMigrate, "app");
    const kept = await apply(await prepare("ALTER TABLE users DROP bio"));
    expect(kept.stillRecorded.map(({ name }) => name)).to.deep.equal([
      "002_add_bio",
    ]);
    const { forget } = kept.stillRecorded[0]!;
    const undone = await apply(await prepare(forget!));
    expect(undone.stillRecorded).to.deep.equal([]);
    expect(undone.histories[0]!.migrations).to.have.length(2);
  });

  it("that fails in the middle leaves all as it was", async () => {
    const before = state();
    const sql = `DROP TABLE posts;
      DELETE FROM users;
      ALTER TABLE users
        DROP nothing;`;
    const error = await errorOf(prepare(sql));
    expect(error.code).to.equal("MIGRATION_FAILED");
    expect(error.message).to.include("line 3 (ALTER TABLE)");
    expect(state()).to.equal(before);

    // It fails only when it is for real.
    const prepared = await prepare(
      "ALTER TABLE users DROP bio; INSERT INTO posts SELECT 1 / (count(*) - 8)::int FROM posts",
    );
    let meanwhile = "";
    const work = apply(prepared, {}, () => {
      postgres.cluster.psql("INSERT INTO posts VALUES (8)", "app");
      meanwhile = state();
    });
    expect(await codeOf(work)).to.equal("MIGRATION_FAILED");
    expect(state()).to.equal(meanwhile);
  });

  it("leaves sequences where they are that setval puts back, unless it is done", async () => {
    const { cluster } = postgres;
    cluster.psql(
      "CREATE SEQUENCE ids; CREATE SEQUENCE downwards INCREMENT -1; SELECT setval('ids', 500), setval('downwards', -500)",
      "app",
    );
    const back =
      "SELECT setval('ids', 1, false), setval('downwards', -3); DROP TABLE posts;";
    const places = () =>
      cluster.psql("SELECT last_value FROM ids", "app").trim();
    expect(places()).to.equal("500");
    const prepared = await prepare(back);
    expect(places()).to.equal("500");
    expect(await codeOf(prepare(`${back} SELECT 1 / 0;`))).to.equal(
      "MIGRATION_FAILED",
    );
    expect(
      cluster.psql("SELECT nextval('ids'), nextval('downwards')", "app").trim(),
    ).to.equal("501|-501");
    await apply(prepared);
    expect(places()).to.equal("1");
  });

  it("commits nothing where the file's settings hide a COMMIT", async () => {
    const before = state();
    const hidden = String.raw`SET standard_conforming_strings = off;
      SELECT 'a\', '; COMMIT; DROP TABLE posts; --';`;
    expect(await codeOf(prepare(hidden))).to.equal("MIGRATION_FAILED");
    expect(state()).to.equal(before);
  });

  it("that breaks a constraint which is checked late fails when it is tried", async () => {
    const error = await errorOf(prepare("UPDATE users SET manager = 99"));
    expect(error.code).to.equal("MIGRATION_FAILED");
    expect(error.message).to.include("users_manager_fkey");
  });

  it("isn't committed when it does something else than was shown", async () => {
    const prepared = await prepare(
      "DO $$ BEGIN IF (SELECT count(*) > 7 FROM posts) THEN DROP TABLE posts; END IF; END $$",
    );
    expect(tried(prepared).changes).to.deep.equal([]);
    const error = await errorOf(
      apply(prepared, {}, () =>
        postgres.cluster.psql("INSERT INTO posts VALUES (8)", "app"),
      ),
    );
    expect(error.code).to.equal("MIGRATION_DRIFTED");
    expect(postgres.cluster.psql("SELECT count(*) FROM posts", "app")).to.equal(
      "8",
    );
  });

  it("isn't done when the backup can't be made", async () => {
    const before = state();
    const prepared = await prepare("DROP TABLE posts");
    const failure = new DrError("NOT_WRITABLE", { path: "/b", reason: "full" });
    expect(
      await codeOf(
        apply(prepared, {}, () => {
          throw failure;
        }),
      ),
    ).to.equal("NOT_WRITABLE");
    expect(state()).to.equal(before);
  });

  for (const sql of [
    "CREATE INDEX CONCURRENTLY i ON users (bio)",
    "create unique index concurrently i on users (bio)",
    "DROP INDEX CONCURRENTLY i",
    "REINDEX TABLE CONCURRENTLY users",
    "REINDEX (VERBOSE, CONCURRENTLY) TABLE users",
    "REINDEX DATABASE app",
    "VACUUM users",
    "CREATE DATABASE other",
    "DROP DATABASE IF EXISTS other",
    "ALTER SYSTEM SET work_mem = '4MB'",
    "CREATE TABLESPACE t LOCATION '/nowhere'",
    "CLUSTER",
    "DISCARD ALL",
    "ROLLBACK",
    "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'x'",
  ]) {
    it(`isn't begun with ${sql} in it`, async () => {
      const before = state();
      const error = await errorOf(prepare(`DROP TABLE posts; ${sql}`));
      expect(error.code).to.equal("MIGRATION_NOT_ATOMIC");
      expect(error.message).to.include("line 1");
      expect(state()).to.equal(before);
    });
  }

  for (const sql of [
    "SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; RELEASE a",
    "CLUSTER users USING users_pkey",
    "REINDEX TABLE users",
    "REINDEX (CONCURRENTLY FALSE) TABLE users",
    "CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
    "SELECT 'VACUUM; COMMIT'",
    "START TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1; END",
    "CREATE MATERIALIZED VIEW v AS SELECT id FROM users; CREATE UNIQUE INDEX ON v (id); REFRESH MATERIALIZED VIEW CONCURRENTLY v",
  ]) {
    it(`can be tried with ${sql} in it`, async () => {
      expect((await prepare(sql)).trial.status).to.equal("tried");
    });
  }

  it("learns from the server what else can't be in a transaction", async () => {
    postgres.cluster.psql(
      "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO posts VALUES (9); COMMIT; END'",
      "app",
    );
    const sql = "DROP TABLE users;\nCALL p()";
    const error = await errorOf(prepare(sql));
    expect(error.code).to.equal("MIGRATION_NOT_ATOMIC");
    expect(error.message).to.include("line 2");
    const prepared = await prepare(sql, { allowOutsideTransaction: true });
    expect(prepared.trial.status).to.equal("untried");
  });

  it("outside of a transaction is done when that is allowed, and told of then", async () => {
    const prepared = await prepare(
      "CREATE INDEX CONCURRENTLY bios ON users (bio); DROP TABLE posts",
      { allowOutsideTransaction: true },
    );
    expect(prepared.trial).to.deep.equal({
      status: "untried",
      reason: "CREATE INDEX CONCURRENTLY (line 1)",
    });
    expect(lines(await apply(prepared))).to.include.members([
      "+ index public.users.bios: CREATE INDEX bios ON public.users USING btree (bio)",
      "- table public.posts: owner dr_owner",
    ]);
    expect(backups).to.equal(1);
  });

  it("outside of a transaction that fails names the way back", async () => {
    const prepared = await prepare(
      `DROP TABLE posts;
       BEGIN; DELETE FROM users WHERE id = 1; COMMIT;
       BEGIN; DELETE FROM users; SELECT 1 / 0; COMMIT;`,
      { allowOutsideTransaction: true },
    );
    const error = await errorOf(apply(prepared));
    expect(error.code).to.equal("MIGRATION_HALF_DONE");
    expect(error.message).to.match(
      /line 3 \(SELECT\).*Done already and not undone: DROP TABLE \(line 1\), BEGIN \(line 2\), DELETE \(line 2\), COMMIT \(line 2\)\.$/s,
    );
    expect(error.fix).to.include(`npx hardhat dr:db:restore ${BACKUP.name}\``);
    expect(error.exitCode).to.equal(5);
    expect(postgres.cluster.psql("SELECT count(*) FROM users", "app")).to.equal(
      "9",
    );
  });

  it("outside of a transaction whose first statement fails has done nothing", async () => {
    const prepared = await prepare("VACUUM nowhere; DROP TABLE posts", {
      allowOutsideTransaction: true,
    });
    const before = state();
    expect(await codeOf(apply(prepared))).to.equal("MIGRATION_FAILED");
    expect(state()).to.equal(before);
    postgres.cluster.psql("INSERT INTO users VALUES (11, 'bio 1')", "app");
    // It leaves an index that isn't valid.
    const index = await prepare(
      "CREATE UNIQUE INDEX CONCURRENTLY bios ON users (bio)",
      { allowOutsideTransaction: true },
    );
    const error = await errorOf(apply(index));
    expect(error.code).to.equal("MIGRATION_HALF_DONE");
    expect(error.message).to.include("part of that statement");
  });

  describe("beside others", () => {
    let other: Session;

    beforeEach(async () => {
      other = await openSession(options.access);
    });

    afterEach(async () => {
      await closeSession(other);
    });

    it("says who holds a lock, and lets others through again", async () => {
      await other.query("BEGIN; SELECT FROM public.users");
      const error = await errorOf(prepare("ALTER TABLE users DROP bio"));
      expect(error.code).to.equal("MIGRATION_LOCKED");
      expect(error.message).to.match(
        /1 s .* process \d+ \(dr_owner, hardhat-dr, idle in transaction for \d+ s\)/,
      );
      expect(error.message).not.to.include("SELECT FROM");
      expect(
        postgres.cluster.psql("SELECT count(*) FROM users", "app"),
      ).to.equal("10");
    });

    it("isn't begun while somebody else is migrating", async () => {
      postgres.cluster.psql(TOOL_TABLES.nodePgMigrate, "app");
      await other.query("SELECT pg_advisory_lock(7241865325823964)");
      const error = await errorOf(prepare("SELECT 1"));
      expect(error.code).to.equal("MIGRATION_UNDER_WAY");
      expect(error.message).to.match(/process \d+ \(dr_owner, hardhat-dr/);
      await other.query("SELECT pg_advisory_unlock_all()");
      postgres.cluster.psql(
        `${TOOL_TABLES.knex} UPDATE knex_migrations_lock SET is_locked = 1`,
        "app",
      );
      expect(await codeOf(prepare("SELECT 1"))).to.equal("MIGRATION_UNDER_WAY");
    });

    it("keeps a second one from beginning", async () => {
      const prepared = await prepare("SELECT 1");
      let second = "none";
      await apply(prepared, {}, async () => {
        second = await codeOf(prepare("SELECT 1"));
      });
      expect(second).to.equal("MIGRATION_UNDER_WAY");
    });

    it("is stopped by Ctrl-C within a statement", async () => {
      const before = state();
      const stopped = new AbortController();
      const work = codeOf(
        prepare("DROP TABLE posts; SELECT pg_sleep(600)", {
          signal: stopped.signal,
        }),
      );
      await until(
        () =>
          postgres.cluster.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()",
          ) === "1",
      );
      stopped.abort(new DrError("MIGRATION_INTERRUPTED", {}));
      expect(await work).to.equal("MIGRATION_INTERRUPTED");
      expect(state()).to.equal(before);
    });

    it("is stopped by Ctrl-C while the backup is made", async () => {
      const before = state();
      const stopped = new AbortController();
      const { signal } = stopped;
      const prepared = await prepare("DROP TABLE posts");
      const work = apply(prepared, { signal }, () => {
        stopped.abort(new DrError("MIGRATION_INTERRUPTED", {}));
      });
      expect(await codeOf(work)).to.equal("MIGRATION_INTERRUPTED");
      expect(state()).to.equal(before);
    });
  });

  it("whose server goes away is undone", async () => {
    const { cluster } = postgres;
    const before = state();
    const prepared = await prepare("DROP TABLE posts");
    expect(
      await codeOf(
        apply(prepared, {}, () =>
          cluster.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND application_name = 'hardhat-dr'",
          ),
        ),
      ),
    ).to.equal("DATABASE_UNREACHABLE");
    expect(state()).to.equal(before);
  });

  describe("whose connection is lost while it is committed", () => {
    /** The way to the server, cut when somebody commits: before the server hears of it, or after. */
    async function throughCut(
      when: "before" | "after",
      onCut: () => void = () => undefined,
    ): Promise<{ access: Access; close: () => void }> {
      const { port } = options.access;
      const server = createServer((socket) => {
        const upstream = connect(port, "127.0.0.1");
        let isCut = false;
        socket.on("data", (chunk) => {
          isCut ||= chunk.includes("COMMIT\0");
          if (!isCut || when === "after") {
            upstream.write(chunk);
          }
          if (isCut && when === "before") {
            upstream.destroy();
            socket.destroy();
            onCut();
          }
        });
        upstream.on("data", (chunk) => {
          if (isCut) {
            upstream.destroy();
            socket.destroy();
            onCut();
          } else {
            socket.write(chunk);
          }
        });
        for (const [one, peer] of [
          [socket, upstream],
          [upstream, socket],
        ] as const) {
          one.on("error", () => undefined);
          one.on("close", () => peer.destroy());
        }
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address() as AddressInfo;
      return {
        access: { ...options.access, port: address.port },
        close: () => server.close(),
      };
    }

    for (const [when, code, tables] of [
      ["after", "none", "0"],
      ["before", "MIGRATION_FAILED", "1"],
    ] as const) {
      it(`finds out what became of it, ${when} the server knew`, async () => {
        const prepared = await prepare("DROP TABLE posts");
        const { access, close } = await throughCut(when);
        expect(await codeOf(apply(prepared, { access }))).to.equal(code);
        close();
        expect(
          postgres.cluster.psql(
            "SELECT count(*) FROM pg_class WHERE relname = 'posts'",
            "app",
          ),
        ).to.equal(tables);
      });
    }

    it("says that nobody knows when the server doesn't come back", async () => {
      const prepared = await prepare("DROP TABLE posts");
      let close = (): void => undefined;
      const cut = await throughCut("before", () => {
        close();
      });
      ({ close } = cut);
      const clock = { now: systemClock.now, sleep: () => Promise.resolve() };
      const { access } = cut;
      const error = await errorOf(apply(prepared, { access, clock }));
      expect(error.code).to.equal("MIGRATION_UNCERTAIN");
      expect(error.fix).to.match(/txid_status\(\d+\).*takumi_db_/);
    });
  });

  it("shows nothing of a password", async () => {
    const { cluster } = postgres;
    const sql = "ALTER ROLE nobody_there PASSWORD 'hunter2'";
    const error = await errorOf(prepare(sql));
    const shown = JSON.stringify([error.message, error.fix, error.values]);
    expect(shown).not.to.include("hunter2");
    expect(shown).not.to.include(cluster.password);
    expect(JSON.stringify(await prepare("SELECT 1"))).not.to.include(
      cluster.password,
    );
  });
});
