import { expect } from "chai";

import type { BackupPart, PartKind } from "../../src/backup/part.js";
import {
  exitCodeOf,
  failuresOf,
  runBackup,
  type BackupRun,
  planBackup,
} from "../../src/backup/run-backup.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { backupToJson, formatBackup } from "../../src/display/backup.js";
import { plain } from "../../src/display/text.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";

const ARTIFACT = {
  name: "takumi_files_20240115_140000.tar.zst",
  path: "/backups/files/takumi_files_20240115_140000.tar.zst",
  sizeBytes: 2_000_000,
  storedBytes: 1_500_000,
  sha256: "ab".repeat(32),
};

describe("the parts of a backup", () => {
  let ran: string[];
  let clock: typeof systemClock;

  beforeEach(() => {
    ran = [];
    let milliseconds = Date.parse("2024-01-15T14:00:00Z");
    clock = {
      ...systemClock,
      now: () => new Date((milliseconds += 1500)),
    };
  });

  function part(
    kind: PartKind,
    ending: "good" | "bad" | "unexpected" | "not configured" = "good",
  ): BackupPart {
    return {
      kind,
      isConfigured: ending !== "not configured",
      plan: async () => {
        await Promise.resolve();
        if (ending === "bad") {
          throw new DrError("ENCRYPTION_NOT_CONFIGURED", {});
        }
        return [`would make ${kind}`];
      },
      run: async () => {
        await Promise.resolve();
        ran.push(kind);
        if (ending === "bad") {
          throw new DrError("ENCRYPTION_NOT_CONFIGURED", {});
        }
        if (ending === "unexpected") {
          throw new TypeError("a bug");
        }
        return { artifacts: [ARTIFACT], notices: ["A notice."] };
      },
    };
  }

  async function run(
    parts: readonly BackupPart[],
    changes: Partial<BackupRun> = {},
  ) {
    return await runBackup({
      parts,
      after: [],
      clock,
      prune: async (kinds) => {
        await Promise.resolve();
        ran.push(`prune ${kinds.join("+")}`);
        return { removed: ["old"], kept: [] };
      },
      onStart: () => undefined,
      whileLocked: async (work) => {
        ran.push("lock");
        const result = await work();
        ran.push("release");
        return result;
      },
      ...changes,
    });
  }

  it("run in order, one at a time, with what comes after them", async () => {
    const report = await run([part("database"), part("files")], {
      after: [part("offsite")],
    });
    expect(ran).to.deep.equal([
      "lock",
      "database",
      "files",
      "offsite",
      "prune database+files",
      "release",
    ]);
    expect(exitCodeOf(report)).to.equal(0);
    expect(failuresOf(report)).to.deep.equal([]);
  });

  it("keep none of the others from being made when they fail", async () => {
    const parts = [
      part("database", "bad"),
      part("files", "unexpected"),
      part("configuration"),
    ];
    const report = await run(parts, { after: [part("offsite")] });
    expect(ran.slice(1, -1)).to.deep.equal([
      "database",
      "files",
      "configuration",
      "offsite",
      "prune configuration",
    ]);
    expect(exitCodeOf(report)).to.equal(5);
    expect(failuresOf(report)).to.have.length(2);
    const text = formatBackup(report, plain);
    expect(text)
      .to.match(/database.*failed/)
      .and.match(/configuration.*takumi/);
    expect(text).to.include("configuration: A notice.");
    expect(text).to.include("2.0 MB").and.include("1.5 MB");
    expect(text).to.include("abababababababab…").and.include("1.5 s");
    expect(backupToJson(report)).to.deep.include({
      pruned: { status: "done", removed: ["old"], kept: [] },
    });
    expect(JSON.stringify(backupToJson(report)))
      .to.include('"code":"ENCRYPTION_NOT_CONFIGURED"')
      .and.include('"code":"UNEXPECTED","message":"a bug"');
  });

  it("end as the first failure has it when nothing was made", async () => {
    const refused = await run([part("files", "bad")]);
    expect(exitCodeOf(refused)).to.equal(3);
    const failed = await run([part("files", "unexpected")]);
    expect(exitCodeOf(failed)).to.equal(1);
    expect(ran.join()).to.not.include("prune");
  });

  it("let nothing be removed that isn't copied elsewhere yet", async () => {
    const report = await run([part("files")], {
      after: [part("offsite", "bad")],
    });
    expect(report).to.not.have.property("pruned");
    expect(exitCodeOf(report)).to.equal(5);
  });

  it("count as made when only removing old ones fails", async () => {
    const report = await run([part("files")], {
      prune: async () => {
        await Promise.resolve();
        throw new DrError("NOT_WRITABLE", { path: "/backups", reason: "no" });
      },
    });
    expect(exitCodeOf(report)).to.equal(5);
    expect(report.pruned?.status).to.equal("failed");
  });

  it("are left out unless they are asked for, and what comes after isn't", async () => {
    const parts = [part("database"), part("files"), part("configuration")];
    await run(parts, { only: ["files"], after: [part("offsite")] });
    expect(ran.slice(1, -1)).to.deep.equal(["files", "offsite", "prune files"]);
  });

  it("are refused before anything where there is none", async () => {
    const none = [
      part("database", "not configured"),
      part("files", "not configured"),
    ];
    const error = await refusalOf(async () => await run(none));
    expect(error.code).to.equal("BACKUP_NOTHING_CONFIGURED");
    expect(error.exitCode).to.equal(3);
    expect(
      await codeOf(
        async () =>
          await run([none[0]!, part("files")], { only: ["database"] }),
      ),
    ).to.equal("BACKUP_NOTHING_CONFIGURED");
    expect(ran).to.deep.equal([]);
    const report = await run([none[0]!, part("files")]);
    expect(exitCodeOf(report)).to.equal(0);
  });

  it("tell of clocks that go wrong, and of what old scripts left", async () => {
    const kept = [
      { name: "from-tomorrow", why: "future" },
      { name: "old.sql.gz", why: "legacy" },
      { name: "good", why: "newest" },
    ] as const;
    const report = await run([part("files")], {
      prune: async () => await Promise.resolve({ removed: [], kept }),
    });
    const text = formatBackup(report, plain);
    expect(text).to.include("from-tomorrow was made later than now");
    expect(text).to.include("1 old backup without a manifest");
    expect(text).to.not.include("good");
  });

  it("are planned without being made, whichever can't be", async () => {
    const plans = await planBackup({
      parts: [
        part("database", "bad"),
        part("contracts"),
        part("files", "not configured"),
        part("configuration"),
      ],
      after: [part("offsite")],
      only: ["database", "contracts"],
    });
    expect(
      plans.map(({ kind, lines, error }) => [
        kind,
        lines[0] ?? (error as DrError).code,
      ]),
    ).to.deep.equal([
      ["database", "ENCRYPTION_NOT_CONFIGURED"],
      ["contracts", "would make contracts"],
      ["offsite", "would make offsite"],
    ]);
    expect(ran).to.deep.equal([]);
  });
});
