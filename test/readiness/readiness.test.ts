import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";
import type { KeptBackup } from "../../src/database/engine.js";
import { wayOut } from "../../src/display/readiness.js";
import { assessReadiness } from "../../src/readiness/readiness.js";
import { CODE, NOW, PROFILE, ReadinessScene, SCHEMA } from "./scene.js";

describe("what proves that a database can be restored", () => {
  const scene = new ReadinessScene();

  beforeEach(async () => {
    await scene.backup("20240131_000000", SCHEMA);
  });

  const restore = async (maxAgeDays?: number) =>
    await scene.procedure("database-restore", maxAgeDays);

  it("is a drill, of the schema that there is now", async () => {
    const file = await scene.drill();
    const { status, reasons, proof } = await restore();
    expect([status, reasons]).to.deep.equal(["proven", []]);
    expect(proof).to.deep.equal({
      at: new Date("2024-01-15T14:00:00Z"),
      by: "dr:drill",
      commit: "0123456789abcdef0123456789abcdef01234567",
      artifact: "takumi_db_20240115_140002.sql.zst.enc",
      codeHashes: {},
      seconds: 8,
      objectiveSeconds: 1800,
      file,
    });
  });

  it("is none of another schema", async () => {
    await scene.drill({ databaseSchema: "ee".repeat(32) });
    const { status, reasons } = await restore();
    expect(status).to.equal("stale");
    expect(reasons).to.deep.equal(["the database has another schema since"]);
  });

  it("is a backup first, where none says which schema there is now", async () => {
    await rm(join(scene.root, "backups"), { recursive: true });
    await scene.drill();
    const item = await restore();
    expect(item.status).to.equal("unknown");
    expect(wayOut(item, "mainnet")).to.equal("npx hardhat dr:db:backup");
  });

  it("is nothing that doesn't say of which schema", async () => {
    await scene.drill({ databaseSchema: null });
    expect((await restore()).status).to.equal("unknown");
  });

  it("decays with its age", async () => {
    await scene.drill();
    expect((await restore(17)).status).to.equal("proven");
    const { status, reasons } = await restore(16);
    expect(status).to.equal("stale");
    expect(reasons).to.deep.equal(["the proof is 16 days old"]);
  });

  it("is no drill that failed, nor one that failed as a whole", async () => {
    const passed = await scene.drill();
    const { scenarios } = JSON.parse(await readFile(passed, "utf8")) as {
      scenarios: [object];
    };
    await scene.drill({
      drillId: "DR_DRILL_20240120_140000",
      startedAt: "2024-01-20T14:00:00.000Z",
      status: "FAILED",
    });
    const still = await restore();
    expect([still.status, still.proof!.at.toISOString()]).to.deep.equal([
      "proven",
      "2024-01-15T14:00:00.000Z",
    ]);
    await scene.drill({
      drillId: "DR_DRILL_20240121_140000",
      startedAt: "2024-01-21T14:00:00.000Z",
      status: "FAILED",
      scenarios: [
        { ...scenarios[0], status: "failed", reason: "rows are missing" },
      ] as never,
    });
    const { status, reasons, proof } = await restore();
    expect(status).to.equal("failed");
    expect(reasons).to.deep.equal(["Database corruption: rows are missing"]);
    expect(proof!.at.toISOString()).to.equal("2024-01-15T14:00:00.000Z");
  });

  for (const [what, values] of [
    ["another project", { project: "other" }],
    ["another network", { network: "sepolia" }],
    ["the future", { startedAt: "2024-02-01T00:00:01.000Z" }],
  ] as const) {
    it(`is no report of ${what}`, async () => {
      const file = await scene.drill(values);
      expect((await restore()).status).to.equal("missing");
      const { problems } = await scene.assess();
      expect(problems).to.have.length(1);
      expect(problems[0]).to.include(file);
    });
  }

  it("is no report that is damaged, wherever it was cut", async () => {
    const file = await scene.drill();
    const text = await readFile(file, "utf8");
    for (const length of [0, 1, text.length >> 1, text.length - 1]) {
      await writeFile(file, text.slice(0, length));
      expect((await restore()).status, String(length)).to.equal("missing");
      const { problems } = await scene.assess();
      expect(problems).to.deep.equal([`${file} can't be read as a report.`]);
    }
    for (const odd of ["null", "[]", "{}", '{"schemaVersion":1}', "7"]) {
      await writeFile(file, odd);
      expect((await restore()).status, odd).to.equal("missing");
    }
  });

  it("is a restore, for real or on trial, of a backup that tells its schema", async () => {
    const report = {
      status: "done",
      name: "takumi_db_20240131_000000.sql.zst",
      measures: { seconds: 12 },
    };
    await scene.write(
      "backups/reports/database_restore_20240131_010000.json",
      report,
    );
    const real = await restore();
    expect([real.status, real.proof!.by, real.proof!.seconds]).to.deep.equal([
      "proven",
      "dr:db:restore",
      12,
    ]);
    await scene.write(
      "backups/reports/database_verification_20240131_020000.json",
      {
        ...report,
        status: "proven",
        name: "takumi_db_20230101_000000.sql.zst",
      },
    );
    // Of a backup that isn't here any more nobody knows the schema.
    const trial = await restore();
    expect([trial.status, trial.proof!.by]).to.deep.equal([
      "unknown",
      "dr:db:verify",
    ]);
    await scene.write("backups/reports/database_restore_20240131_030000.json", {
      ...report,
      name: "other_db_20240131_000000.sql.zst",
    });
    const { problems } = await scene.assess();
    expect(problems.join()).to.include("is of another project");
  });
});

