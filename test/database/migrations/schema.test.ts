import { expect } from "chai";

import {
  countLosses,
  readRewritten,
  readStoredTables,
} from "../../../src/database/migrations/losses.js";
import {
  compareSchemas,
  describeSchema,
} from "../../../src/database/migrations/schema.js";
import { isWidening } from "../../../src/database/migrations/widening.js";
import { withSession } from "../../../src/database/session.js";
import { formatChange } from "../../../src/display/db-rollback.js";
import { usePostgres } from "../../helpers/postgres.js";

const SCHEMA = `
  CREATE ROLE reader; CREATE ROLE writer;
  CREATE SCHEMA app;
  CREATE TYPE app.mood AS ENUM ('sad', 'happy');
  CREATE DOMAIN app.email AS text CHECK (VALUE LIKE '%@%');
  CREATE TYPE app.pair AS (a int, b text);
  CREATE TABLE app.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email app.email NOT NULL, bio text DEFAULT '', mood app.mood);
  CREATE TABLE app."Order" ("select" int REFERENCES app.users (id), total numeric(10,2), doubled numeric GENERATED ALWAYS AS (total * 2) STORED);
  CREATE INDEX order_total ON app."Order" (total);
  CREATE VIEW app.happy AS SELECT id FROM app.users WHERE mood = 'happy';
  CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) FROM app.users;
  CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
  CREATE FUNCTION app.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touch BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.g();
  CREATE POLICY mine ON app.users FOR SELECT TO reader USING (id = 1);
  CREATE SEQUENCE app.numbers;
  CREATE RULE nothing AS ON DELETE TO app."Order" DO INSTEAD NOTHING;
  GRANT SELECT ON app.users TO reader;
  GRANT UPDATE (bio) ON app.users TO writer;
  COMMENT ON TABLE app.users IS 'people';
`;

/** What is done, and what is told of it. */
const CHANGES: readonly (readonly [string, readonly string[]])[] = [
  ["SELECT 1", []],
  [
    "ALTER TABLE app.users ADD age int NOT NULL DEFAULT 0",
    ["+ column app.users.age: integer NOT NULL DEFAULT 0"],
  ],
  [
    "ALTER TABLE app.users DROP bio",
    [
      "- column app.users.bio: text DEFAULT ''::text",
      "- grant on app.users.bio: UPDATE to writer",
    ],
  ],
  [
    "ALTER TABLE app.users ALTER bio TYPE varchar(50)",
    [
      "~ column app.users.bio: text DEFAULT ''::text → character varying(50) DEFAULT ''::text",
    ],
  ],
  [
    "ALTER TABLE app.users RENAME bio TO about",
    ["~ column app.users.bio renamed to app.users.about"],
  ],
  [
    "ALTER TABLE app.users ALTER email DROP NOT NULL",
    ["~ column app.users.email: app.email NOT NULL → app.email"],
  ],
  [
    "ALTER TABLE app.users ADD CONSTRAINT long CHECK (length(bio) < 9) NOT VALID",
    ["+ constraint app.users.long: CHECK ((length(bio) < 9)) NOT VALID"],
  ],
  [
    "DROP INDEX app.order_total",
    [
      '- index app."Order".order_total: CREATE INDEX order_total ON app."Order" USING btree (total)',
    ],
  ],
  ["DROP VIEW app.happy", ["- view app.happy (4 lines)"]],
  [
    "DROP MATERIALIZED VIEW app.counts",
    ["- materialized view app.counts (3 lines)"],
  ],
  [
    "CREATE OR REPLACE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'",
    ["~ function app.f(integer): another definition"],
  ],
  [
    "DROP FUNCTION app.f; CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
    [],
  ],
  ["DROP FUNCTION app.f", ["- function app.f(integer) (5 lines)"]],
  [
    "ALTER TABLE app.users DISABLE TRIGGER touch",
    [
      "~ trigger app.users.touch: CREATE TRIGGER touch BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.g() → CREATE TRIGGER touch BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.g(), disabled",
    ],
  ],
  [
    "ALTER POLICY mine ON app.users USING (id = 2)",
    [
      "~ policy app.users.mine: PERMISSIVE FOR SELECT TO reader USING ((id = 1)) → PERMISSIVE FOR SELECT TO reader USING ((id = 2))",
    ],
  ],
  [
    "ALTER TABLE app.users ENABLE ROW LEVEL SECURITY",
    ["~ table app.users: owner dr_owner → row level security, owner dr_owner"],
  ],
  [
    "ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'",
    [
      "~ enum app.mood: 'sad', 'happy', owner dr_owner → 'blue', 'happy', owner dr_owner",
    ],
  ],
  ["ALTER TYPE app.pair ADD ATTRIBUTE c int", ["+ column app.pair.c: integer"]],
  [
    "ALTER DOMAIN app.email SET NOT NULL",
    [
      "~ domain app.email: text, owner dr_owner → text, NOT NULL, owner dr_owner",
    ],
  ],
  [
    "ALTER SEQUENCE app.numbers INCREMENT 5",
    [
      "~ sequence app.numbers: bigint, increment 1, start 1, 1 to 9223372036854775807, owner dr_owner → bigint, increment 5, start 1, 1 to 9223372036854775807, owner dr_owner",
    ],
  ],
  [
    'DROP RULE nothing ON app."Order"',
    ['- rule app."Order".nothing (2 lines)'],
  ],
  [
    "REVOKE SELECT ON app.users FROM reader",
    ["- grant on app.users: SELECT to reader"],
  ],
  [
    "GRANT SELECT ON app.users TO reader WITH GRANT OPTION",
    ["~ grant on app.users: SELECT to reader → with grant option"],
  ],
  [
    "REVOKE EXECUTE ON FUNCTION app.f FROM PUBLIC",
    ["- grant on app.f(integer): EXECUTE to PUBLIC"],
  ],
  [
    "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader",
    ["+ default grant SELECT on tables to reader: for dr_owner in app"],
  ],
  [
    "COMMENT ON TABLE app.users IS NULL",
    ["- comment on table app.users: 'people'"],
  ],
  [
    "CREATE EXTENSION pgcrypto SCHEMA app",
    ["+ extension pgcrypto: version 1.3 in app"],
  ],
  ["CREATE SCHEMA other", ["+ schema other: owner dr_owner"]],
  [
    "CREATE TABLE app.new (a int)",
    ["+ table app.new: owner dr_owner", "+ column app.new.a: integer"],
  ],
];

