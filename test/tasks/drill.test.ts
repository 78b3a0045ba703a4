import { join } from "node:path";

import { expect } from "chai";

import { RestoreScene } from "../database/restore-scene.js";
import { checksOf, DrillProject } from "../drill/scene.js";

describe("dr:drill", function () {
  this.timeout(60_000);
  const scene = new RestoreScene();

  afterEach(() => {
    process.exitCode = undefined;
    scene.drop();
  });

  it("breaks copies of everything and brings them back", async () => {
    await scene.create(42);
    const project = await DrillProject.open(join(scene.folder, "project"), {
      database: {
        url: scene.cluster.url("takumi"),
        criticalTables: ["profiles"],
      },
      files: ["uploads"],
    });
    await project.write("uploads/one.txt", "one");
    await project.write("uploads/deep/two.txt", "two");
    await project.deploy();
    const report = await project.drill({ seed: "7" });
    if (process.env.SHOW) {
      process.stderr.write(JSON.stringify(report, undefined, 1));
    }
    expect(
      checksOf(report, "failed"),
      JSON.stringify(report.issues),
    ).to.deep.equal([]);
    expect(report.status).to.equal("PASSED");
    expect(process.exitCode).to.equal(0);
    expect(await project.left()).to.deep.equal([]);
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(scene.liveRows()).to.equal("42");
  });
});
