import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { PGliteScene } from "../database/pglite-scene.js";
import { openProject } from "../tasks/project.js";
import { notHeld, type RestoreTestJson } from "../restore-test/scene.js";

describe("dr:offsite:test with pglite", function () {
  this.timeout(60_000);
  const scene = new PGliteScene();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function test(
    criticalTables: readonly string[],
  ): Promise<RestoreTestJson> {
    const hre = await openProject(
      join(scene.folder, `project-${criticalTables.join("-")}`),
      {
        dr: {
          project: "takumi",
          paths: { backups: join(scene.folder, "backups") },
          database: { url: "../data/takumi", engine: "pglite", criticalTables },
          encryption: { keyFile: scene.keyFile },
          offsite: {
            targets: [{ kind: "fs", directory: join(scene.folder, "disk") }],
          },
        },
      },
    );
    return (await hre.tasks
      .getTask("dr:offsite:test")
      .run({ json: true, only: "database" })) as RestoreTestJson;
  }

  it("measures what came out of a backup, and leaves the live database alone", async () => {
    await scene.backUp();
    await mkdir(join(scene.folder, "disk"));
    await cp(
      join(scene.folder, "backups/database"),
      join(scene.folder, "disk/database"),
      { recursive: true },
    );
    const before = await readdir(scene.data);
    const good = await test(["profiles"]);
    expect(good.summary).to.include("passed: database alone restored");
    const { criteria } = good.targets[0]!.details.database_restore;
    expect(criteria.every(({ status }) => status === "passed")).to.equal(true);
    expect(criteria.find(({ name }) => name === "cleanup")!.detail).to.equal(
      "nothing is left",
    );
    expect(good.tests.database_restore.test_database).to.be.a("string");
    const bad = await test(["payments"]);
    expect(
      notHeld(bad.targets[0]!.details.database_restore.criteria),
    ).to.deep.equal([
      ...["critical_tables", "critical_rows", "same_as_backed_up"],
    ]);
    expect(process.exitCode).to.equal(1);
    expect(await readdir(scene.data)).to.include.members(before);
    expect(await scene.rows()).to.equal(1000);
  });
});
