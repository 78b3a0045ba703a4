import { expect } from "chai";

import { formatRestoreTest } from "../../src/display/restore-test.js";
import { plain } from "../../src/display/text.js";
import { announceRestoreTest } from "../../src/restore-test/announce.js";
import { restoreTestReport } from "../../src/restore-test/report.js";
import type { PartTest } from "../../src/restore-test/test-part.js";
import type { TargetTest } from "../../src/restore-test/test-target.js";

describe("the report of a restore test", () => {
  const startedAt = new Date("2024-01-15T14:00:00.123Z");
  const logFile = "/srv/logs/offsite_restore_test_20240115_140000.log";
  const options = {
    startedAt,
    logFile,
    tool: "hardhat-dr 1.0.0",
    project: "takumi",
    commit: null,
  };

  const database: PartTest = {
    status: "passed",
    criteria: [{ name: "found", status: "passed", detail: "it is there" }],
    seconds: 61,
    backup: {
      name: "takumi_db_20240115_120000.sql.gz.enc",
      key: "database/takumi_db_20240115_120000.sql.gz.enc",
      createdAt: new Date("2024-01-15T12:00:00Z"),
    },
    testDatabase: "takumi_restore_test_20240115_140000",
    notices: [],
  };
  const contracts: PartTest = {
    status: "passed",
    criteria: [{ name: "found", status: "passed", detail: "it is there" }],
    seconds: 1,
    backup: {
      name: "contract_snapshot_20240115_120000.tar.gz.enc",
      key: "contracts/contract_snapshot_20240115_120000.tar.gz.enc",
      createdAt: new Date("2024-01-15T12:00:00Z"),
    },
    notices: [],
  };
  const failed: PartTest = {
    status: "failed",
    criteria: [
      { name: "found", status: "passed", detail: "it is there" },
      { name: "download", status: "not_measured" },
      {
        name: "digest",
        status: "failed",
        detail: "It isn't what was written.",
        code: "ARTIFACT_DAMAGED",
        fix: "Take another.",
      },
    ],
    seconds: 0,
    notices: [],
  };
  const s3: TargetTest = { target: "a", provider: "s3", database, contracts };
  const gcs: TargetTest = {
    target: "b",
    provider: "gcs",
    address: "gs://b/",
    database,
    contracts: failed,
  };

  it("is in the platform's shape, and due again in 90 days", () => {
    expect(restoreTestReport([s3], options)).to.deep.include({
      test_timestamp: "20240115_140000",
      test_date: "2024-01-15T14:00:00Z",
      status: "SUCCESS",
      offsite_provider: "s3",
      tests: {
        database_restore: {
          status: "passed",
          backup_file: "takumi_db_20240115_120000.sql.gz.enc",
          test_database: "takumi_restore_test_20240115_140000",
          validation: "completed",
        },
        contract_restore: {
          status: "passed",
          snapshot_file: "contract_snapshot_20240115_120000.tar.gz.enc",
          validation: "completed",
        },
      },
      next_test_due: "2024-04-14T14:00:00Z",
      log_file: logFile,
    });
  });

  it("shows of several targets the one that failed, and is a failure then", () => {
    const report = restoreTestReport([s3, gcs], options);
    expect(report).to.deep.include({
      status: "FAILED",
      offsite_provider: "s3,gcs",
      summary:
        "Offsite restore test failed: b: contracts: digest: It isn't what was written",
    });
    const { tests, targets } = report as unknown as {
      tests: { contract_restore: unknown };
      targets: { status: string }[];
    };
    expect(tests.contract_restore).to.deep.equal({
      status: "failed",
      snapshot_file: null,
      validation: "not completed",
    });
    expect(targets.map(({ status }) => status)).to.deep.equal([
      ...["SUCCESS", "FAILED"],
    ]);
  });

  it("says when only a part was asked for", () => {
    const skipped: PartTest = {
      status: "skipped",
      criteria: [],
      seconds: 0,
      notices: [],
    };
    const report = restoreTestReport([{ ...s3, contracts: skipped }], options);
    expect(report).to.deep.include({
      status: "SUCCESS",
      summary: "Offsite restore test passed: database alone restored from a",
    });
    const { tests } = report as unknown as {
      tests: { contract_restore: unknown };
    };
    expect(tests.contract_restore).to.deep.equal({
      status: "skipped",
      snapshot_file: null,
      validation: "skipped",
    });
  });

  it("is no success when nothing was tested", () => {
    expect(restoreTestReport([], options).status).to.equal("FAILED");
  });

  it("is told to people: a failure to be looked into within hours, a success as its end", () => {
    const good = restoreTestReport([s3], options);
    const bad = restoreTestReport([s3, gcs], options);
    const [ended, begun] = [good, bad].map((report) =>
      announceRestoreTest(report, "takumi", startedAt),
    );
    expect(ended).to.include({
      action: "resolve",
      severity: "low",
      title: "✅ Offsite restore test passed: all backups restored from a",
    });
    expect(begun).to.include({
      action: "trigger",
      severity: "medium",
      title:
        "❌ Offsite restore test failed: b: contracts: digest: It isn't what was written",
    });
    expect(ended!.key).to.equal(begun!.key);
    const long = announceRestoreTest(
      { ...bad, summary: `first\nsecond ${"x".repeat(500)}` },
      "takumi",
      startedAt,
    );
    expect(long.title).to.match(/^❌ first second x+…$/);
    expect(long.title.length).to.be.lessThan(210);
  });

  it("is shown with every criterion, the reason and the way out", () => {
    const report = restoreTestReport([gcs], options);
    expect(formatRestoreTest([gcs], report, "/srv/report.json", plain)).to
      .equal(`b  gs://b/
  ✔ database passed  takumi_db_20240115_120000.sql.gz.enc  1 min 1 s
    ✔ found             it is there
  ✘ contracts failed  0.0 s
    ✔ found             it is there
    · download          not measured
    ✘ digest            ARTIFACT_DAMAGED: It isn't what was written.
      Take another.
Offsite restore test failed: b: contracts: digest: It isn't what was written
Written down in /srv/report.json
`);
  });
});
