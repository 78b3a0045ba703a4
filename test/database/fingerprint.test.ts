import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import {
  compareFingerprints,
  parseFingerprint,
  takeFingerprint,
  tellUncompared,
  type Fingerprint,
  type FingerprintOptions,
} from "../../src/database/fingerprint.js";
import { withSession } from "../../src/database/session.js";
import { canonicalJson, type Json } from "../../src/core/canonical-json.js";
import { errorOf } from "../offsite/describe-storage.js";
import { serverPrograms, usePostgres } from "../helpers/postgres.js";
import { until } from "../helpers/until.js";

const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);

describe("a database's fingerprint", function () {
  this.timeout(60_000);
  const postgres = usePostgres();
  let taken: Fingerprint;

  const take = async (database: string, options?: FingerprintOptions) =>
    await withSession(
      postgres.cluster.access(database),
      async (session) => await takeFingerprint(session, options),
    );

  /** By hand, as anybody would. */
  function dumpAndRestore(from: string, to: string): void {
    const { cluster } = postgres;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PGHOST: cluster.host,
      PGPORT: String(cluster.port),
      PGUSER: cluster.user,
      PGPASSWORD: cluster.password,
    };
    cluster.psql(`CREATE DATABASE ${to} TEMPLATE template0`);
    const { status, stderr } = spawnSync(
      "/bin/sh",
      ["-c", `pg_dump -Fc ${from} | pg_restore -e -d ${to}`],
      {
        encoding: "utf8",
        env: { ...env, PATH: `${serverPrograms() ?? ""}:${env.PATH ?? ""}` },
      },
    );
    expect(`${String(status)} ${stderr}`).to.equal("0 ");
  }

  before(async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE original");
    cluster.psql(await readFile(EVERYTHING, "utf8"), "original");
    taken = await take("original");
  });

  it("tells what is there", () => {
    expect(taken.encoding).to.equal("UTF8");
    expect(taken.server).to.match(/^\d+\.\d+$/);
    expect(taken.locale).to.include({ provider: "c", collate: "C" });
    expect(taken.extensions.map(({ name }) => name)).to.deep.equal([
      "citext",
      "pgcrypto",
    ]);
    expect(taken.roles).to.deep.equal(["App Owner", "dr_owner", "dr_reader"]);
    const rows = Object.fromEntries(
      taken.tables.map((table) => [table.name, table.rows]),
    );
    const count = (table: string) =>
      postgres.cluster.psql(`SELECT count(*) FROM ONLY ${table}`, "original");
    expect(Object.keys(rows)).to.include.members([
      '"Mixed Case"."Order"',
      "audit.log",
      "public.events_2024",
      "public.not_yet",
      "public.totals",
    ]);
    expect(rows).not.to.include.keys("public.events", "public.masters");
    for (const [table, found] of Object.entries(rows)) {
      expect(found, table).to.equal(
        table === "public.not_yet" ? "0" : count(table),
      );
    }
    expect(taken.sequences).to.deep.include.members([
      { name: "public.invoice_numbers", last: "106", isCalled: true },
      {
        name: "public.countdown",
        last: "998",
        isCalled: true,
        counts: "down",
      },
      {
        name: "public.merry_go_round",
        last: "2",
        isCalled: true,
        counts: "around",
      },
      { name: "public.never_used", last: "1", isCalled: false },
    ]);
    expect(taken.largeObjects.count).to.equal("4");
  });

  it("hashes rows by the formula that is told", () => {
    const hash = postgres.cluster.psql(
      "SELECT sum(hashtextextended(t::text, 0)::numeric) FROM profiles t",
      "original",
    );
    const profiles = taken.tables.find(
      ({ name }) => name === "public.profiles",
    );
    expect(profiles?.hash).to.equal(hash);
  });

  it("is the same after a dump and a restore", async () => {
    dumpAndRestore("original", "restored");
    expect(await take("restored")).to.deep.equal(taken);
    dumpAndRestore("restored", "again");
    expect(await take("again")).to.deep.equal(taken);
  });

  it("is the same where a dump writes options of foreign servers in another order", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE foreigners");
    cluster.psql(
      `CREATE FOREIGN DATA WRAPPER elsewhere;
       CREATE SERVER there FOREIGN DATA WRAPPER elsewhere OPTIONS (host 'db', port '5432', dbname 'app');
       CREATE FOREIGN TABLE far (a integer OPTIONS (y '1', x '2')) SERVER there OPTIONS (y '1', x '2');`,
      "foreigners",
    );
    dumpAndRestore("foreigners", "foreigners_restored");
    expect(await take("foreigners_restored")).to.deep.equal(
      await take("foreigners"),
    );
  });

  describe("of what few databases have", () => {
    let rare: Fingerprint;

    before(async () => {
      const { cluster } = postgres;
      cluster.psql("CREATE DATABASE rare");
      cluster.psql(
        `CREATE TABLE t (a integer, b integer);
         ALTER TABLE t ALTER a SET STATISTICS 500;
         CREATE INDEX sums ON t ((a + b));
         ALTER INDEX sums ALTER COLUMN 1 SET STATISTICS 400;
         CREATE STATISTICS both_of_t ON a, b FROM t;
         ALTER STATISTICS both_of_t SET STATISTICS 300;
         CREATE FOREIGN DATA WRAPPER elsewhere OPTIONS (x '1');
         CREATE SERVER there FOREIGN DATA WRAPPER elsewhere;
         CREATE USER MAPPING FOR PUBLIC SERVER there OPTIONS (password 'x');
         CREATE OPERATOR FAMILY alike USING btree;
         CREATE ACCESS METHOD piles TYPE TABLE HANDLER heap_tableam_handler;
         CREATE FUNCTION speak() RETURNS language_handler AS '$libdir/plpgsql', 'plpgsql_call_handler' LANGUAGE c;
         CREATE LANGUAGE tongue HANDLER speak;
         CREATE TRANSFORM FOR integer LANGUAGE sql
           (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
         CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
         CREATE TEXT SEARCH PARSER words
           (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
         CREATE TEXT SEARCH TEMPLATE simply (LEXIZE = dsimple_lexize, INIT = dsimple_init);
         CREATE PUBLICATION filtered;
         SELECT current_setting('server_version_num')::int >= 150000 AS filters \\gset
         \\if :filters
           ALTER PUBLICATION filtered ADD TABLE t (a) WHERE (a > 5);
         \\endif`,
        "rare",
      );
      rare = await take("rare");
    });

    it("is the same after a dump and a restore", async () => {
      dumpAndRestore("rare", "rare_restored");
      expect(await take("rare_restored")).to.deep.equal(rare);
    });

    const changes: Readonly<Record<string, string>> = {
      "column public.t": "ALTER TABLE t ALTER a SET STATISTICS 501",
      "index public.sums": "ALTER INDEX sums ALTER COLUMN 1 SET STATISTICS 401",
      "statistics .*": "ALTER STATISTICS both_of_t SET STATISTICS 301",
      "foreign data wrapper elsewhere":
        "ALTER FOREIGN DATA WRAPPER elsewhere OPTIONS (SET x '2')",
      "user mapping of public for there \\(missing\\)":
        "DROP USER MAPPING FOR PUBLIC SERVER there",
      "operator family public.alike of btree \\(missing\\)":
        "DROP OPERATOR FAMILY alike USING btree",
      "access method piles \\(missing\\)": "DROP ACCESS METHOD piles",
      "language tongue \\(missing\\)": "DROP LANGUAGE tongue",
      "transform for integer in sql \\(missing\\)":
        "DROP TRANSFORM FOR integer LANGUAGE sql",
      "conversion public.latin \\(missing\\)": "DROP CONVERSION latin",
      "text search parser public.words \\(missing\\)":
        "DROP TEXT SEARCH PARSER words",
      "text search template public.simply \\(missing\\)":
        "DROP TEXT SEARCH TEMPLATE simply",
    };
    for (const [told, sql] of Object.entries(changes)) {
      it(`tells another ${told.replaceAll("\\", "")}`, async () => {
        await expectTold(told, sql);
      });
    }

    it("tells another filter of a publication's rows, and other columns", async function () {
      if (Number(rare.server.split(".")[0]) < 15) {
        this.skip();
      }
      const publication = "publication filtered";
      await expectTold(
        publication,
        "ALTER PUBLICATION filtered SET TABLE t (a) WHERE (a > 6)",
      );
      await expectTold(
        publication,
        "ALTER PUBLICATION filtered SET TABLE t (a, b) WHERE (a > 5)",
      );
    });

    async function expectTold(told: string, sql: string): Promise<void> {
      const { cluster } = postgres;
      cluster.psql(
        "DROP DATABASE IF EXISTS other; CREATE DATABASE other TEMPLATE rare;",
      );
      cluster.psql(sql, "other");
      const differences = compareFingerprints(rare, await take("other"));
      expect(differences.join(" ")).to.match(
        new RegExp(`^These are defined otherwise: ${told}\\.$`),
      );
    }
  });

  for (const [title, schema] of [
    [
      "puts the columns of inherited tables in another order",
      `CREATE TABLE parent (id int);
       CREATE TABLE child (own text, twice int GENERATED ALWAYS AS (2) STORED) INHERITS (parent);
       ALTER TABLE parent ADD COLUMN later text DEFAULT 'x';
       INSERT INTO child (id, own) VALUES (1, 'a'), (2, 'b')`,
    ],
    [
      "writes options of views in another order",
      `CREATE TABLE t (n int);
       CREATE VIEW checked AS SELECT * FROM t WITH LOCAL CHECK OPTION;
       ALTER VIEW checked SET (security_barrier = true)`,
    ],
    [
      "leaves out comments on what comes with something else",
      `CREATE TABLE days (id int, at date CHECK (at > '2020-01-01')) PARTITION BY RANGE (at);
       CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
       CREATE TABLE nothing (n int UNIQUE);
       ALTER TABLE days ADD CONSTRAINT of_n FOREIGN KEY (id) REFERENCES nothing (n);
       CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
       CREATE TRIGGER passing AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION pass();
       COMMENT ON TRIGGER passing ON days IS 'kept';
       COMMENT ON TRIGGER passing ON days_2024 IS 'left out';
       COMMENT ON CONSTRAINT days_at_check ON days IS 'kept';
       COMMENT ON CONSTRAINT days_at_check ON days_2024 IS 'left out';
       COMMENT ON CONSTRAINT of_n ON days_2024 IS 'left out'`,
    ],
  ] as const) {
    it(`is the same where a dump ${title}`, async () => {
      const { cluster } = postgres;
      cluster.psql("CREATE DATABASE shaped");
      try {
        cluster.psql(schema, "shaped");
        dumpAndRestore("shaped", "shaped_again");
        const again = await take("shaped_again");
        expect(compareFingerprints(await take("shaped"), again)).to.be.empty;
      } finally {
        cluster.psql("DROP DATABASE shaped");
        cluster.psql("DROP DATABASE IF EXISTS shaped_again");
      }
    });
  }

  it("is the same whichever settings a role has, and however many sessions take it", async () => {
    const { cluster } = postgres;
    cluster.psql(
      `ALTER ROLE ${cluster.user} SET DateStyle = 'German';
       ALTER ROLE ${cluster.user} SET search_path = "Mixed Case", audit;
       ALTER ROLE ${cluster.user} SET quote_all_identifiers = on;`,
    );
    try {
      expect(await take("original", { parallel: 3 })).to.deep.equal(taken);
    } finally {
      cluster.psql(`ALTER ROLE ${cluster.user} RESET ALL`);
    }
  });

  it("survives a manifest", () => {
    const contents = JSON.parse(
      canonicalJson({ fingerprint: taken } as unknown as Json),
    ) as Json;
    const artifact = "takumi_db_20260101_000000.sql.zst";
    expect(parseFingerprint({ artifact, contents })).to.deep.equal(taken);
    expect(parseFingerprint({ artifact, contents: {} })).to.equal(undefined);
    const wrong = { fingerprint: { server: "15.1" } };
    expect(() => parseFingerprint({ artifact, contents: wrong })).to.throw(
      `${artifact}.manifest.json can't be relied on: contents.fingerprint.encoding`,
    );
  });

  describe("is another", () => {
    const changes: Readonly<Record<string, [sql: string, told: RegExp]>> = {
      "for one byte": [
        `SET session_replication_role = replica;
         UPDATE profiles SET avatar = set_byte(avatar, 3, get_byte(avatar, 3) # 1) WHERE id = 7`,
        /table public\.profiles holds something else in its 500 rows/,
      ],
      "for one row more": [
        "INSERT INTO no_key VALUES ('same', '2024-02-29', 1)",
        /public\.no_key has 103 rows instead of 102/,
      ],
      "for one row less": [
        "DELETE FROM no_key WHERE ctid = (SELECT min(ctid) FROM no_key)",
        /public\.no_key has 101 rows instead of 102/,
      ],
      "for rows swapped between tables": [
        `UPDATE ONLY parent_of_all SET id = 2, note = 'child';
         UPDATE child_of_all SET id = 1, note = 'parent'`,
        /public\.child_of_all holds something else/,
      ],
      "for a table that is gone": [
        "DROP TABLE nothing",
        /public\.nothing is missing/,
      ],
      "for a table that is new": ["CREATE TABLE new ()", /public\.new wasn't/],
      "for a default": [
        "ALTER TABLE profiles ALTER COLUMN level SET DEFAULT 'adept'",
        /^These are defined otherwise: column public\.profiles\.$/,
      ],
      "for a constraint": [
        "ALTER TABLE endorsements DROP CONSTRAINT endorsements_check",
        /^These are defined otherwise: constraint [^,]*endorsements_check[^,]* \(missing\)\.$/,
      ],
      "for a constraint that says something else": [
        `ALTER TABLE profiles DROP CONSTRAINT profiles_status_check,
           ADD CONSTRAINT profiles_status_check CHECK (status IN ('active', 'banned', 'new'))`,
        /defined/,
      ],
      "for an index": [
        "DROP INDEX endorsements_of_skill",
        /^These are defined otherwise: index public\.endorsements_of_skill \(missing\)\.$/,
      ],
      "for a policy": ["DROP POLICY insert_anything ON profiles", /defined/],
      "for a policy that lets more through": [
        `ALTER POLICY own_rows ON profiles
           USING ((name::text = current_user OR level = 'master') AND email IS NOT NULL)`,
        /defined/,
      ],
      "for row-level security that is off": [
        "ALTER TABLE profiles DISABLE ROW LEVEL SECURITY",
        /defined/,
      ],
      "for a trigger": ["DROP TRIGGER noted ON endorsements", /defined/],
      "for a trigger that is off": [
        "ALTER TABLE endorsements DISABLE TRIGGER noted",
        /defined/,
      ],
      "for a grant": ["GRANT INSERT ON audit.log TO dr_reader", /defined/],
      "for a column's grant": [
        "REVOKE SELECT (id) ON endorsements FROM dr_reader",
        /defined/,
      ],
      "for a function": [
        `CREATE OR REPLACE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
           AS $$ BEGIN RETURN NEW; END $$`,
        /defined/,
      ],
      "for a view": [
        `CREATE OR REPLACE VIEW masters AS SELECT id, name, email FROM profiles WHERE level = 'master'`,
        /defined/,
      ],
      "for an enum's order": [
        "ALTER TYPE skill_level ADD VALUE 'last'",
        /defined/,
      ],
      "for an owner": ["ALTER TABLE no_key OWNER TO dr_reader", /defined/],
      "for a comment": ["COMMENT ON TABLE no_key IS 'x'", /defined/],
      "for a sequence that went back": [
        "SELECT setval('invoice_numbers', 105)",
        /invoice_numbers is at 105, behind 106/,
      ],
      "for a sequence that counts down": [
        "SELECT setval('countdown', 999)",
        /countdown is at 999, behind 998/,
      ],
      "for a byte of a large object": [
        "SELECT lo_put(900003, 70000, 'x')",
        /4 large objects hold something else/,
      ],
      "for a large object that is gone": [
        "SELECT lo_unlink(900002)",
        /3 large objects instead of 4/,
      ],
    };
    let number = 0;
    for (const [title, [sql, told]] of Object.entries(changes)) {
      it(title, async () => {
        const { cluster } = postgres;
        number += 1;
        const database = `changed_${number}`;
        cluster.psql(`CREATE DATABASE ${database} TEMPLATE original`);
        cluster.psql(sql, database);
        const found = await take(database);
        expect(compareFingerprints(taken, found).join(" ")).to.match(told);
      });
    }
  });

  it("names nothing of definitions that an earlier version wrote down as one", () => {
    const { definitions, ...earlier } = taken;
    expect(Object.keys(definitions ?? {})).not.to.be.empty;
    const [told, ...others] = compareFingerprints(
      { ...earlier, schema: "0".repeat(64) },
      taken,
    );
    expect(told).to.match(/^Something is defined otherwise/);
    expect(others).to.be.empty;
  });

  it("tells that definitions aren't compared where they were written down by other rules", () => {
    expect(tellUncompared(taken, taken)).to.be.empty;
    const { schemaRules, ...earlier } = { ...taken, schema: "0".repeat(64) };
    expect(schemaRules).to.be.greaterThan(1);
    const elsewhere = { ...earlier, schemaRules: 2, server: "12.1" };
    const by = [
      [earlier, /by another version of hardhat-dr/],
      [elsewhere, /by PostgreSQL 12, and this is \d\d/],
    ] as const;
    for (const [expected, told] of by) {
      expect(compareFingerprints(expected, taken)).to.be.empty;
      expect(tellUncompared(expected, taken).join(" ")).to.match(told);
    }
  });

  it("lets a sequence be ahead, and a materialized view be newer", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE ahead TEMPLATE original");
    cluster.psql(
      `SELECT nextval('invoice_numbers'), nextval('countdown'), nextval('merry_go_round'), nextval('never_used')`,
      "ahead",
    );
    expect(compareFingerprints(taken, await take("ahead"))).to.be.empty;
    cluster.psql("CREATE DATABASE stale TEMPLATE original");
    cluster.psql("DELETE FROM endorsements WHERE id < 9", "stale");
    const stale = await take("stale");
    dumpAndRestore("stale", "fresh");
    const fresh = await take("fresh");
    expect(fresh).not.to.deep.equal(stale);
    expect(compareFingerprints(stale, fresh)).to.be.empty;
  });

  it("samples the rows of large tables by their key, the same after a restore", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE large");
    cluster.psql(
      `CREATE TABLE numbers (n integer PRIMARY KEY, t text);
       INSERT INTO numbers SELECT n, 'number ' || n FROM generate_series(1, 20000) n;
       CREATE TABLE keyless AS TABLE numbers;`,
      "large",
    );
    const sampled = await take("large", { sampleAbove: 300_000 });
    const [keyless, numbers] = sampled.tables;
    expect(keyless).not.to.have.property("sampled");
    expect(numbers?.sampled).to.be.within(200, 400);
    dumpAndRestore("large", "large_again");
    // Fewer dead rows would mean another share.
    cluster.psql("UPDATE numbers SET t = t", "large");
    const again = await take("large_again", { like: sampled });
    expect(again).to.deep.equal(sampled);
    const chosen = cluster.psql(
      `SELECT min(n) FROM numbers
       WHERE (hashtextextended(ROW(n)::text, 0) & 9223372036854775807) % 1000 < ${String(numbers?.sampled)}`,
      "large_again",
    );
    cluster.psql(
      `UPDATE numbers SET t = 'x' WHERE n = ${chosen}`,
      "large_again",
    );
    expect(
      compareFingerprints(
        sampled,
        await take("large_again", { like: sampled }),
      ),
    ).to.deep.equal([
      "The table public.numbers holds something else in its 20000 rows.",
    ]);
  });

  it("only counts where it isn't asked for hashes", async () => {
    const counted = await take("original", { hashes: false });
    expect(counted.tables.every(({ hash }) => hash === undefined)).to.be.true;
    expect(compareFingerprints(counted, taken)).to.be.empty;
    expect(compareFingerprints(taken, counted)).to.be.empty;
  });

  it("sees only what an exported snapshot sees", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE moving TEMPLATE original");
    const found = await withSession(
      cluster.access("moving"),
      async ({ query }) => {
        await query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const [row] = await query<{ name: string }>(
          "SELECT pg_export_snapshot() AS name",
        );
        cluster.psql("DELETE FROM endorsements", "moving");
        return await take("moving", { snapshot: row!.name, parallel: 2 });
      },
    );
    expect(found).to.deep.equal(taken);
  });

  it("names the table that a role may not read", async () => {
    const { cluster } = postgres;
    cluster.psql(
      "CREATE ROLE half LOGIN PASSWORD 'h' IN ROLE pg_read_all_data",
    );
    cluster.psql("CREATE DATABASE guarded TEMPLATE original");
    const half = {
      ...cluster.access("guarded"),
      user: "half",
      password: "h",
    };
    const error = await errorOf(withSession(half, takeFingerprint));
    expect(error.code).to.equal("DATABASE_DENIED");
    expect(error.message).to.include("profiles");
  });

  it("is called off, on the server too", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE DATABASE slow");
    cluster.psql("CREATE TABLE one (n integer)", "slow");
    const controller = new AbortController();
    const reason = new Error("enough");
    const access = cluster.access("slow");
    await withSession(access, async (holder) => {
      await holder.query("BEGIN; LOCK TABLE public.one");
      const taking = withSession(
        access,
        async (session) =>
          await takeFingerprint(session, { signal: controller.signal }),
      ).catch((error: unknown) => error);
      const waiting = () =>
        cluster.psql("SELECT count(*) FROM pg_locks WHERE NOT granted", "slow");
      await until(() => waiting() === "1");
      controller.abort(reason);
      expect(await taking).to.equal(reason);
      expect(waiting()).to.equal("0");
    });
  });
});
