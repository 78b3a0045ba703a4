import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { pruneLocally } from "../../src/backup/prune.js";
import { RestoreScene } from "../database/restore-scene.js";
import { runKilled } from "../helpers/killed-worker.js";
import { PostgresCluster } from "../helpers/postgres.js";
import { stderrOf } from "../helpers/stderr.js";
import { openProject } from "./project.js";

interface RestoreJson {
  readonly status?: string;
  readonly name?: string;
  readonly restored?: string;
  readonly aside?: string | null;
  readonly incoming?: string;
  readonly proof?: string;
  readonly report?: string;
  readonly databaseRestore?: { readonly database: string } | null;
  readonly measures?: Readonly<Record<string, number | null>>;
  readonly kept?: string;
  readonly isAuthentic?: boolean;
  readonly examination?: { readonly rows: string } | null;
  readonly notices?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

describe("dr:db:restore and dr:db:verify", function () {
  this.timeout(60_000);
  const scene = new RestoreScene();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    await scene.create(42);
    await open();
  });

  async function open(verify?: string): Promise<void> {
    hre = await openProject(join(scene.folder, `project${verify ? "2" : ""}`), {
      dr: {
        project: "takumi",
        paths: { backups: join(scene.folder, "backups") },
        database: {
          url: scene.cluster.url("takumi"),
          criticalTables: ["profiles"],
          ...(verify === undefined ? {} : { verify: { url: verify } }),
        },
        encryption: { keyFile: scene.keyFile },
        offsite: {
          targets: [{ kind: "fs", directory: join(scene.folder, "disk") }],
        },
      },
    });
  }

  afterEach(() => {
    process.exitCode = undefined;
    scene.drop();
  });

