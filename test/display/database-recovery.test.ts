import { expect } from "chai";

import type { RecoveryPlan } from "../../src/database/recover/plan.js";
import {
  formatRecovered,
  formatRecoveryPlan,
} from "../../src/display/database-recovery.js";
import { plain } from "../../src/display/text.js";

const PLAN: RecoveryPlan = {
  table: "profiles",
  tables: [
    {
      table: "profiles",
      key: ["id"],
      counts: { missing: 30, changed: 1, parents: 0, children: 0 },
      changedColumns: ["score"],
      lost: ["gone"],
      added: ["fresh"],
      retyped: [{ name: "n", from: "integer", to: "bigint" }],
      samples: [
        {
          why: "missing",
          key: ["7"],
          old: { id: "7", bio: "\u001b[2Jevil\nline\u009b1m", score: null },
        },
        {
          why: "changed",
          key: ["8"],
          old: { id: "8", score: "1.00" },
          live: { id: "8", score: null },
          differing: ["score"],
        },
      ],
    },
  ],
  conflicts: {
    count: 1,
    shown: [
      {
        table: "profiles",
        constraint: "profiles_handle_key",
        old: { id: "7" },
        live: { id: "70" },
        isExchanged: true,
      },
    ],
  },
  unset: [{ table: "orders", columns: ["profile"], count: 1, keys: [["5"]] }],
  leftOut: {
    erased: 1,
    orphans: 2,
    lists: [
      { table: "profiles", entries: 9, unmatched: 4, alike: 1 },
      { table: "silent", entries: 1, unmatched: 0, alike: 0 },
    ],
  },
  unseen: ["logs"],
  unasked: ["posts", "app.likes"],
  digest: "",
};

describe("what rows would be brought back", () => {
  const text = formatRecoveryPlan(PLAN, plain);

  it("is shown with what changes, what is in the way and what is left out", () => {
    for (const words of [
      "profiles: 30 missing, 1 changed",
      "score: NULL → 1.00",
      "and 29 more",
      "gone is gone",
      "fresh is new",
      "n was integer, and is bigint",
      "1 conflict with rows that get back what they were themselves",
      "Give those that have it now, under live, any other value",
      "id: 70",
      "1 row of orders no longer refer by profile, and stay so: 5. `--table orders --changed`",
      "in posts, app.likes isn't looked at. `--children`",
      "1 erased row, and 2 rows that refer to such",
      "in logs isn't looked at",
      "4 of 9 keys in `dr.database.erased` for profiles are neither",
      "1 differ only by blanks or case",
    ]) {
      expect(text).to.include(words);
    }
  });

  it("has a change where it is, however late in a long value", () => {
    const [table] = PLAN.tables;
    const told = (old: string, live: string) => {
      const row = {
        why: "changed",
        key: ["9"],
        old: { bio: old },
        live: { bio: live },
        differing: ["bio"],
      } as const;
      const tables = table === undefined ? [] : [{ ...table, samples: [row] }];
      return formatRecoveryPlan({ ...PLAN, tables }, plain);
    };
    const long = "x".repeat(100);
    expect(told(`${long}old`, `${long}new`)).to.include(
      `bio: …${"x".repeat(20)}new → …${"x".repeat(20)}old`,
    );
    expect(told(long, long)).to.include(
      "bio: differs behind its first 100 characters",
    );
    expect(told("old", "older")).to.include("bio: older → old");
  });

  it("is there at once also of tables with hundreds of columns, of which it shows some", function () {
    this.timeout(5000);
    const [table] = PLAN.tables;
    const names = Array.from({ length: 300 }, (_, at) => `column_${at}`);
    const old = Object.fromEntries(names.map((name) => [name, "ü".repeat(60)]));
    const sample = { why: "missing", key: ["1"], old } as const;
    const samples = Array.from({ length: 20 }, () => sample);
    const tables = table === undefined ? [] : [{ ...table, samples }];
    const told = formatRecoveryPlan({ ...PLAN, tables }, plain);
    expect(told).to.include("column_39: ü");
    expect(told).not.to.match(/column_40:|\u001b/);
    expect(told).to.include("… and 260 more columns: `--csv` has all");
  });

  it("can't tell the terminal what to do", () => {
    expect(text).to.match(/bio: \\u001b\[2Jevil\\nline�1m/);
    const evil = "x\u001b[2J";
    const [table] = PLAN.tables;
    const named = formatRecoveryPlan(
      {
        table: evil,
        tables: [
          ...(table === undefined ? [] : [table]).map((one) => ({
            ...one,
            table: evil,
            key: [evil],
            lost: [evil],
            samples: [
              { why: "missing", key: ["1"], old: { [evil]: "1" } } as const,
            ],
          })),
        ],
        conflicts: {
          count: 1,
          shown: [
            {
              table: evil,
              constraint: evil,
              old: {},
              live: {},
              isExchanged: false,
            },
          ],
        },
        unset: [{ table: evil, columns: [evil], count: 1, keys: [["1"]] }],
        leftOut: {
          erased: 0,
          orphans: 0,
          lists: [{ table: evil, entries: 2, unmatched: 1, alike: 0 }],
        },
        unseen: [evil],
        unasked: [evil],
        digest: "",
      },
      plain,
    );
    expect(named.includes("\u001b[2J")).to.be.false;
  });

  it("says that there is nothing", () => {
    const none = { count: 0, shown: [] };
    expect(
      formatRecoveryPlan(
        { ...PLAN, tables: [], conflicts: none, unset: [], unseen: [] },
        plain,
      ),
    ).to.include(
      "Nothing of profiles is to be brought back from there.\n  What was gone already",
    );
  });

  it("ends with what was done, or how it is done", () => {
    const ended = (isWritten: boolean, plan = PLAN) =>
      formatRecovered({ plan, isWritten }, plain);
    expect(ended(true)).to.include(
      "Brought back as in the backup: 31 rows, but for columns that are gone: profiles.gone.",
    );
    expect(ended(false)).to.include("Nothing was written. With `--apply`");
    expect(ended(false, { ...PLAN, tables: [] })).to.equal("");
  });
});