describe("what proves that contracts can be rolled back", () => {
  const scene = new ReadinessScene();
  const drilled = (values: object = {}) => ({
    contracts: [
      {
        name: PROFILE.name,
        proxy: PROFILE.proxy,
        chainId: 1,
        implementation: PROFILE.proxy,
        codeHash: CODE,
        pauseAuthority: PROFILE.pauseAuthority,
        upgradeAuthority: PROFILE.upgradeAuthority,
        ...values,
      },
    ],
    scenarios: [
      {
        name: "contract-upgrade-failure",
        title: "Contract upgrade failure",
        status: "passed",
        reason: null,
        objective: "contracts",
        rto: { measuredSeconds: 1000, objectiveSeconds: 900, isMet: false },
        rpo: { measuredSeconds: 0, objectiveSeconds: 86_400, isMet: true },
        injections: [],
        recoveries: [
          { task: "dr:rollback", status: "done", seconds: 2, from: null },
        ],
      } as const,
    ],
  });

  beforeEach(() => {
    scene.contracts = [PROFILE];
  });

  it("is a drill with the same code and the same authority", async () => {
    await scene.drill(drilled());
    const { status, reasons, proof } = await scene.procedure("rollback");
    expect([status, reasons]).to.deep.equal(["proven", []]);
    expect(proof!.codeHashes).to.deep.equal({ SkillProfile: CODE });
    expect([proof!.seconds, proof!.objectiveSeconds]).to.deep.equal([
      1000, 900,
    ]);
  });

  it("is none with other code, another authority, or of another chain", async () => {
    for (const [values, status] of [
      [{ codeHash: `0x${"cd".repeat(32)}` }, "stale"],
      [{ upgradeAuthority: { mechanism: null, holders: [] } }, "stale"],
      [{ chainId: 5 }, "missing"],
      [{ codeHash: undefined }, "unknown"],
      [{ pauseAuthority: undefined }, "unknown"],
    ] as const) {
      await scene.drill(drilled(values));
      const found = await scene.procedure("rollback");
      expect(found.status, JSON.stringify(values)).to.equal(status);
    }
  });

  it("asks for each contract", async () => {
    const other = { ...PROFILE, name: "Other", proxy: `0x${"33".repeat(20)}` };
    scene.contracts = [PROFILE, other as typeof PROFILE];
    await scene.drill(drilled());
    const { status, reasons } = await scene.procedure("rollback");
    expect(status).to.equal("missing");
    expect(reasons).to.deep.equal(["Other: it was never rehearsed"]);
  });

  it("isn't known while the chain can't be asked", async () => {
    await scene.drill(drilled());
    const readiness = await assessReadiness(
      {
        config: scene.config,
        network: "mainnet",
        folder: scene.root,
        clock: { now: () => NOW },
        readContracts: async () =>
          await Promise.reject(
            new DrError("RPC_UNREACHABLE", {
              network: "mainnet",
              host: "rpc.example.org",
              reason: "no route",
            }),
          ),
        engine: scene.engine,
        openTarget: async () => await Promise.reject(new Error("none")),
      },
      1,
    );
    expect(readiness.isReady).to.equal(false);
    const rollback = readiness.items.find(
      ({ subject }) =>
        subject.type === "procedure" && subject.procedure === "rollback",
    )!;
    expect(rollback.status).to.equal("unknown");
    expect(rollback.reasons.join()).to.include("rpc.example.org");
  });
});

