import { expect } from "chai";

import { normaliseExpression } from "../../src/database/expression.js";

/** As PostgreSQL shows them first, and after a dump and a restore. */
const SAME: readonly (readonly [string, string])[] = [
  [
    "CHECK (((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
    "CHECK (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
  ],
  [
    "(at >= ('now'::timestamp(3) with time zone))",
    "(at >= 'now'::timestamp(3) with time zone)",
  ],
  [`('x'::public."My ""Type""")`, `'x'::"public"."Other"`],
  ["(n)::numeric(10,2)", "n"],
];

const DIFFERENT: readonly (readonly [string, string])[] = [
  ["((a OR b) AND c)", "(a OR (b AND c))"],
  ["(s = ')::text('::text)", "(s = '('::text)"],
  ["(s = 'it''s'::text)", "(s = 'its'::text)"],
  ["f(x)", "f"],
  ["f(x)", "(f)"],
  [`("A" = 1)`, "(a = 1)"],
  ["(a < 1)", "(a <= 1)"],
  ["(a - 1)", "(a - -1)"],
];

describe("an expression of PostgreSQL's", () => {
  it("is the same however it is shown", () => {
    for (const [before, after] of SAME) {
      expect(normaliseExpression(before)).to.equal(normaliseExpression(after));
    }
  });

  it("is another when it says something else", () => {
    for (const [one, other] of DIFFERENT) {
      expect(normaliseExpression(one)).not.to.equal(normaliseExpression(other));
    }
  });
});