describe("the difference of two schemas", () => {
  const postgres = usePostgres();

  before(() => {
    postgres.cluster.psql(SCHEMA);
  });

  async function tell(sql: string): Promise<readonly string[]> {
    return await withSession(postgres.cluster.access(), async (session) => {
      const before = await describeSchema(session);
      await session.query("BEGIN");
      await session.query(sql);
      const changes = compareSchemas(before, await describeSchema(session));
      await session.query("ROLLBACK");
      return changes.map(formatChange);
    });
  }

  for (const [sql, lines] of CHANGES) {
    it(`tells of ${sql}`, async () => {
      expect(await tell(sql)).to.deep.equal(lines);
    });
  }

  it("tells of a renamed table without each of its columns", async () => {
    const lines = await tell("ALTER TABLE app.users RENAME TO people");
    expect(lines).to.include("~ table app.users renamed to app.people");
    expect(lines.filter((line) => /column|grant/.test(line))).to.deep.equal([]);
  });

  it("tells of a dropped table and what it takes along", async () => {
    const lines = await tell("DROP TABLE app.users CASCADE");
    expect(lines).to.include.members([
      "- table app.users: owner dr_owner",
      "- column app.users.email: app.email NOT NULL",
      "- grant on app.users: SELECT to reader",
      '- constraint app."Order"."Order_select_fkey": FOREIGN KEY ("select") REFERENCES app.users(id)',
      "- view app.happy (4 lines)",
    ]);
  });

  it("is none when nothing is done, seen from another connection", async () => {
    const look = async () =>
      await withSession(postgres.cluster.access(), describeSchema);
    expect(await look()).to.deep.equal(await look());
  });

  it("counts the data that is lost", async () => {
    const { cluster } = postgres;
    cluster.psql(
      `CREATE TABLE lost (id int, a text, b varchar(20), c numeric GENERATED ALWAYS AS (id) STORED, d int, "E f" text);
       INSERT INTO lost (id, a, b, d) VALUES (1, 'x', 'y', 1), (2, NULL, 'z', 2);
       CREATE TABLE gone AS SELECT 1 AS a FROM generate_series(1, 5);
       CREATE TABLE emptied AS SELECT 1 AS a FROM generate_series(1, 3);
       CREATE TABLE rewritten AS SELECT 1 AS a;
       CREATE TABLE nothing ();`,
    );
    const losses = await withSession(cluster.access(), async (session) => {
      const before = await readStoredTables(session);
      await session.query("BEGIN");
      await session.query(
        `ALTER TABLE public.lost DROP a, DROP c, DROP "E f", ALTER b TYPE varchar(10), ALTER d TYPE bigint;
         ALTER TABLE public.lost RENAME id TO number; ALTER TABLE public.lost RENAME TO found;
         DROP TABLE public.gone, public.nothing; TRUNCATE public.emptied; ALTER TABLE public.rewritten ALTER a TYPE bigint;`,
      );
      const after = await readStoredTables(session);
      const rewritten = await readRewritten(session, before, after);
      await session.query("ROLLBACK");
      const written = [{ table: "public.t", deleted: "4", updated: "0" }];
      return await countLosses(session, { before, after, rewritten, written });
    });
    expect(losses).to.deep.equal([
      { type: "table-emptied", table: "public.emptied", rows: "3" },
      { type: "table-dropped", table: "public.gone", rows: "5" },
      {
        type: "column-dropped",
        table: "public.lost",
        column: "a",
        rows: "2",
        values: "1",
      },
      {
        type: "type-narrowed",
        table: "public.lost",
        column: "b",
        from: "character varying(20)",
        to: "character varying(10)",
        values: "2",
      },
      {
        type: "column-dropped",
        table: "public.lost",
        column: '"E f"',
        rows: "2",
        values: "0",
      },
      { type: "rows-deleted", table: "public.t", rows: "4" },
    ]);
  });
});

describe("a type", () => {
  it("is known to hold all of another's values", () => {
    for (const [from, to, isWider] of [
      ["integer", "bigint", true],
      ["bigint", "integer", false],
      ["smallint", "numeric", true],
      ["integer", "numeric(5,0)", false],
      ["character varying(20)", "character varying(50)", true],
      ["character varying(20)", "character varying", true],
      ["character varying", "character varying(20)", false],
      ["character varying(20)", "text", true],
      ["text", "character varying", false],
      ["numeric(10,2)", "numeric(12,2)", true],
      ["numeric(10,2)", "numeric(10,4)", false],
      ["numeric(10,2)", "numeric", true],
      ["timestamp(3) without time zone", "timestamp without time zone", true],
      ["timestamp with time zone", "date", false],
      ["double precision", "real", false],
      ["bit(3)", "bit(4)", false],
      ["text", "integer", false],
      ["app.mood", "app.mood", true],
    ] as const) {
      expect(isWidening(from, to), `${from} → ${to}`).to.equal(isWider);
    }
  });
});
