import { expect } from "chai";

import { inDatabase } from "../../../src/database/access.js";
import { prepareRecovery } from "../../../src/database/recover/writable.js";
import { errorOf } from "../../offsite/describe-storage.js";
import { usePostgres } from "../../helpers/postgres.js";
import { RecoveryScene, tell } from "./scene.js";

const SHOP = `
  CREATE TABLE owners (id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE profiles (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner int NOT NULL REFERENCES owners ON DELETE CASCADE,
    handle text UNIQUE,
    score numeric(10, 2),
    shout text GENERATED ALWAYS AS (upper(handle)) STORED);
  CREATE TABLE posts (
    id int PRIMARY KEY, profile int NOT NULL REFERENCES profiles ON DELETE CASCADE, body text);
  CREATE TABLE likes (
    post int REFERENCES posts ON DELETE CASCADE, who int, PRIMARY KEY (post, who));
  CREATE TABLE orders (
    id int PRIMARY KEY, profile int REFERENCES profiles ON DELETE SET NULL);
  INSERT INTO owners SELECT n, 'owner ' || n FROM generate_series(1, 20) n;
  INSERT INTO profiles (owner, handle, score)
    SELECT n, 'p' || n, n / 3.0 FROM generate_series(1, 20) n;
  INSERT INTO posts SELECT n, 1 + n % 20, 'post ' || n FROM generate_series(1, 60) n;
  INSERT INTO likes SELECT 1 + n % 60, n FROM generate_series(1, 120) n;
  INSERT INTO orders SELECT n, 1 + n % 20 FROM generate_series(1, 40) n;
`;

