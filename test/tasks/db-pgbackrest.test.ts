import { rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { runKilled } from "../helpers/killed-worker.js";
import { usePgbackrest } from "../database/pgbackrest-scene.js";
import { stderrOf } from "../helpers/stderr.js";
import { openProject } from "./project.js";

const WORKER = join(import.meta.dirname, "../database/pgbackrest-worker.ts");

interface Result {
  readonly status?: string;
  readonly aside?: string | null;
  readonly isWritten?: boolean;
  readonly notices?: readonly string[];
  readonly parts?: readonly { readonly status: string }[];
  readonly error?: { readonly code: string };
}

describe("the database's tasks with the engine pgbackrest", function () {
  this.timeout(120_000);
  const held = usePgbackrest();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run(name: string, args: object): Promise<Result> {
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
          pgbackrest: scene.section,
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
    expect((await run("dr:resume", { yes: true })).status).to.equal("done");
    expect(rows()).to.equal("500");
  });
});
