import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { canonicalJson, type Json } from "../../src/core/canonical-json.js";
import {
  notHeld,
  RestoreTestScene,
  type RestoreTestJson,
} from "../restore-test/scene.js";
import { abandonedBeside } from "../helpers/abandoned.js";
import { stderrOf } from "../helpers/stderr.js";

describe("dr:offsite:test", function () {
  this.timeout(60_000);
  const scene = new RestoreTestScene();

  /** What of the first target's parts doesn't hold. */
  function failures({ targets }: RestoreTestJson) {
    const { database_restore: database, contract_restore: contracts } =
      targets[0]!.details;
    return {
      database: notHeld(database.criteria),
      contracts: notHeld(contracts.criteria),
    };
  }

  const one = { target: "disk-a" };

  async function flip(path: string, at = -40): Promise<void> {
    const bytes = await readFile(path);
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = bytes[index]! ^ 1;
    await writeFile(path, bytes);
  }

  async function editManifest(
    path: string,
    edit: (contents: Record<string, Json>) => void,
  ): Promise<void> {
    const manifest = JSON.parse(await readFile(path, "utf8")) as Record<
      string,
      Json
    >;
    edit(manifest.contents as Record<string, Json>);
    await writeFile(path, `${canonicalJson(manifest)}\n`);
  }

  it("restores the newest of every target, and reports it in the platform's shape", async () => {
    const result = await scene.run();
    expect(result.summary).to.equal(
      "Offsite restore test passed: all backups restored from disk-a, disk-b",
    );
    expect(process.exitCode).to.equal(0);
    const report = await scene.report(result.report);
    const stamp = result.test_timestamp;
    expect(basename(result.report)).to.equal(
      `offsite_restore_test_${stamp}.json`,
    );
    const [database] = (await scene.names("database")).slice(-1);
    const [snapshot] = (await scene.names("contracts")).slice(-1);
    const { tests } = result;
    expect(report).to.deep.include({
      test_timestamp: stamp,
      test_date: stamp.replace(
        /(....)(..)(..)_(..)(..)(..)/,
        "$1-$2-$3T$4:$5:$6Z",
      ),
      status: "SUCCESS",
      offsite_provider: "fs",
      tests: {
        database_restore: {
          status: "passed",
          backup_file: database,
          test_database: tests.database_restore.test_database,
          validation: "completed",
        },
        contract_restore: {
          status: "passed",
          snapshot_file: snapshot,
          validation: "completed",
        },
      },
      log_file: join(scene.folder, `logs/offsite_restore_test_${stamp}.log`),
    });
    expect(tests.database_restore.test_database).to.match(
      /^takumi_restore_test_\d{8}_\d{6}$/,
    );
    const due = Date.parse(report.next_test_due as string);
    expect(due - Date.parse(report.test_date as string)).to.equal(
      90 * 86_400_000,
    );
    const criteria = result.targets[0]!.details.database_restore.criteria;
    expect(
      criteria.map(({ name, status }) => `${name} ${status}`),
    ).to.deep.equal(
      [
        ...["found", "download", "digest", "authenticity", "decryption"],
        ...["test_database", "restore", "table_count", "critical_tables"],
        ...["critical_rows", "row_counts", "content_hashes"],
        ...["same_as_backed_up", "cleanup"],
      ].map((name) => `${name} passed`),
    );
    expect(
      result.targets[0]!.details.contract_restore.criteria.map(
        ({ name, status }) => `${name} ${status}`,
      ),
    ).to.deep.equal(
      [
        ...["found", "download", "digest", "authenticity", "decryption"],
        ...["extraction", "files", "code_hashes", "structure", "sources"],
        "cleanup",
      ].map((name) => `${name} passed`),
    );
  });

  it("leaves nothing but its report, its log, and the proofs", async () => {
    await scene.run(one);
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(await scene.leftFiles()).to.deep.equal([]);
    expect(await readdir(join(scene.folder, "disk-a"))).to.have.members([
      "database",
      "contracts",
      "leases",
    ]);
    expect(await readdir(join(scene.folder, "disk-a/leases"))).to.be.empty;
    for (const kind of ["database", "contracts"]) {
      const proofs = (await readdir(join(scene.folder, "disk-a", kind))).filter(
        (name) => name.includes(".proven."),
      );
      expect(proofs).to.have.length(1);
      expect(proofs[0]).to.include((await scene.names(kind)).at(-1));
    }
    const listed = (await scene.hre.tasks
      .getTask("dr:offsite:list")
      .run({ json: true, ...one })) as {
      targets: { backups: { name: string; provenAt: string | null }[] }[];
    };
    expect(
      listed.targets[0]!.backups.filter(({ provenAt }) => provenAt !== null),
    ).to.have.length(2);
  });

  it("notices a flipped byte, and the other target's result stands", async () => {
    await flip(await scene.path("database", -1));
    await flip(await scene.path("contracts", -1));
    const result = await scene.run();
    expect(process.exitCode).to.equal(1);
    expect(result.status).to.equal("FAILED");
    expect(failures(result)).to.deep.equal({
      database: ["digest"],
      contracts: ["digest"],
    });
    expect(result.targets.map(({ status }) => status)).to.deep.equal([
      "FAILED",
      "SUCCESS",
    ]);
    expect(result.tests.database_restore).to.include({
      status: "failed",
      validation: "not completed",
    });
    expect(result.targets[0]!.details.database_restore.proven_at).to.equal(
      null,
    );
    expect(await scene.leftFiles()).to.deep.equal([]);
    expect(await readFile(result.log_file, "utf8")).to.include(
      "❌ Offsite restore test failed: disk-a: database: ",
    );
  });

  it("notices that the key is another", async () => {
    const keyFile = join(scene.folder, "other.key");
    await generateBackupKey(keyFile);
    await scene.open({
      encryption: { keyFile },
      offsite: { targets: [{ kind: "fs", directory: "disk-a" }] },
    });
    const result = await scene.run();
    expect(process.exitCode).to.equal(1);
    expect(failures(result)).to.deep.equal({
      database: ["decryption"],
      contracts: ["decryption"],
    });
    const { criteria } = result.targets[0]!.details.database_restore;
    expect(criteria.find(({ name }) => name === "decryption")!.code).to.equal(
      "KEY_UNKNOWN",
    );
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("doesn't take one for ours that nobody we trust has signed", async () => {
    await scene.open({ signing: { trusted: ["ab".repeat(32)] } });
    const result = await scene.run(one);
    expect(failures(result)).to.deep.equal({
      database: ["authenticity"],
      contracts: ["authenticity"],
    });
  });

  it("fails a target without a snapshot, and one that is gone", async () => {
    await rm(join(scene.folder, "disk-a/contracts"), { recursive: true });
    await rm(join(scene.folder, "disk-b"), { recursive: true });
    const result = await scene.run();
    expect(process.exitCode).to.equal(1);
    expect(failures(result)).to.deep.equal({
      database: [],
      contracts: ["found"],
    });
    expect(result.tests.contract_restore).to.include({
      status: "failed",
      snapshot_file: null,
    });
    const { details } = result.targets[1]!;
    expect(notHeld(details.database_restore.criteria)).to.deep.equal(["found"]);
    expect(notHeld(details.contract_restore.criteria)).to.deep.equal(["found"]);
  });

  it("isn't content with an older backup when the newest lost its manifest", async () => {
    await rm(await scene.path("database", -1, "disk-a", ".manifest.json"));
    const result = await scene.run(one);
    expect(failures(result)).to.deep.equal({
      database: ["found"],
      contracts: [],
    });
    expect(result.tests.database_restore.backup_file).to.equal(
      (await scene.names("database"))[0],
    );
  });

  it("fails when a critical table is empty", async () => {
    await scene.open({
      database: {
        url: scene.cluster.url("takumi"),
        criticalTables: ["profiles", "skill_claims"],
      },
    });
    const result = await scene.run({ ...one, only: "database" });
    expect(process.exitCode).to.equal(1);
    expect(failures(result).database).to.deep.equal([
      "critical_rows",
      "same_as_backed_up",
    ]);
    expect(result.tests.database_restore).to.include({
      status: "failed",
      validation: "completed",
    });
    expect(result.tests.contract_restore.status).to.equal("skipped");
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("counts rows, and compares them with the manifest's", async () => {
    const path = await scene.path("database", -1, "disk-a", ".manifest.json");
    await editManifest(path, ({ fingerprint }) => {
      const { tables } = fingerprint as Record<string, Json>;
      const profiles = (tables as Record<string, Json>[]).find(
        ({ name }) => name === "public.profiles",
      )!;
      profiles.rows = "41";
    });
    const result = await scene.run({ ...one, only: "database" });
    expect(failures(result).database).to.deep.equal([
      "row_counts",
      "same_as_backed_up",
    ]);
    expect(result.summary).to.include(
      "row_counts: public.profiles has 42 rows instead of 41",
    );
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("fails without a database to restore into, unless only contracts are asked for", async () => {
    await scene.open({
      database: { url: "postgres://nobody@127.0.0.1:1/takumi" },
    });
    const unreachable = await scene.run(one);
    expect(failures(unreachable)).to.deep.equal({
      database: ["test_database"],
      contracts: [],
    });
    expect(process.exitCode).to.equal(1);
    const only = await scene.run({ ...one, only: "contracts" });
    expect(process.exitCode).to.equal(0);
    expect(only.tests.database_restore.status).to.equal("skipped");
  });

  it("keeps the database when asked, under a name that says what it is", async () => {
    const { targets, tests } = await scene.run({
      ...one,
      only: "database",
      keep: true,
    });
    const kept = targets[0]!.details.database_restore.kept_database!;
    expect(kept).to.match(/^takumi_restore_test_\d{8}_\d{6}$/);
    expect(tests.database_restore.test_database).to.equal(kept);
    expect(scene.cluster.psql("SELECT count(*) FROM profiles", kept)).to.equal(
      "42",
    );
    expect(scene.databases()).to.deep.equal(["takumi", kept]);
  });

  it("draws by a seed, which it prints, and draws the same again", async () => {
    let first: RestoreTestJson | undefined;
    const told = await stderrOf(async () => {
      first = await scene.run({ ...one, only: "contracts", random: true });
    });
    expect(told).to.include(`Backups are drawn by the seed ${first!.seed!}.`);
    const { seed } = first!;
    const again = await scene.run({ ...one, only: "contracts", seed });
    expect(again.tests.contract_restore.snapshot_file).to.equal(
      first!.tests.contract_restore.snapshot_file,
    );
  });

  it("lets a second test run at the same time", async () => {
    const args = { ...one, only: "database" };
    const both = await Promise.all([scene.run(args), scene.run(args)]);
    expect(both.map(({ status }) => status)).to.deep.equal([
      "SUCCESS",
      "SUCCESS",
    ]);
    expect(new Set(both.map(({ report }) => report)).size).to.equal(2);
    expect(new Set(both.map((each) => each.log_file)).size).to.equal(2);
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("takes away what one left that was killed", async () => {
    const { backups } = scene.hre.config.dr.paths;
    const left = abandonedBeside(join(backups, "hardhat-dr-restore-test"));
    await mkdir(left, { recursive: true });
    await writeFile(join(left, "half.enc"), "half");
    scene.cluster.psql(
      `CREATE DATABASE hardhat_dr_scratch_20240115_140000_0badcafe;
       CREATE DATABASE sales_20240115_140000;
       CREATE DATABASE trial_20240115_140000;
       COMMENT ON DATABASE trial_20240115_140000 IS 'hardhat-dr scratches here'`,
    );
    await scene.run(one);
    const others = ["sales_20240115_140000", "trial_20240115_140000"];
    expect(scene.databases().toSorted()).to.deep.equal(
      [...others, "takumi"].toSorted(),
    );
    for (const name of others) {
      scene.cluster.psql(`DROP DATABASE ${name}`);
    }
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("says when its report can't be written, having told how the test went", async () => {
    await mkdir(join(scene.folder, "backups"));
    await writeFile(join(scene.folder, "backups/reports"), "a file");
    const { error } = await scene.run(one);
    expect(error?.code).to.equal("NOT_WRITABLE");
    expect(process.exitCode).to.not.equal(0);
    const [log] = await readdir(join(scene.folder, "logs"));
    expect(await readFile(join(scene.folder, "logs", log!), "utf8")).to.include(
      "✅ Offsite restore test passed",
    );
  });

  it("refuses what it doesn't know before it does anything", async () => {
    for (const [args, code] of [
      [{ only: "files" }, "OPTION_INVALID"],
      [{ jobs: "many" }, "OPTION_INVALID"],
      [{ target: "disk-c" }, "OFFSITE_TARGET_UNKNOWN"],
    ] as const) {
      expect((await scene.run(args)).error?.code).to.equal(code);
    }
    await scene.open({ offsite: { targets: [] } });
    expect((await scene.run()).error?.code).to.equal("OFFSITE_NOT_CONFIGURED");
    expect(await readdir(scene.folder)).to.not.include("logs");
  });
});
