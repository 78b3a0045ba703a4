import { expect } from "chai";

import type {
  Fingerprint,
  TableFingerprint,
} from "../../src/database/fingerprint.js";
import { Checklist } from "../../src/restore-test/checklist.js";
import {
  DATABASE_CRITERIA,
  judgeDatabase,
} from "../../src/restore-test/judge-database.js";

describe("judgeDatabase", () => {
  const profiles = { name: "public.profiles", rows: "42", hash: "7" };
  const claims = { name: "app.skill_claims", rows: "3", hash: "8" };

  function database(...tables: TableFingerprint[]): Fingerprint {
    return {
      server: "15.18",
      encoding: "UTF8",
      locale: { provider: "c", collate: "C", ctype: "C" },
      extensions: [],
      roles: [],
      schema: "",
      tables,
      sequences: [],
      largeObjects: { count: "0" },
    };
  }

  /** The criteria that don't hold. */
  function judge(
    found: Fingerprint,
    expected: Fingerprint | undefined,
    criticalTables: readonly string[] = ["profiles"],
    problems: readonly string[] = [],
  ): string[] {
    const checklist = new Checklist(DATABASE_CRITERIA);
    judgeDatabase(
      { found, problems, notices: [], tables: found.tables.length, rows: "0" },
      expected,
      criticalTables,
      checklist,
    );
    expect(
      checklist.criteria.every(({ status }) => status !== "not_measured"),
    ).to.equal(true);
    return checklist.criteria
      .filter(({ status }) => status === "failed")
      .map(({ name }) => name);
  }

  const both = database(profiles, claims);

  it("finds nothing wrong with what is the same", () => {
    expect(judge(both, both, ["profiles", "app.skill_claims"])).to.deep.equal(
      [],
    );
  });

  it("wants tables, critical ones, and rows in them", () => {
    expect(judge(database(), database())).to.deep.equal([
      ...["table_count", "critical_tables", "critical_rows"],
      "content_hashes",
    ]);
    expect(judge(both, both, ["profiles", "payments"])).to.deep.equal([
      "critical_tables",
      "critical_rows",
    ]);
    const empty = database({ ...profiles, rows: "0", hash: "0" });
    expect(judge(empty, empty)).to.deep.equal(["critical_rows"]);
  });

  it("doesn't take for measured what nobody has configured or written down", () => {
    expect(judge(both, both, [])).to.deep.equal([
      "critical_tables",
      "critical_rows",
    ]);
    expect(judge(both, undefined)).to.deep.equal([
      "row_counts",
      "content_hashes",
    ]);
    const unhashed = database({ name: profiles.name, rows: "42" }, claims);
    expect(judge(both, unhashed)).to.deep.equal(["content_hashes"]);
  });

  it("tells rows that are too many from rows that are others", () => {
    expect(
      judge(database({ ...profiles, rows: "43" }, claims), both),
    ).to.deep.equal(["row_counts"]);
    expect(
      judge(database({ ...profiles, hash: "6" }, claims), both),
    ).to.deep.equal(["content_hashes"]);
    expect(judge(database(profiles), both)).to.deep.equal([
      "row_counts",
      "content_hashes",
    ]);
    expect(
      judge(database({ ...profiles, sampled: 10 }, claims), both),
    ).to.deep.equal(["content_hashes"]);
  });

  it("leaves out what is computed anew, and takes all else that differs", () => {
    const view = {
      name: "public.totals",
      rows: "1",
      hash: "1",
      computed: true,
    } as const;
    expect(
      judge(
        database(profiles, { ...view, rows: "2", hash: "2" }),
        database(profiles, view),
      ),
    ).to.deep.equal([]);
    expect(
      judge(both, both, ["profiles"], ["The index x isn't valid."]),
    ).to.deep.equal(["same_as_backed_up"]);
  });
});