describe("recovering rows", () => {
  const postgres = usePostgres();
  const open = (schema = SHOP) => new RecoveryScene(postgres.cluster, schema);

  it("brings back what was deleted, and only that", async () => {
    const scene = open();
    scene.sql(
      "DELETE FROM likes WHERE post IN (3, 4); INSERT INTO likes VALUES (5, 999)",
    );
    const { plan, isWritten } = await scene.recover("likes");
    expect([tell(plan), isWritten]).to.deep.equal([["likes: 4 missing"], true]);
    expect(
      scene.sql("DELETE FROM likes WHERE who = 999 RETURNING post"),
    ).to.match(/^5/);
    expect(scene.isAsBefore("likes", "posts", "profiles")).to.be.true;
  });

  it("writes nothing unless it is told to, and finds nothing to do the second time", async () => {
    const scene = open();
    scene.sql("DELETE FROM likes WHERE post = 3");
    const before = scene.content("likes");
    expect(tell(await scene.plan("likes"))).to.deep.equal(["likes: 2 missing"]);
    expect(scene.content("likes")).to.equal(before);
    await scene.recover("likes");
    const again = await scene.recover("likes");
    expect([again.plan.tables, again.isWritten]).to.deep.equal([[], false]);
  });

  it("brings the parents they need, and with children all that hung on them", async () => {
    const scene = open();
    scene.sql("DELETE FROM owners WHERE id IN (7, 8)");
    const one = await scene.plan("posts", { where: "id = 6" });
    expect(tell(one)).to.deep.equal([
      "posts: 1 missing",
      "profiles: 1 parents",
      "owners: 1 parents",
    ]);
    expect(one.unasked).to.have.members(["likes", "orders"]);
    const { plan } = await scene.recover("owners", {
      areChildrenIncluded: true,
    });
    expect(tell(plan)).to.deep.equal(
      [
        "owners: 2 missing",
        "profiles: 2 children",
        "orders: 0",
        "posts: 6 children",
        "likes: 12 children",
      ].filter((line) => !line.endsWith(": 0")),
    );
    expect(plan.unset).to.deep.equal([
      {
        table: "orders",
        columns: ["profile"],
        count: 4,
        keys: [["26"], ["27"], ["6"], ["7"]],
      },
    ]);
    expect(plan.unasked).to.deep.equal([]);
    expect(scene.isAsBefore("owners", "profiles", "posts", "likes")).to.be.true;
    expect(
      scene.sql("SELECT count(*) FROM orders WHERE profile IS NULL"),
    ).to.equal("4");
  });

  it("brings back what was changed, column by column", async () => {
    const scene = open();
    scene.sql(
      "UPDATE profiles SET score = 0 WHERE id < 4; UPDATE profiles SET handle = 'x' WHERE id = 2; DELETE FROM profiles WHERE id = 9",
    );
    expect(tell(await scene.plan("profiles"))).to.deep.equal([
      "profiles: 1 missing",
    ]);
    const { plan } = await scene.recover("profiles", {
      isChangedIncluded: true,
    });
    expect(tell(plan)).to.deep.equal(["profiles: 1 missing, 3 changed"]);
    expect(plan.tables[0]?.changedColumns).to.deep.equal(["handle", "score"]);
    expect(
      plan.tables[0]?.samples.find(({ key }) => key[0] === "2"),
    ).to.deep.include({
      old: { id: "2", owner: "2", handle: "p2", score: "0.67" },
      live: { id: "2", owner: "2", handle: "x", score: "0.00" },
    });
    expect(scene.isAsBefore("profiles")).to.be.true;
  });

  it("says which values differ, though only behind what is shown of them", async () => {
    const scene = open(
      `CREATE TABLE pages (id int PRIMARY KEY, title text, body text);
       INSERT INTO pages VALUES (1, 'one', repeat('x', 300) || 'old')`,
    );
    scene.sql("UPDATE pages SET body = repeat('x', 300) || 'new'");
    const { tables } = await scene.plan("pages", { isChangedIncluded: true });
    expect(tables[0]?.samples[0]?.differing).to.deep.equal(["body"]);
  });

  it("takes a condition on the old rows, which can do nothing else", async () => {
    const scene = open();
    scene.sql("DELETE FROM likes");
    const where = "post < 10 AND likes.who > 60 -- the late ones";
    expect(tell(await scene.plan("likes", { where }))).to.deep.equal([
      "likes: 9 missing",
    ]);
    postgres.cluster.psql(
      "CREATE FUNCTION evil() RETURNS bool LANGUAGE sql AS 'DELETE FROM public.posts RETURNING true'",
      scene.old,
    );
    postgres.cluster.psql(
      `ALTER DATABASE ${scene.old} SET standard_conforming_strings = off`,
    );
    for (const bad of [
      "nothing = 1",
      "post = 1) OR (post = 2",
      "post = 1) OR (body = ')(' AND post = 2",
      "body = '\\' OR true) OR (body = '",
      "body = E'\\' (' OR post = 1) OR (post = 2",
      "body = $x$ ( $x$) OR (true",
      "true /* ( */) OR (true -- )",
      "(post = 1",
      "body = 'a",
      "true /* /* */",
      "true; SELECT 1",
      "lo_import('/etc/passwd') > 0",
      "pg_catalog . \"lo_import\" /* ( */ ('/etc/passwd') > 0",
      "length(PG_READ_FILE('PG_VERSION')) > 0",
      "pg_reload_conf()",
      "length(query_to_xml('SELECT lo_creat(-1)', true, true, '')::text) > 0",
      "true); DELETE FROM posts; --",
      "true)); SELECT ((1",
      "evil()",
      "set_config('transaction_read_only', 'off', false) = 'off'",
    ]) {
      const error = await errorOf(scene.plan("likes", { where: bad }));
      expect(error.code, bad).to.equal("RECOVER_WHERE_INVALID");
    }
    expect(
      postgres.cluster.psql("SELECT count(*) FROM posts", scene.old),
    ).to.equal("60");
    expect(
      postgres.cluster.psql(
        "SELECT count(*) FROM pg_largeobject_metadata",
        scene.old,
      ),
    ).to.equal("0");
    for (const good of [
      "(post) IN (1, 2) AND ')' <> E'\\')(' AND $x$)$x$ <> '(' /* ) */ -- (",
      "EXISTS (SELECT FROM posts WHERE posts.id = likes.post AND abs(id) IN (1, 2)) AND random() < 2",
    ]) {
      expect(
        tell(await scene.plan("likes", { where: good })),
        good,
      ).to.deep.equal(["likes: 4 missing"]);
    }
  });

  it("shows rows also where transactions only read unless told otherwise, and says why it writes none", async () => {
    const scene = open();
    scene.sql("DELETE FROM likes WHERE post = 3");
    for (const name of [scene.live, scene.old]) {
      postgres.cluster.psql(
        `ALTER DATABASE ${name} SET default_transaction_read_only = on`,
      );
    }
    expect(tell(await scene.plan("likes"))).to.deep.equal(["likes: 2 missing"]);
    const error = await errorOf(scene.recover("likes"));
    expect(error.code).to.equal("RECOVER_READ_ONLY");
    expect(scene.sql("SELECT count(*) FROM likes")).to.equal("118");
  });

  it("says what of the database is in the way before old rows are there", async () => {
    const scene = open();
    scene.sql(
      "CREATE SCHEMA app; CREATE TABLE app.tags (id int); CREATE SCHEMA web; CREATE TABLE web.tags (id int)",
    );
    const access = inDatabase(postgres.cluster.access(), scene.live);
    await prepareRecovery(access, "posts", true);
    for (const table of ["liked", "tags"]) {
      const error = await errorOf(prepareRecovery(access, table, true));
      expect(error.code).to.equal("RECOVER_TABLE_UNKNOWN");
    }
    scene.sql(
      `ALTER DATABASE ${scene.live} SET default_transaction_read_only = on`,
    );
    await prepareRecovery(access, "posts", false);
    const error = await errorOf(prepareRecovery(access, "posts", true));
    expect(error.code).to.equal("RECOVER_READ_ONLY");
  });

  it("shows both rows where one made since is in the way, and writes nothing", async () => {
    const scene = open();
    scene.sql(
      "DELETE FROM profiles WHERE id IN (3, 5); INSERT INTO profiles (owner, handle) VALUES (1, 'p3')",
    );
    const plan = await scene.plan("profiles");
    expect(plan.conflicts.count).to.equal(1);
    expect(plan.conflicts.shown[0]).to.deep.equal({
      table: "profiles",
      constraint: "profiles_handle_key",
      old: { id: "3", owner: "3", handle: "p3", score: "1.00" },
      live: { id: "21", owner: "1", handle: "p3", score: null },
      isExchanged: false,
    });
    const error = await errorOf(scene.recover("profiles"));
    expect(error.code).to.equal("RECOVER_CONFLICT");
    expect(scene.sql("SELECT count(*) FROM profiles")).to.equal("19");
    await scene.recover("profiles", { where: "handle <> 'p3'" });
    expect(scene.sql("SELECT count(*) FROM profiles")).to.equal("20");
  });

  it("tells rows that have exchanged what is unique, and brings it back once they are given something else", async () => {
    const scene = open();
    scene.sql(`
      UPDATE profiles SET handle = 'x' WHERE id = 1;
      UPDATE profiles SET handle = 'p1' WHERE id = 2;
      UPDATE profiles SET handle = 'p2' WHERE id = 1`);
    const request = { isChangedIncluded: true };
    const { conflicts } = await scene.plan("profiles", request);
    expect(conflicts.count).to.equal(2);
    expect(conflicts.shown.map((one) => one.isExchanged)).to.deep.equal([
      true,
      true,
    ]);
    const error = await errorOf(scene.recover("profiles", request));
    expect(error.code).to.equal("RECOVER_CONFLICT");
    scene.sql("UPDATE profiles SET handle = handle || '?' WHERE id IN (1, 2)");
    await scene.recover("profiles", request);
    expect(scene.isAsBefore("profiles")).to.be.true;
  });

  it("never brings back what was erased, nor what hangs on it", async () => {
    const scene = open();
    scene.sql(
      "DELETE FROM owners WHERE id IN (7, 8); UPDATE owners SET name = 'gone' WHERE id = 9",
    );
    const erased = [{ table: "owners", keys: [["7"], ["9"], ["4711"]] }];
    const { plan } = await scene.recover("owners", {
      erased,
      areChildrenIncluded: true,
      isChangedIncluded: true,
    });
    expect(plan.leftOut).to.deep.equal({
      erased: 2,
      orphans: 10,
      lists: [{ table: "owners", entries: 3, unmatched: 1, alike: 0 }],
    });
    expect(
      scene.sql(
        "SELECT string_agg(id || name, ' ' ORDER BY id) FROM owners WHERE id BETWEEN 7 AND 9",
      ),
    ).to.equal("8owner 8 9gone");
    expect(scene.sql("SELECT count(*) FROM profiles WHERE owner = 7")).to.equal(
      "0",
    );
    expect(tell((await scene.recover("likes", { erased })).plan)).to.deep.equal(
      [],
    );
    for (const [keys, table] of [
      [[["x"]], "owners"],
      [[["1", "2"]], "owners"],
      [[["1"]], "ownerz"],
    ] as const) {
      const error = await errorOf(
        scene.plan("owners", { erased: [{ table, keys }] }),
      );
      expect(error.code).to.equal("RECOVER_ERASED_INVALID");
    }
  });

  it("compares a list of erased rows by the column's type, and counts the keys that protect nobody", async () => {
    const scene = open(
      `CREATE TABLE people (name text, born date, n numeric, PRIMARY KEY (name, born, n));
       INSERT INTO people SELECT 'p' || n, '2000-01-31', n FROM generate_series(1, 9) n`,
    );
    scene.sql("DELETE FROM people WHERE n < 9");
    const keys = [
      ["p1", "2000-01-31", "1.0"],
      ["p2", "January 31, 2000", " 2e0 "],
      ["p3 ", "2000-01-31", "3"],
      ["P4", "20000131", "4"],
      ["p9", "2000-01-31", "9"],
      ["p5", "1999-12-31", "5"],
    ];
    const erased = [{ table: "people", keys }];
    const plan = await scene.plan("people", { erased });
    expect(tell(plan)).to.deep.equal(["people: 6 missing"]);
    expect(plan.leftOut.lists).to.deep.equal([
      { table: "people", entries: 6, unmatched: 3, alike: 2 },
    ]);
    scene.sql("INSERT INTO people VALUES ('p5', '1999-12-31', 5)");
    const { leftOut } = await scene.plan("people", { erased });
    expect(leftOut.lists[0]?.unmatched).to.equal(2);
  });

  it("moves sequences forward, never back", async () => {
    const scene = open(`
      CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY);
      INSERT INTO a SELECT FROM generate_series(1, 50); INSERT INTO b SELECT FROM generate_series(1, 50);`);
    scene.sql(
      "TRUNCATE a RESTART IDENTITY; DELETE FROM b; SELECT setval('b_id_seq', 900)",
    );
    await scene.recover("a");
    await scene.recover("b");
    expect(
      scene.sql("SELECT nextval('a_id_seq'), nextval('b_id_seq')"),
    ).to.equal("51|901");
  });

  it("copes with cycles, whether or not constraints can be deferred", async () => {
    const scene = open(`
      CREATE TABLE staff (id int PRIMARY KEY, boss int NOT NULL REFERENCES staff ON DELETE CASCADE, team int NOT NULL);
      CREATE TABLE teams (id int PRIMARY KEY, lead int NOT NULL);
      INSERT INTO staff SELECT n, greatest(n / 2, 1), n % 3 FROM generate_series(1, 30) n;
      INSERT INTO teams SELECT n, n + 5 FROM generate_series(0, 2) n;
      ALTER TABLE staff ADD FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE;
      ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES staff ON DELETE CASCADE;
      CREATE TABLE late (id int PRIMARY KEY, other int NOT NULL);
      ALTER TABLE late ADD CONSTRAINT l FOREIGN KEY (other) REFERENCES late DEFERRABLE;
      BEGIN; SET CONSTRAINTS ALL DEFERRED;
      INSERT INTO late VALUES (1, 2), (2, 3), (3, 1); COMMIT;`);
    scene.sql("DELETE FROM staff WHERE id = 1; TRUNCATE late");
    expect(scene.sql("SELECT count(*) FROM staff")).to.equal("0");
    const { plan } = await scene.recover("teams");
    expect(tell(plan)[0]).to.equal("teams: 3 missing");
    await scene.recover("staff");
    await scene.recover("late", { where: "id = 2" });
    expect(scene.isAsBefore("staff", "teams", "late")).to.be.true;
  });

  it("refuses tables without a key, and takes one that is named", async () => {
    const scene = open(
      "CREATE TABLE loose (a int NOT NULL UNIQUE, b int); INSERT INTO loose VALUES (1, 1), (2, 2); CREATE TABLE none (a int)",
    );
    scene.sql("DELETE FROM loose WHERE a = 1");
    const error = await errorOf(scene.plan("loose"));
    expect(error.code).to.equal("RECOVER_KEY_MISSING");
    expect(error.fix).to.include("--key a`");
    expect((await errorOf(scene.plan("none", { key: ["a"] }))).code).to.equal(
      "RECOVER_KEY_MISSING",
    );
    expect(
      tell((await scene.recover("loose", { key: ["a"] })).plan),
    ).to.deep.equal(["loose: 1 missing"]);
    scene.sql("ALTER TABLE none RENAME TO other");
    expect((await errorOf(scene.plan("none"))).code).to.equal(
      "RECOVER_TABLE_GONE",
    );
    expect((await errorOf(scene.plan("nowhere"))).code).to.equal(
      "RECOVER_TABLE_UNKNOWN",
    );
    expect(
      (await errorOf(open().plan("likes", { key: ["who"] }))).code,
    ).to.equal("OPTION_INVALID");
  });
});
