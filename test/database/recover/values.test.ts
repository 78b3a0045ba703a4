import { expect } from "chai";

import type { Sample } from "../../../src/database/recover/stage.js";
import { errorOf } from "../../offsite/describe-storage.js";
import { usePostgres } from "../../helpers/postgres.js";
import { RecoveryScene, tell } from "./scene.js";

/** Every kind of type, with values that are easily lost on the way. */
const TYPES = `
  CREATE SCHEMA "Odd schema";
  SET search_path = "Odd schema", public;
  CREATE TYPE mood AS ENUM ('sad', 'it''s "fine"', 'a,b{c}');
  CREATE TYPE pair AS (a int, "B c" text);
  CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
  CREATE DOMAIN short AS varchar(5);
  CREATE FUNCTION is_even(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN RETURN helper($1); END $$;
  CREATE FUNCTION helper(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 2 = 0';
  CREATE TABLE "Select" (
    "order" bigint GENERATED ALWAYS AS IDENTITY, "Ünï ""q""" text COLLATE "C",
    moods mood[], p pair, ps pair[], mail email, s short, c char(8), vc varchar(20),
    n numeric, n2 numeric(12, 4), f real, d double precision, b bool, by bytea,
    j json, jb jsonb, x xml, ts timestamp, tz timestamptz, dt date, ti time, iv interval,
    ip inet, mac macaddr, u uuid, bits bit(4), vb varbit, r int4range, tr tstzrange, mr int4multirange,
    pt point, poly polygon, tsv tsvector, money money, ch "char", nm name, reg regclass, arr2 text[][],
    doubled bigint GENERATED ALWAYS AS ("order" * 2) STORED,
    PRIMARY KEY ("order", "Ünï ""q"""));
  INSERT INTO "Select" OVERRIDING SYSTEM VALUE VALUES
    (9007199254740993, E'tab\\t nl\\n cr\\r \\\\ " '' \\u0001 \\u200d 🦄 \\\\N NULL', '{sad,"a,b{c}",NULL}',
     '(1,"x,""y")', ARRAY['(1,)', NULL]::pair[], 'a@b', 'abcde', 'x  ', ' trailing ',
     '-123456789012345678901234567890.000100', '1.5000', '1.1', '0.1', true, '\\x00ff5c27',
     '{"b": 1,  "a": 1.00, "a": 2}', '{"n": 12345678901234567890.10, "e": ""}', '<a>&amp;</a>',
     'infinity', '-infinity', 'infinity', '24:00:00', '1 year -2 mons 3 days -04:05:06.789',
     '::1/64', '08:00:2b:01:02:03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', B'0101', B'1', '[1,5)', '[-infinity,infinity]', '{[1,2),[5,9)}',
     '(0.1,1e300)', '((0,0),(1,1.5))', 'a:1 b''c:2', '-1.23', 'z', 'nm', 'pg_class', '{{a,NULL},{"NULL",""}}'),
    (-1, '', '{}', NULL, '{}', NULL, '', '', '', 'NaN', NULL, 'NaN', '-Infinity', NULL, '',
     'null', 'null', NULL, '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999+00', '5874897-12-31', NULL, NULL,
     NULL, NULL, NULL, NULL, '', 'empty', NULL, '{}', NULL, NULL, '', NULL, '', '', NULL, NULL),
    (3, 'stays', ${Array(37).fill("NULL").join(", ")});
  CREATE TABLE parts (at date, id int, body text, CHECK (is_even(id)), PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE parts_2 PARTITION OF parts DEFAULT PARTITION BY HASH (id);
  CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
  CREATE TABLE refs (id int PRIMARY KEY, at date, part int, FOREIGN KEY (at, part) REFERENCES parts ON DELETE CASCADE);
  INSERT INTO parts SELECT '2023-06-01'::date + n * 30, n * 2, 'x' FROM generate_series(1, 40) n;
  INSERT INTO refs SELECT id, at, id FROM parts;
`;