describe("what proves that a backup is good", () => {
  const scene = new ReadinessScene();

  it("is that one was restored, and has the schema of the newest", async () => {
    expect((await scene.backups("database")).reasons).to.deep.equal([
      "there is no backup",
    ]);
    const old = await scene.backup("20240110_000000", SCHEMA);
    expect((await scene.backups("database")).status).to.equal("missing");
    await scene.proof(old, "20240111T000000Z");
    const { status, proof, newest } = await scene.backups("database");
    expect([status, newest]).to.deep.equal(["proven", old]);
    expect([proof!.by, proof!.seconds]).to.deep.equal(["dr:db:verify", 1.5]);
    await scene.backup("20240120_000000", "ee".repeat(32));
    expect((await scene.backups("database")).status).to.equal("stale");
    await scene.backup("20240121_000000", undefined);
    expect((await scene.backups("database")).status).to.equal("unknown");
  });

  it("is no note that is damaged, of another backup, or from the future", async () => {
    const name = await scene.backup("20240110_000000", SCHEMA);
    const file = await scene.proof(name, "20240111T000000Z", { key: "other" });
    expect((await scene.backups("database")).status).to.equal("missing");
    await writeFile(file, '{"key":');
    expect((await scene.backups("database")).status).to.equal("missing");
    expect((await scene.assess()).problems).to.deep.equal([
      `${file} isn't what its name says.`,
    ]);
    await scene.proof(name, "20240111T000000Z");
    await scene.proof(name, "20250111T000000Z");
    const { status, proof } = await scene.backups("database");
    expect([status, proof!.at.toISOString()]).to.deep.equal([
      "proven",
      "2024-01-11T00:00:00.000Z",
    ]);
  });

  describe("where the engine keeps them", () => {
    const keep = (...all: readonly KeptBackup[]) => {
      scene.engine = { listKept: async () => await Promise.resolve(all) };
    };
    const [OLD, NEW] = ["20240110-000000F", "20240120-000000F"];

    it("asks the engine, and not this machine's artifacts", async () => {
      const name = await scene.backup("20240110_000000", SCHEMA);
      await scene.proof(name, "20240111T000000Z");
      keep();
      const { status, reasons, newest } = await scene.backups("database");
      expect([status, newest]).to.deep.equal(["missing", null]);
      expect(reasons).to.deep.equal(["there is no backup"]);
    });

    it("takes what was written down of a backup for it, and for those after it", async () => {
      const record = await scene.backup("20240110_000000", SCHEMA);
      const kept = { label: OLD, createdAt: NOW, record };
      keep(kept, { label: NEW, createdAt: NOW });
      const before = await scene.backups("database");
      expect([before.status, before.newest]).to.deep.equal(["missing", NEW]);
      await scene.proof(record, "20240111T000000Z");
      const { status, proof, newest } = await scene.backups("database");
      expect([status, newest]).to.deep.equal(["proven", NEW]);
      expect([proof!.artifact, proof!.at.toISOString()]).to.deep.equal([
        record,
        "2024-01-11T00:00:00.000Z",
      ]);
      const late = await scene.backups("database", undefined, 20);
      expect([late.status, late.reasons]).to.deep.equal([
        "stale",
        ["the proof is 21 days old"],
      ]);
      const changed = await scene.backup("20240120_000000", "ee".repeat(32));
      keep(kept, { label: NEW, createdAt: NOW, record: changed });
      expect((await scene.backups("database")).status).to.equal("stale");
    });

    it("finds a proof under the backup's own name, which says nothing of the schema", async () => {
      keep({ label: OLD, createdAt: NOW });
      await scene.proof(OLD, "20240111T000000Z");
      const { status, proof } = await scene.backups("database");
      expect([status, proof!.artifact]).to.deep.equal(["unknown", OLD]);
      const record = await scene.backup("20240110_000000", SCHEMA);
      keep({ label: OLD, createdAt: NOW, record });
      expect((await scene.backups("database")).status).to.equal("proven");
    });

    it("doesn't know while the engine can't be asked", async () => {
      scene.engine = {
        listKept: async () =>
          await Promise.reject(new DrError("PGBACKREST_MISSING", {})),
      };
      const { status, reasons } = await scene.backups("database");
      expect(status).to.equal("unknown");
      expect(reasons.join()).to.match(/pgBackRest/i);
    });
  });

  it("is asked of each target, and of its restore tests", async () => {
    scene.dr = {
      offsite: {
        targets: [
          { kind: "fs", name: "disk", directory: "offsite" },
          { kind: "fs", name: "gone", directory: "nowhere" },
        ],
      },
    };
    const name = await scene.backup("20240110_000000", SCHEMA, "offsite");
    await scene.proof(name, "20240111T000000Z", {}, "offsite");
    const proven = await scene.backups("database", "disk");
    expect([proven.status, proven.reasons]).to.deep.equal(["proven", []]);
    expect((await scene.backups("database", "gone")).status).to.be.oneOf([
      "missing",
      "unknown",
    ]);
    const target = (status: string) => ({
      target: "disk",
      status,
      tests: {
        database_restore: {
          status: status === "SUCCESS" ? "passed" : "failed",
          backup_file: name,
        },
        contract_restore: { status: "skipped", snapshot_file: null },
      },
      details: { database_restore: { seconds: 4 }, contract_restore: null },
    });
    const test = (status: string, date: string) => ({
      test_date: date,
      status,
      summary: "content_hashes: rows differ",
      targets: [target(status)],
    });
    await scene.write(
      "backups/reports/offsite_restore_test_20240110_230000.json",
      test("SUCCESS", "2024-01-10T23:00:00Z"),
    );
    const told = await scene.backups("database", "disk");
    expect([told.proof!.by, told.proof!.seconds]).to.deep.equal([
      "dr:offsite:test",
      4,
    ]);
    // It left the contracts out, so that much isn't tested.
    expect((await scene.procedure("offsite-test:disk")).status).to.equal(
      "missing",
    );
    await scene.write(
      "backups/reports/offsite_restore_test_20240112_000000.json",
      test("FAILED", "2024-01-12T00:00:00Z"),
    );
    expect((await scene.backups("database", "disk")).status).to.equal("failed");
    expect((await scene.procedure("offsite-test:disk")).status).to.equal(
      "failed",
    );
    expect((await scene.assess()).items[0]!.status).to.equal("failed");
  });
});
