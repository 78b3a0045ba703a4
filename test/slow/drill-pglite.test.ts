import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { PGliteScene } from "../database/pglite-scene.js";
import type { Scenario } from "../../src/drill/scenario.js";
import { checksOf, DrillProject } from "../drill/scene.js";

describe("a drill of a PGlite database", function () {
  this.timeout(240_000);
  const scene = new PGliteScene();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function open(): Promise<DrillProject> {
    return await DrillProject.open(join(scene.folder, "project"), {
      database: {
        engine: "pglite",
        url: scene.live,
        criticalTables: ["profiles"],
      },
    });
  }

  it("needs no server and no programs, and leaves the live one alone", async () => {
    const project = await open();
    const before = await readdir(join(scene.live, ".."));
    const scenario = "complete-loss";
    const report = await project.drill({ scenario });
    expect(
      checksOf(report, "failed"),
      JSON.stringify(report.issues),
    ).to.deep.equal([]);
    expect(report.status).to.equal("PASSED");
    // Its backup had a lock beside it.
    const after = await readdir(join(scene.live, ".."));
    expect(after.filter((name) => !name.startsWith("."))).to.deep.equal(before);
    expect(await project.left()).to.deep.equal([]);
  });

  it("fails where nothing was restored, and breaks no folder without its mark", async () => {
    const project = await open();
    const scenario: Scenario = {
      name: "nothing-restored",
      title: "Nothing is restored",
      objective: "database",
      needs: ["database"],
      inject: [{ kind: "corrupt-rows" }],
      recover: [{ task: "dr:db:restore" }],
    };
    const unmarked: Scenario = {
      ...scenario,
      name: "unmarked",
      inject: [
        {
          title: "the mark is another's",
          breaks: "database",
          inject: async ({ database }) => {
            const file = join(database?.url ?? "", ".hardhat-dr-drill");
            await writeFile(file, "hardhat-dr drill");
            await database?.lose();
          },
        },
      ],
    };
    const { status, checks } = await project.run([scenario, unmarked], {
      tasks: { run: async () => await Promise.resolve(0) },
    });
    expect(status).to.equal("FAILED");
    const found = (id: string) => checks.find((check) => check.id === id);
    expect(found("nothing-restored/same-database")?.status).to.equal("failed");
    expect(found("unmarked/broken-1-database")?.reason).to.match(
      /^DRILL_NOT_ITS_OWN/,
    );
  });
});