describe("values of recovered rows", () => {
  const postgres = usePostgres();
  const open = (schema: string, options?: string) =>
    new RecoveryScene(postgres.cluster, schema, options);

  it("are what they were, to the last byte, whatever their type", async () => {
    const scene = open(TYPES);
    const select = '"Odd schema"."Select"';
    scene.sql(`DELETE FROM ${select} WHERE "order" <> 3`);
    const { plan } = await scene.recover("Odd schema.Select");
    expect(tell(plan)).to.deep.equal(["Odd schema.Select: 2 missing"]);
    expect(scene.isAsBefore(select)).to.be.true;
    scene.sql(
      `UPDATE ${select} SET jb = '{}', n = 1, "doubled" = DEFAULT, tz = now(), arr2 = NULL, c = 'y' WHERE "order" <> 3`,
    );
    await scene.recover(`"Odd schema"."Select"`, { isChangedIncluded: true });
    expect(scene.isAsBefore(select)).to.be.true;
  });

  it("go into partitions, past checks that need the usual search path", async () => {
    const scene = open(TYPES);
    postgres.cluster.psql(
      `ALTER DATABASE ${scene.live} SET search_path = "Odd schema", public`,
    );
    scene.sql("DELETE FROM parts WHERE id > 20");
    const { plan } = await scene.recover("parts", {
      areChildrenIncluded: true,
    });
    expect(tell(plan)).to.deep.equal([
      "Odd schema.parts: 30 missing",
      "Odd schema.refs: 30 children",
    ]);
    for (const table of ["parts", "refs", "parts_2a"]) {
      expect(scene.isAsBefore(`"Odd schema".${table}`)).to.be.true;
    }
    const error = await errorOf(scene.plan("parts_1"));
    expect(error.code).to.equal("RECOVER_TABLE_UNKNOWN");
    expect(error.message).to.include("the whole table, parts");
  });

  it("fit into a table that was changed since, or are refused", async () => {
    const schema =
      "CREATE TABLE t (id int PRIMARY KEY, gone text, v varchar(9), n numeric(8, 4), a int); INSERT INTO t VALUES (1, 'g', '42', 1.5, 7), (2, 'g', 'long', 1.2345, 8)";
    const scene = open(schema);
    scene.sql(
      "DELETE FROM t; ALTER TABLE t DROP gone, ADD fresh int NOT NULL DEFAULT 5, ALTER a TYPE bigint",
    );
    const { plan } = await scene.recover("t");
    expect(plan.tables[0]).to.deep.include({
      lost: ["gone"],
      added: ["fresh"],
      retyped: [{ name: "a", from: "integer", to: "bigint" }],
    });
    expect(scene.sql("SELECT * FROM t ORDER BY id")).to.equal(
      "1|42|1.5000|7|5\n2|long|1.2345|8|5",
    );
    const after = async (sql: string) => {
      const other = open(schema);
      other.sql(`DELETE FROM t; ${sql}`);
      const error = await errorOf(other.recover("t"));
      expect(other.sql("SELECT count(*) FROM t")).to.equal("0");
      expect(error.message).to.not.include("dr_stage");
      return error.code;
    };
    expect(await after("ALTER TABLE t ADD fresh int NOT NULL")).to.equal(
      "RECOVER_SCHEMA_CHANGED",
    );
    expect(await after("ALTER TABLE t ALTER v TYPE int USING v::int")).to.equal(
      "RECOVER_DOES_NOT_FIT",
    );
    expect(await after("ALTER TABLE t ALTER v TYPE varchar(3)")).to.equal(
      "RECOVER_DOES_NOT_FIT",
    );
    expect(await after("ALTER TABLE t ADD CHECK (a < 8)")).to.equal(
      "RECOVER_DOES_NOT_FIT",
    );
    expect(await after("ALTER TABLE t ALTER n TYPE numeric(8, 2)")).to.equal(
      "RECOVER_DOES_NOT_FIT",
    );
  });

  it("keep bytes that are no characters, where a database has no encoding", async () => {
    const scene = open(
      `CREATE TABLE towns (name text, n int, PRIMARY KEY (name, n));
       CREATE TABLE notes (id int PRIMARY KEY, town text, n int, body text, bodies text[],
         FOREIGN KEY (town, n) REFERENCES towns ON DELETE CASCADE);
       INSERT INTO towns VALUES (E'Z\\xfcrich', 1), ('Zürich', 2), (E'\\xff''\\\\\\n', 3), ('', 4);
       INSERT INTO notes SELECT n, name, n, 'é' || name, ARRAY[name, NULL, E'\\x80'] FROM towns;
       INSERT INTO notes VALUES (5, NULL, NULL, repeat('x', 199) || 'é', NULL);`,
      "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    );
    scene.sql("DELETE FROM towns; DELETE FROM notes");
    const lines: Sample[] = [];
    const { plan } = await scene.recover(
      "towns",
      { areChildrenIncluded: true },
      {
        approve: async () => await Promise.resolve(true),
        onRows: async (_, rows) => {
          for await (const batch of rows) {
            lines.push(...batch);
          }
        },
      },
    );
    expect(tell(plan)).to.deep.equal(["towns: 4 missing", "notes: 4 children"]);
    expect(lines.map(({ key }) => key.join())).to.include.members([
      "E'Z\\xfcrich',1",
      "Zürich,2",
      "E'\\xff\\'\\\\\\x0a',3",
      ",4",
    ]);
    const { plan: rest } = await scene.recover("notes");
    const [note] = rest.tables[0]?.samples ?? [];
    expect(note?.old).to.include({ town: null, body: "x".repeat(199) });
    expect(scene.isAsBefore("towns", "notes")).to.be.true;
    scene.sql(`UPDATE notes SET body = E'\\xe8'`);
    const changed = await scene.recover("notes", { isChangedIncluded: true });
    expect(tell(changed.plan)).to.deep.equal(["notes: 5 changed"]);
    expect(changed.plan.tables[0]?.samples[0]?.live?.body).to.equal("E'\\xe8'");
    expect(scene.isAsBefore("notes")).to.be.true;
  });

  it("can be listed as erased though they aren't UTF-8, as they are shown", async () => {
    const scene = open(
      `CREATE TABLE towns (name text PRIMARY KEY);
       INSERT INTO towns VALUES
         (E'caf\\xe9'), ('café'), (E'\\xff''\\\\\\n'), ('E''x'''), ('other')`,
      "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    );
    scene.sql("DELETE FROM towns");
    const shown = (await scene.plan("towns")).tables[0]?.samples ?? [];
    const keys = shown.map(({ key }) => key);
    expect(keys.flat()).to.include.members(["E'caf\\xe9'", "E'E\\'x\\''"]);
    const erased = [
      { table: "towns", keys: keys.filter(([key]) => key !== "other") },
    ];
    const { plan } = await scene.recover("towns", { erased });
    expect(plan.leftOut.erased).to.equal(4);
    expect(scene.sql("SELECT name FROM towns")).to.equal("other");
    for (const key of ["E'caf", "E'caf\\xe'", "E'caf\\q'", "E'a'b'", "E'é'"]) {
      const error = await errorOf(
        scene.plan("towns", { erased: [{ table: "towns", keys: [[key]] }] }),
      );
      expect(error.code, key).to.equal("RECOVER_ERASED_INVALID");
    }
  });

  it("are refused where they hold bytes that are no characters, with a way to copy them", async () => {
    const scene = open(
      `SET client_encoding = 'WIN1252'; CREATE TABLE t (id int PRIMARY KEY, v text);
       INSERT INTO t VALUES (1, E'a\\x81b'), (2, 'x')`,
      "TEMPLATE template0 ENCODING 'WIN1252' LOCALE 'C'",
    );
    scene.sql("DELETE FROM t");
    expect((await errorOf(scene.recover("t"))).code).to.equal(
      "RECOVER_UNTRANSLATABLE",
    );
    expect(scene.sql("SELECT count(*) FROM t")).to.equal("0");
    await scene.recover("t", { where: "id = 2" });
    expect(scene.sql("SELECT count(*) FROM t")).to.equal("1");
  });

  it("aren't taken for deleted where row-level security may hide them", async () => {
    const scene = open(
      "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    scene.sql(
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON t USING (false)",
    );
    scene.cluster.psql(
      `CREATE ROLE app LOGIN PASSWORD 'a'; GRANT TEMP ON DATABASE ${scene.live}, ${scene.old} TO app`,
    );
    for (const database of [scene.live, scene.old]) {
      scene.cluster.psql("GRANT ALL ON t TO app", database);
    }
    const access = { ...scene.cluster.access(), user: "app", password: "a" };
    const error = await errorOf(scene.recover("t", {}, {}, access));
    expect(error.code).to.equal("RECOVER_ROW_SECURITY");
  });

  it("pass triggers, or don't, as it is configured", async () => {
    const scene = open(`
      CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p, at text);
      INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1, 'then'), (2, 1, 'then');`);
    scene.sql(`
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = 'now'; RETURN NEW; END $$;
      CREATE TRIGGER touch BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
      DELETE FROM t; DELETE FROM p;`);
    const error = await errorOf(scene.recover("t"));
    expect(error.code).to.equal("RECOVER_NOT_EQUAL");
    expect(scene.sql("SELECT count(*) FROM t, p")).to.equal("0");
    await scene.recover("t", { triggers: "skip" });
    expect(scene.isAsBefore("t", "p")).to.be.true;
    for (const [body, code, reason] of [
      ["RETURN NULL", "RECOVER_NOT_EQUAL", "they weren't there"],
      ["RAISE EXCEPTION 'no rows today'", "RECOVER_REFUSED", "no rows today"],
    ] as const) {
      scene.sql(
        `DELETE FROM t; CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$`,
      );
      const refused = await errorOf(scene.recover("t"));
      expect(refused.code).to.equal(code);
      expect(refused.message).to.include(reason);
      expect(scene.sql("SELECT count(*) FROM t")).to.equal("0");
    }
    scene.sql(
      "ALTER TABLE t DROP CONSTRAINT t_p_fkey; DELETE FROM t; DELETE FROM p; ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p NOT VALID",
    );
    scene.cluster.psql(
      "ALTER TABLE t DROP CONSTRAINT t_p_fkey; DELETE FROM p",
      scene.old,
    );
    for (const triggers of ["skip", "fire"] as const) {
      const broken = await errorOf(scene.recover("t", { triggers }));
      expect(broken.code).to.equal("RECOVER_PARENT_MISSING");
    }
  });
});
