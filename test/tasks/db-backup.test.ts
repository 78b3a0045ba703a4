import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { readManifest } from "../../src/artifact/read-artifact.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { closeSession, openSession } from "../../src/database/session.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { usePostgres } from "../helpers/postgres.js";
import { stderrOf } from "../helpers/stderr.js";
import { until } from "../helpers/until.js";
import { openProject } from "./project.js";

interface PartJson {
  readonly kind: string;
  readonly status: string;
  readonly artifacts?: readonly {
    readonly name: string;
    readonly path: string;
  }[];
  readonly notices?: readonly string[];
  readonly error?: { readonly code: string };
}

interface BackupJson {
  readonly parts: readonly PartJson[];
  readonly tables?: readonly { readonly name: string; readonly rows: string }[];
  readonly report: string;
  readonly dryRun?: boolean;
  readonly format?: string;
  readonly temporaryBytes?: number;
  readonly error?: { readonly code: string };
}

describe("dr:db:backup", function () {
  this.timeout(60_000);
  const postgres = usePostgres();
  const folder = useTemporaryFolder();

  before(() => {
    postgres.cluster.psql("CREATE DATABASE takumi");
    postgres.cluster.psql(
      `CREATE TABLE profiles (id integer PRIMARY KEY);
       INSERT INTO profiles SELECT generate_series(1, 42);
       CREATE TABLE "Order" ()`,
      "takumi",
    );
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function open(
    section: DrUserConfig = {},
  ): Promise<HardhatRuntimeEnvironment> {
    return await openProject(join(folder.path, "project"), {
      dr: {
        project: "takumi",
        database: { url: postgres.cluster.url("takumi") },
        ...section,
      },
    });
  }

  async function run(
    hre: HardhatRuntimeEnvironment,
    options: Readonly<Record<string, unknown>> = {},
    task = "dr:db:backup",
  ): Promise<BackupJson> {
    return (await hre.tasks
      .getTask(task)
      .run({ json: true, ...options })) as BackupJson;
  }

  const inProject = (path: string) => join(folder.path, "project", path);

  it("makes one, and reports how many rows it holds", async () => {
    const hre = await open();
    const { parts, tables, report } = await run(hre);
    expect(process.exitCode).to.equal(0);
    expect(parts.map(({ kind, status }) => [kind, status])).to.deep.equal([
      ["database", "done"],
    ]);
    const { path, name } = parts[0]!.artifacts![0]!;
    expect(path).to.equal(inProject(`backups/database/${name}`));
    expect(name).to.match(/^takumi_db_\d{8}_\d{6}\.sql\.zst$/);
    expect((await readManifest(path)).contents).to.include({
      database: "takumi",
    });
    expect(tables).to.deep.equal([
      { name: 'public."Order"', rows: "0" },
      { name: "public.profiles", rows: "42" },
    ]);
    const kept = JSON.parse(await readFile(report, "utf8")) as BackupJson;
    expect(kept.tables).to.deep.equal(tables);
  });

  it("says at once when a critical table isn't there, or is empty", async () => {
    const hre = await open({
      database: {
        url: postgres.cluster.url("takumi"),
        criticalTables: ["profiles", "endorsements", "Order"],
      },
    });
    const { parts } = await run(hre);
    expect(process.exitCode).to.equal(0);
    const told = parts[0]?.notices?.filter((one) => one.includes("critical"));
    expect(told).to.deep.equal([
      "The critical table endorsements is missing. No restore of this backup will count as good.",
      "The critical table Order is empty. No restore of this backup will count as good.",
    ]);
  });

  it("is the first part of dr:backup", async () => {
    const hre = await open({ files: ["uploads"] });
    await mkdir(inProject("uploads"));
    await writeFile(inProject("uploads/a.txt"), "one");
    const { parts } = await run(hre, {}, "dr:backup");
    expect(parts.map(({ kind, status }) => [kind, status])).to.deep.equal([
      ["database", "done"],
      ["contracts", "not-configured"],
      ["files", "done"],
      ["configuration", "not-configured"],
      ["offsite", "not-configured"],
    ]);
    expect(process.exitCode).to.equal(0);
  });

  it("says what it would do, and touches nothing", async () => {
    const hre = await open();
    const shown = await run(hre, { dryRun: true, jobs: "2" });
    expect(shown).to.include({ dryRun: true, format: "directory", jobs: 2 });
    expect(shown.temporaryBytes).to.be.a("number");
    expect(JSON.stringify(shown)).not.to.include("secret");
    expect(await readdir(inProject("."))).not.to.include("backups");
    expect(process.exitCode).to.equal(0);
  });

  it("refuses options that make no sense", async () => {
    const hre = await open();
    for (const options of [
      { format: "tar" },
      { jobs: "0" },
      { jobs: "many" },
      { jobs: "2", format: "custom" },
    ]) {
      expect((await run(hre, options)).error?.code).to.equal("OPTION_INVALID");
      expect(process.exitCode).to.equal(3);
    }
  });

  it("refuses where no database is configured", async () => {
    const hre = await openProject(join(folder.path, "empty"), {});
    expect((await run(hre)).error?.code).to.equal("DATABASE_NOT_CONFIGURED");
    expect(process.exitCode).to.equal(3);
  });

  it("tells a failure to the shell, without a password", async () => {
    const hre = await open({
      database: { url: postgres.cluster.url("nowhere") },
    });
    const told = await stderrOf(async () => {
      const { parts } = await run(hre);
      expect(parts[0]!.error?.code).to.equal("DATABASE_MISSING");
    });
    expect(process.exitCode).to.equal(3);
    expect(told).to.include("DATABASE_MISSING");
    expect(told).not.to.include("secret");
  });

  it("stops at Ctrl-C, and begins nothing else", async () => {
    const { cluster } = postgres;
    const hre = await open({ files: ["uploads"] });
    await mkdir(inProject("uploads"));
    const holder = await openSession(cluster.access("takumi"));
    try {
      await holder.query("BEGIN; LOCK TABLE public.profiles");
      const running = run(hre, {}, "dr:backup");
      const waiting = () =>
        cluster.psql("SELECT count(*) FROM pg_locks WHERE NOT granted");
      await until(() => waiting() !== "0");
      process.kill(process.pid, "SIGINT");
      const { parts } = await running;
      expect(
        parts.map(({ kind, status, error }) => [kind, status, error?.code]),
      ).to.deep.equal([
        ["database", "failed", "BACKUP_INTERRUPTED"],
        ["contracts", "not-configured", undefined],
        ["files", "failed", "BACKUP_INTERRUPTED"],
        ["configuration", "not-configured", undefined],
        ["offsite", "not-configured", undefined],
      ]);
      expect(process.exitCode).to.equal(3);
      expect(waiting()).to.equal("0");
      expect(await readdir(inProject("backups"))).to.deep.equal(["reports"]);
    } finally {
      await closeSession(holder);
    }
  });
});
