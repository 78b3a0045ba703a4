import { rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { PgbackrestUserConfig } from "../../src/config/types.js";
import { runKilled } from "../helpers/killed-worker.js";
import { usePgbackrest } from "../database/pgbackrest-scene.js";
import { stderrOf } from "../helpers/stderr.js";
import { openProject } from "../tasks/project.js";

const WORKER = join(import.meta.dirname, "../database/pgbackrest-worker.ts");

interface Result {
  readonly status?: string;
  readonly aside?: string | null;
  readonly isWritten?: boolean;
  readonly notices?: readonly string[];
  readonly parts?: readonly { readonly status: string }[];
  readonly error?: { readonly code: string };
  readonly databaseRestore?: {
    readonly what: string;
    readonly database: string;
    readonly startedAt: string;
  } | null;
  readonly items?: readonly {
    readonly kind?: string;
    readonly procedure?: string;
    readonly status: string;
    readonly reasons: readonly string[];
    readonly newest: string | null;
    readonly fix: string | null;
    readonly proof: {
      readonly by: string;
      readonly artifact: string;
      readonly ageSeconds: number;
    } | null;
  }[];
}

function labelsOf(info: string): string[] {
  return [...info.matchAll(/backup: (\S+)/g)].map(([, label = ""]) => label);
}

describe("the database's tasks with the engine pgbackrest", function () {
  this.timeout(120_000);
  const held = usePgbackrest();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run(
    name: string,
    args: object,
    section: Partial<PgbackrestUserConfig> = {},
  ): Promise<Result> {
    const { scene } = held;
    const folder = join(scene.root, "project");
    const hre = await openProject(folder, {
      dr: {
        project: "takumi",
        backup: { compression: "gzip" },
        database: {
          url: scene.cluster.url("takumi"),
          engine: "pgbackrest",
          criticalTables: ["profiles"],
          pgbackrest: { ...scene.section, ...section },
        },
      },
    });
    await rm(join(folder, "artifacts"));
    let result: unknown;
    await stderrOf(async () => {
      result = await hre.tasks.getTask(name).run({ ...args, json: true });
    });
    return result as Result;
  }

  it("tell what of the repository is proven", async () => {
    const { scene } = held;
    const readiness = async (args = {}) => {
      const { items } = await run("dr:readiness", { maxAge: "90d", ...args });
      const find = (key: string) =>
        items!.find(({ kind, procedure }) => (kind ?? procedure) === key)!;
      return { backups: find("database"), restore: find("database-restore") };
    };
    const none = (await readiness()).backups;
    expect([none.status, none.reasons.join()]).to.deep.equal([
      "missing",
      "there is no backup",
    ]);

    scene.pgbackrest("backup", "--type=full");
    const label = labelsOf(scene.pgbackrest("info")).at(-1)!;
    const unproven = (await readiness()).backups;
    expect(unproven.newest).to.equal(label);
    expect(unproven.fix).to.equal(`npx hardhat dr:db:verify ${label}`);
    expect((await run("dr:db:verify", { file: label })).status).to.equal(
      "proven",
    );
    const unknown = await readiness();
    expect(unknown.backups.proof?.artifact).to.equal(label);
    expect(unknown.backups.status).to.equal("unknown");

    await run("dr:db:backup", { type: "incr" });
    expect((await run("dr:db:verify", {})).status).to.equal("proven");
    scene.pgbackrest("backup", "--type=incr");
    const { backups, restore } = await readiness();
    expect([backups.status, restore.status]).to.deep.equal([
      "proven",
      "proven",
    ]);
    expect(backups.newest).to.equal(labelsOf(scene.pgbackrest("info")).at(-1));
    expect(backups.proof?.artifact).to.match(/^takumi_db_/);
    expect(backups.proof?.by).to.equal("dr:db:verify");

    // What pgBackRest has expired proves nothing any more, record or not.
    scene.pgbackrest("backup", "--type=full", "--repo1-retention-full=1");
    const { status, reasons } = (await readiness()).backups;
    expect([status, reasons.join()]).to.deep.equal([
      "missing",
      "none of what is there was ever restored",
    ]);
  });

  it("back up, prove, restore to a moment, undo, go on and bring rows back", async () => {
    const { scene } = held;
    const rows = () => scene.psql("SELECT count(*) FROM endorsements");
    const made = await run("dr:db:backup", { type: "full" });
    expect(made.parts?.[0]?.status).to.equal("done");
    expect((await run("dr:db:backup", { type: "half" })).error?.code).to.equal(
      "OPTION_INVALID",
    );
    expect((await run("dr:db:verify", {})).status).to.equal("proven");

    const at = await scene.moment();
    scene.psql("DELETE FROM endorsements WHERE id <= 100");
    const targetTime = at.toISOString();
    const planned = await run("dr:db:restore", { targetTime, dryRun: true });
    expect(planned.notices?.join()).to.include("The whole server goes back");
    expect(rows()).to.equal("400");

    const recovered = await run("dr:db:recover", {
      table: "endorsements",
      before: targetTime,
      apply: true,
      yes: true,
    });
    expect(recovered.error).to.equal(undefined);
    expect(rows()).to.equal("500");

    scene.psql("DELETE FROM endorsements");
    const done = await run("dr:db:restore", { targetTime, yes: true });
    expect(done.status).to.equal("done");
    expect(rows()).to.equal("500");
    expect(
      (await run("dr:db:restore", { undo: true, yes: true })).status,
    ).to.equal("done");
    expect(rows()).to.equal("0");

    await runKilled(WORKER, [
      scene.cluster.url("takumi"),
      scene.root,
      JSON.stringify(scene.section),
      targetTime,
      "set aside",
    ]);
    const { databaseRestore } = await run("dr:runs", {});
    expect(databaseRestore?.what).to.equal("restore");
    expect(databaseRestore?.database).to.include("takumi at ");
    expect(Date.parse(databaseRestore?.startedAt ?? "")).to.be.greaterThan(
      at.getTime(),
    );
    expect((await run("dr:resume", { yes: true })).status).to.equal("done");
    expect(rows()).to.equal("500");
    expect((await run("dr:runs", {})).databaseRestore).to.equal(null);
  });

  it("list their runs also where the server's disk is gone", async () => {
    const { scene } = held;
    const dataFolder = join(scene.root, "nowhere/data");
    const { databaseRestore, error } = await run("dr:runs", {}, { dataFolder });
    expect([databaseRestore, error]).to.deep.equal([null, undefined]);
  });
});
