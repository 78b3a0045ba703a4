import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { PGliteScene } from "../database/pglite-scene.js";
import { runKilled } from "../helpers/killed-worker.js";
import { openProject } from "./project.js";

interface TaskJson {
  readonly status?: string;
  readonly parts?: readonly {
    readonly status: string;
    readonly artifacts?: readonly {
      readonly name: string;
      readonly path: string;
    }[];
    readonly error?: { readonly code: string };
  }[];
  readonly tables?: unknown;
  readonly format?: string;
  readonly aside?: string | null;
  readonly incoming?: string;
  readonly restored?: string;
  readonly proof?: string;
  readonly trial?: {
    readonly changes?: readonly unknown[];
    readonly losses?: readonly unknown[];
  };
  readonly result?: {
    readonly backup: { readonly name: string };
    readonly aside?: string;
  } | null;
  readonly examination?: { readonly rows: string } | null;
  readonly error?: { readonly code: string };
}

describe("the database tasks with pglite", function () {
  this.timeout(120_000);
  const scene = new PGliteScene();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    const { dr } = {
      dr: {
        project: "takumi",
        paths: { backups: join(scene.folder, "backups") },
        database: {
          url: "../data/takumi",
          engine: "pglite" as const,
          criticalTables: ["profiles"],
        },
        encryption: { keyFile: scene.keyFile },
      },
    };
    hre = await openProject(join(scene.folder, "project"), { dr });
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run(
    task: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<TaskJson> {
    process.exitCode = undefined;
    return (await hre.tasks
      .getTask(task)
      .run({ json: true, ...options })) as TaskJson;
  }

  it("show what would be backed up, back up, prove it, restore it, and undo that", async () => {
    const plan = await run("dr:db:backup", { dryRun: true });
    expect(plan).to.include({ format: "plain", tables: 2 });
    const made = await run("dr:db:backup");
    const [part] = made.parts ?? [];
    const [artifact] = part?.artifacts ?? [];
    expect(part?.status).to.equal("done");
    expect(artifact?.name).to.match(/^takumi_db_\d{8}_\d{6}\.sql\.zst\.enc$/);
    expect((await run("dr:db:verify", { fast: true })).status).to.equal(
      "checked",
    );
    const proven = await run("dr:db:verify");
    expect(proven.status).to.equal("proven");
    expect(basename(proven.proof ?? "")).to.include(artifact?.name ?? "none");
    await scene.harm();
    const done = await run("dr:db:restore", { yes: true });
    expect(done).to.include({ status: "done", restored: scene.live });
    expect(done.examination?.rows).to.equal("2000");
    expect(await scene.rows()).to.equal(1000);
    const undone = await run("dr:db:restore", { undo: true, yes: true });
    expect(undone.incoming).to.equal(done.aside);
    expect(await scene.rows()).to.equal(0);
  });

  it("go on with a restore that was killed, with dr:resume", async () => {
    const path = await scene.backUp();
    await scene.harm();
    await runKilled(join(import.meta.dirname, "../database/pglite-worker.ts"), [
      "restore",
      scene.live,
      "aside",
      path,
      scene.record,
      scene.keyFile,
    ]);
    const resumed = await run("dr:resume", { yes: true });
    expect(resumed).to.include({ status: "done", examination: null });
    expect(await scene.rows()).to.equal(1000);
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("bring rows back, from a backup and from another database beside", async () => {
    await scene.backUp();
    await scene.exec(
      "DELETE FROM endorsements WHERE id <= 5; DELETE FROM profiles WHERE id <= 5",
    );
    const options = { table: "endorsements" };
    await run("dr:db:recover", options);
    expect(await scene.rows()).to.equal(995);
    const recovered = await run("dr:db:recover", {
      ...options,
      apply: true,
      yes: true,
    });
    expect(recovered.error).to.equal(undefined);
    expect(process.exitCode).to.equal(0);
    expect(await scene.rows()).to.equal(1000);
    const [, before = ""] = await scene.databases();
    expect(recovered.aside).to.equal(join(scene.data, before));
    expect(await scene.rows(before)).to.equal(995);
    await scene.harm();
    await run("dr:db:recover", {
      ...options,
      fromDatabase: before,
      apply: true,
      yes: true,
    });
    expect(await scene.rows()).to.equal(995);
  });

  it("roll a migration back in a copy, which takes the database's place", async () => {
    const migration = "down.sql";
    await writeFile(
      join(hre.config.paths.root, migration),
      "ALTER TABLE profiles DROP COLUMN name; DROP TABLE endorsements;",
    );
    const plan = await run("dr:db:rollback", { migration, dryRun: true });
    expect(plan.trial?.changes).to.have.length.greaterThan(1);
    expect(plan.trial?.losses).to.have.length.greaterThan(0);
    const outside = await run("dr:db:rollback", {
      migration,
      yes: true,
      allowOutsideTransaction: true,
    });
    expect(outside.error?.code).to.equal("DATABASE_ENGINE_UNABLE");
    expect(await scene.databases()).to.deep.equal(["takumi"]);
    const done = await run("dr:db:rollback", { migration, yes: true });
    expect(done.result?.backup.name).to.match(/^takumi_db_/);
    const [, before = ""] = await scene.databases();
    expect(done.result?.aside).to.equal(join(scene.data, before));
    const tables =
      "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'";
    expect((await scene.exec(tables))?.rows[0]?.n).to.equal(1);
    expect((await scene.exec(tables, before))?.rows[0]?.n).to.equal(2);
  });

  it("refuse what the engine can't do, before anything changes", async () => {
    for (const [task, options, code] of [
      ["dr:db:backup", { format: "custom" }, "OPTION_INVALID"],
      ["dr:db:backup", { jobs: "2" }, "OPTION_INVALID"],
      [
        "dr:db:restore",
        { targetLsn: "0/16B3748", yes: true },
        "DATABASE_ENGINE_UNABLE",
      ],
    ] as const) {
      const refused = await run(task, options);
      expect(refused.error?.code).to.equal(code);
      expect(process.exitCode).to.equal(3);
    }
  });
});
