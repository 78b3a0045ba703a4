import { expect } from "chai";
import fc from "fast-check";

import { lexSql } from "../../../src/database/migrations/lex-sql.js";
import { splitStatements } from "../../../src/database/migrations/split-statements.js";
import { withSession } from "../../../src/database/session.js";
import { usePostgres } from "../../helpers/postgres.js";
import { codeOf, errorOf } from "../../offsite/describe-storage.js";

const split = (sql: string) =>
  splitStatements(sql, "down.sql").map(({ text }) => text);

const refusal = async (sql: string) =>
  await errorOf(Promise.resolve().then(() => split(sql)));

/** Statements that hold whatever could be mistaken for an end. */
const PIECES = [
  "SELECT 1",
  "a$b$",
  "$1",
  "'it''s; --'",
  "E'it\\'s; /*'",
  "e'\\\\'",
  "E'one\\'' \n -- ;'\n 'two\\';'",
  "'back\\'",
  "U&'d\\0061t; a'",
  "B'01'",
  '"a "";"" name"',
  '"--"',
  "$$;$$",
  "$$ $x$ ' $$",
  "$tag$ ; $$ $ta$ 'x $tag$",
  "$ä_1$;$ä_1$",
  "/* ; /* nested ' */ \" */",
  // With a word after it: what stands on lines of its own goes on with the string before.
  "-- a comment; isn't SQL\nx",
  "(a; b; (c;))",
  "x::text",
  "a - -1",
  "a */ b",
  "'smile 😀;'",
  "\r\nx",
  "CASE WHEN a THEN b END",
];

describe("splitting SQL into statements", () => {
  it("gives back what was joined", () => {
    const statement = fc
      .array(fc.constantFrom(...PIECES), { maxLength: 6 })
      .map((pieces) => `DO ${pieces.join(" ")} x`);
    fc.assert(
      fc.property(fc.array(statement), (statements) => {
        expect(split(statements.join(" ; \n"))).to.deep.equal(statements);
      }),
    );
  });

  describe("beside the server", () => {
    const postgres = usePostgres();

    /** Each is one value, as long as nothing in it is taken for an end. */
    const VALUES = [
      "'it''s; --'",
      "E'it\\'s; /*'",
      "E'\\\\'",
      "E'one\\'' \n -- ';'\n 'two\\';'",
      "'back\\'",
      "'one;'\n'two;'",
      "U&'d\\0061t;'",
      "$$;$$",
      "$$ $x$ ' $$",
      "$tag$ ; $$ $ta$ 'x $tag$",
      "$ä_1$;$ä_1$",
      "/* ; /* nested ' */ \" */ 1",
      "-- ; '\n 2",
      "(SELECT ';')",
      "3 - -1",
      '4 AS "a;""b"',
      "5 a$b$",
      "CASE WHEN true THEN ';' END",
    ];

    it("finds as many statements, with the same results", async () => {
      await withSession(postgres.cluster.access(), async ({ client }) => {
        const ask = async (text: string) => {
          const answer = await client.query(text);
          return [answer].flat().map(({ rows }) => JSON.stringify(rows));
        };
        const statements = fc.array(
          fc.constantFrom(...VALUES).map((value) => `SELECT ${value}`),
          { minLength: 1 },
        );
        await fc.assert(
          fc.asyncProperty(statements, async (each) => {
            const sql = each.join(";");
            const alone: string[] = [];
            for (const text of split(sql)) {
              alone.push(...(await ask(text)));
            }
            expect(alone).to.deep.equal(await ask(sql));
            expect(alone).to.have.length(each.length);
          }),
        );
      });
    });
  });

  it("loses no character, whatever the text", () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom(..."'\"$;-/*\\eE()a1 \n".split("")))
        .map((characters) => characters.join("")),
    );
    fc.assert(
      fc.property(text, (sql) => {
        expect([...lexSql(sql)].map((token) => token.text).join("")).to.equal(
          sql,
        );
      }),
    );
  });

  it("tells where each begins", () => {
    const sql =
      "-- header\n\nSELECT 1;\nSELECT\n '\n' -- x\n;/* a\n */ SELECT 2\n";
    expect(
      splitStatements(sql, "down.sql", 10).map(({ line, text }) => [
        line,
        text,
      ]),
    ).to.deep.equal([
      [12, "SELECT 1"],
      [13, "SELECT\n '\n'"],
      [17, "SELECT 2"],
    ]);
  });

  it("knows no statements in comments and empty ones", () => {
    expect(split("; ;\n-- nothing; here\n/* ; */;")).to.deep.equal([]);
  });

  it("leaves a function's body whole that isn't quoted", () => {
    const body =
      "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 2 END; SELECT 3; END";
    expect(split(`${body}; BEGIN; SELECT 1; END; SELECT 2`)).to.deep.equal([
      body,
      "BEGIN",
      "SELECT 1",
      "END",
      "SELECT 2",
    ]);
  });

  it("normalises what isn't quoted, and only that", () => {
    const [statement] = splitStatements(
      "drop /* x */ index\n concurrently \"My Index\", 'a'",
      "down.sql",
    );
    expect(statement!.normal).to.equal(
      "DROP INDEX CONCURRENTLY \"My Index\" , 'a'",
    );
  });

  it("gives a long one that doesn't end up at once", () => {
    for (const start of ["'", '"', "E'", "E'a' --"]) {
      const tokens = [...lexSql(`SELECT ${start}${"-".repeat(100_000)}`)];
      expect(tokens.at(-1)?.type).to.be.oneOf(["unterminated", "comment"]);
    }
  });

  it("refuses what doesn't end, with its line", async () => {
    for (const sql of ["'a", '"a', "$$ a", "$a$ $$", "/* /* */", "E'a\\'"]) {
      const error = await refusal(`SELECT 1;\nSELECT ${sql}`);
      expect(error.code).to.equal("MIGRATION_UNREADABLE");
      expect(error.message).to.include("line 2");
    }
  });

  it("refuses commands of psql's, and COPY with its data", async () => {
    for (const sql of [
      "\\connect other",
      "SELECT 1 \\gexec",
      "COPY t (a) FROM stdin;\n1\n\\.\n",
    ]) {
      expect((await refusal(sql)).code).to.equal("MIGRATION_UNREADABLE");
    }
    expect(await codeOf(Promise.resolve(split("SELECT '\\connect'")))).to.equal(
      "none",
    );
  });
});