  async function run(
    task: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<RestoreJson> {
    process.exitCode = undefined;
    return (await hre.tasks
      .getTask(task)
      .run({ json: true, ...options })) as RestoreJson;
  }

  const restore = async (options: Readonly<Record<string, unknown>> = {}) =>
    await run("dr:db:restore", { yes: true, ...options });

  it("show what would be done, do it, and undo it", async () => {
    const path = await scene.backUp();
    scene.harm();
    const plan = await restore({ dryRun: true, yes: false });
    expect(plan).to.include({ status: "planned", name: basename(path) });
    expect(scene.databases()).to.deep.equal(["takumi"]);
    const done = await restore();
    expect(done).to.include({ status: "done", restored: "takumi" });
    expect(done.examination?.rows).to.equal("84");
    const { seconds, bytes, recoveryPointAgeSeconds: age } = done.measures!;
    expect(seconds).to.be.within(0.05, 30);
    expect(bytes).to.be.within(1000, 20_000);
    expect(age).to.be.within(0.05, 30);
    const { report, ...kept } = done;
    expect(report).to.match(/reports\/database_restore_\d{8}_\d{6}\.json$/);
    expect(JSON.parse(await readFile(report!, "utf8"))).to.deep.equal(kept);
    expect(process.exitCode).to.equal(0);
    expect(scene.liveRows()).to.equal("42");
    const undone = await restore({ undo: true });
    expect(undone.incoming).to.equal(done.aside);
    expect(scene.liveRows()).to.equal("0");
  });

  it("refuse even in a dry run what no key here opens", async () => {
    await scene.backUp();
    await rm(scene.keyFile);
    expect((await restore({ dryRun: true })).error?.code).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    await generateBackupKey(scene.keyFile);
    expect((await restore({ dryRun: true })).error?.code).to.equal(
      "KEY_UNKNOWN",
    );
    expect(process.exitCode).to.equal(3);
  });

  it("are done though no report of it can be kept, which is told", async () => {
    await scene.backUp();
    scene.harm();
    await writeFile(join(scene.folder, "backups/reports"), "in the way");
    const done = await restore();
    expect(done).to.include({ status: "done", restored: "takumi" });
    expect(done.error?.code).to.equal("NOT_WRITABLE");
    expect(process.exitCode).to.equal(5);
    expect(scene.liveRows()).to.equal("42");
  });

  it("take one by its name, or from before a time, into another database", async () => {
    const path = await scene.backUp();
    const { into } = { into: "beside" };
    expect((await restore({ into, file: basename(path) })).restored).to.equal(
      into,
    );
    const old = await restore({ before: "2024-01-15T14:00:00Z" });
    expect(old.error?.code).to.equal("ARTIFACT_MISSING");
    expect(process.exitCode).to.equal(3);
    expect((await restore({ jobs: "many" })).error?.code).to.equal(
      "OPTION_INVALID",
    );
  });

  it("take no other database's backup as the latest, but the one that is named", async () => {
    const own = await scene.backUp("custom", undefined, new Date("2026-01-01"));
    scene.psql("CREATE DATABASE other TEMPLATE takumi", "postgres");
    const other = await scene.backUp(
      "custom",
      undefined,
      new Date("2026-01-02"),
      "other",
    );
    for (const task of ["dr:db:restore", "dr:db:verify"]) {
      const dryRun = task === "dr:db:restore" ? { dryRun: true } : {};
      expect((await run(task, dryRun)).name).to.equal(basename(own));
    }
    const found = await run("dr:db:recover", { table: "profiles" });
    expect(found.error).to.equal(undefined);
    await rm(`${own}.manifest.json`);
    for (const [task, options] of [
      ["dr:db:restore", { dryRun: true }],
      ["dr:db:restore", { dryRun: true, before: "2026-02-01T00:00:00Z" }],
      ["dr:db:verify", { fast: true }],
      ["dr:db:recover", { table: "profiles" }],
    ] as const) {
      const { error } = await run(task, options);
      expect(error?.code).to.equal("DATABASE_BACKUP_OF_OTHER");
      expect(error?.message).to.include(basename(other));
      expect(process.exitCode).to.equal(3);
    }
    const named = await restore({
      dryRun: true,
      yes: false,
      file: basename(other),
    });
    expect(named.notices?.join()).to.include("of the database other");
  });

  it("find the newest backup of each database still there, however old", async () => {
    const own = await scene.backUp("custom", undefined, new Date("2026-01-01"));
    scene.psql("CREATE DATABASE other TEMPLATE takumi", "postgres");
    const at = new Date("2026-02-01");
    const other = await scene.backUp("custom", undefined, at, "other");
    const now = new Date("2026-09-01");
    const { removed } = await pruneLocally(scene.config(), ["database"], now);
    expect(removed).to.deep.equal([]);
    for (const file of [own, other]) {
      expect((await run("dr:db:verify", { file, fast: true })).status).to.equal(
        "checked",
      );
    }
  });

  it("refuse what contradicts itself, or can't be a name", async () => {
    const file = basename(await scene.backUp());
    const { aside } = await restore();
    const before = "2030-01-01T00:00:00Z";
    for (const options of [
      { file, before },
      { undo: true, file },
      { undo: true, before },
      { undo: true, into: "beside" },
      { into: "" },
      { into: "ü".repeat(32) },
    ]) {
      const { error } = await restore(options);
      expect(error?.code).to.equal("OPTION_INVALID");
      expect(process.exitCode).to.equal(3);
    }
    expect(scene.databases()).to.deep.equal(["takumi", aside]);
    const recover = { table: "profiles", from: file, before };
    expect((await run("dr:db:recover", recover)).error?.code).to.equal(
      "OPTION_INVALID",
    );
  });

  it("come back only to moments that have a dump", async () => {
    await scene.backUp();
    for (const options of [
      { targetTime: "2024-01-15T14:00:00Z" },
      { targetLsn: "0/16B3748" },
    ]) {
      expect((await restore(options)).error?.code).to.equal(
        "DATABASE_ENGINE_UNABLE",
      );
      expect(process.exitCode).to.equal(3);
    }
    for (const options of [
      { targetTime: "yesterday" },
      { targetLsn: "16B3748" },
      { targetLsn: "0/16B3748", targetTime: "2024-01-15T14:00:00Z" },
    ]) {
      expect((await restore(options)).error?.code).to.equal("OPTION_INVALID");
    }
  });

  it("don't restore unasked, or where there is nothing to undo", async () => {
    await scene.backUp();
    expect((await restore({ yes: false })).error?.code).to.equal("NO_TERMINAL");
    expect((await restore({ undo: true })).error?.code).to.equal(
      "DATABASE_NOTHING_TO_UNDO",
    );
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  for (const last of ["verified", "placed"]) {
    it(`go on with one that was killed once it was ${last}, with dr:resume too`, async () => {
      const path = await scene.backUp();
      scene.harm();
      await runKilled(
        join(import.meta.dirname, "../database/restore-worker.ts"),
        [path, scene.cluster.url("takumi"), scene.record, scene.keyFile, last],
      );
      await sleep(1500);
      const listed = await run("dr:runs");
      expect(listed.databaseRestore?.database).to.include("takumi at ");
      let resumed: RestoreJson = {};
      const told = await stderrOf(async () => {
        resumed = await run("dr:resume", { yes: true });
      });
      expect(told).to.include("Going on with the restore of takumi at ");
      expect(resumed).to.include({ status: "done", examination: null });
      // Since the one that was killed had begun.
      expect(resumed.measures?.seconds).to.be.within(1.5, 60);
      expect((await run("dr:runs")).databaseRestore).to.equal(null);
      expect(scene.liveRows()).to.equal("42");
      expect(scene.databases()).to.have.length(2);
      expect(await scene.leftFiles()).to.deep.equal([]);
    });
  }

  it("bring back what only the offsite copy has, with dr:offsite:restore", async () => {
    const path = await scene.backUp();
    await mkdir(join(scene.folder, "disk"));
    await run("dr:offsite:replicate", { yes: true });
    await rm(dirname(path), { recursive: true });
    scene.harm();
    const what = ["database", "latest"];
    await run("dr:offsite:restore", { what, dryRun: true });
    expect(process.exitCode).to.equal(0);
    expect(scene.liveRows()).to.equal("0");
    await run("dr:offsite:restore", { what, yes: true });
    expect(process.exitCode).to.equal(0);
    expect(scene.liveRows()).to.equal("42");
    expect(await readdir(dirname(path))).to.have.length(3);
    await run("dr:offsite:restore", { what, yes: true, into: "dumps" });
    expect(await readdir(join(hre.config.paths.root, "dumps"))).to.have.length(
      1,
    );
  });

  it("bring back no other database's from an offsite copy, but the one that is named", async () => {
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000);
    scene.psql("CREATE DATABASE other TEMPLATE takumi", "postgres");
    const others = await scene.backUp("custom", undefined, at(60), "other");
    await mkdir(join(scene.folder, "disk"));
    await run("dr:offsite:replicate", { yes: true });
    const latest = { what: ["database"], dryRun: true };
    const { error } = await run("dr:offsite:restore", latest);
    expect(error?.code).to.equal("DATABASE_BACKUP_OF_OTHER");
    expect(process.exitCode).to.equal(3);
    const what = ["database", basename(others)];
    expect((await run("dr:offsite:restore", { what, dryRun: true })).error).to
      .be.undefined;
    await scene.backUp("custom", undefined, at(120));
    await run("dr:offsite:replicate", { yes: true });
    expect((await run("dr:offsite:restore", latest)).error).to.be.undefined;
  });

  it("prove a backup, and write that down", async () => {
    const at = (seconds: number) => new Date(Date.now() + seconds * 1000);
    const path = await scene.backUp();
    const proven = await run("dr:db:verify");
    expect(proven.status).to.equal("proven");
    expect(proven.proof).to.match(
      /\.sql\.zst\.enc\.proven\.\d{8}T\d{6}Z\.json$/,
    );
    expect(scene.databases()).to.deep.equal(["takumi"]);
    // Long after, when there is a newer one that nobody has proven.
    const later = new Date(Date.now() + 100 * 86_400_000);
    const second = await scene.backUp("custom", undefined, at(60));
    const { removed, kept } = await pruneLocally(
      hre.config.dr,
      ["database"],
      later,
    );
    expect(removed).to.deep.equal([]);
    expect(kept).to.deep.equal([
      { name: basename(second), why: "newest" },
      { name: basename(path), why: "proven" },
    ]);
    await run("dr:db:verify");
    const pruned = await pruneLocally(hre.config.dr, ["database"], later);
    expect(pruned.removed).to.deep.equal([basename(path)]);
    const left = await readdir(join(scene.folder, "backups/database"));
    expect(left.some((name) => name.startsWith(basename(path)))).to.be.false;
  });

  it("prove it on another server, fast, or keeping what came out", async () => {
    await scene.backUp();
    const fast = await run("dr:db:verify", { fast: true });
    expect(fast).to.include({ status: "checked", isAuthentic: true });
    const { kept } = await run("dr:db:verify", { keep: true });
    expect(scene.psql("SELECT count(*) FROM profiles", kept)).to.equal("42");
    const other = await PostgresCluster.start();
    try {
      await open(other.url());
      await scene.cluster.halt();
      expect((await run("dr:db:verify")).status).to.equal("proven");
      expect(
        other.psql("SELECT count(*) FROM pg_database WHERE NOT datistemplate"),
      ).to.equal("1");
    } finally {
      await other.stop();
      await scene.cluster.resume();
    }
  });
});
