import { join } from "node:path";

import { expect } from "chai";

import { RestoreScene } from "../database/restore-scene.js";
import { DrillProject } from "../drill/scene.js";

interface ReadinessJson {
  readonly status: string;
  readonly items: readonly {
    readonly procedure?: string;
    readonly kind?: string;
    readonly status: string;
    readonly reasons: readonly string[];
    readonly proof: { readonly by: string } | null;
  }[];
}

describe("dr:readiness after a drill and trials of the backups", function () {
  this.timeout(60_000);
  const scene = new RestoreScene();

  afterEach(() => {
    process.exitCode = undefined;
    scene.drop();
  });

  it("is done, until the database has another schema", async () => {
    await scene.create(42);
    const keyFile = join(scene.folder, "backup.key");
    const { hre, ...project } = await open(keyFile);
    const run = async (task: string, args: object = {}): Promise<unknown> => {
      process.exitCode = undefined;
      return await hre.tasks.getTask(task).run({ json: true, ...args });
    };
    const readiness = async () => (await run("dr:readiness")) as ReadinessJson;
    await run("dr:backup");
    await run("dr:snapshot:verify");
    await run("dr:db:verify", { file: "latest" });
    await run("dr:backup:restore", {
      name: "files",
      into: join(scene.folder, "tried"),
      yes: true,
    });
    await run("dr:rehearse", { procedure: "pause", all: true });
    await project.drill({ seed: "7" });
    const { status, items } = await readiness();
    expect(
      items.map((one) => [
        one.procedure ?? one.kind,
        one.status,
        one.proof?.by,
        ...one.reasons,
      ]),
    ).to.deep.equal([
      ["pause", "proven", "dr:rehearse"],
      ["database-restore", "proven", "dr:drill"],
      ["deployments-restore", "proven", "dr:drill"],
      ["files-restore", "proven", "dr:drill"],
      ["complete-loss", "proven", "dr:drill"],
      ["database", "proven", "dr:db:verify"],
      ["contracts", "proven", "dr:snapshot:verify"],
      ["files", "proven", "dr:backup:restore"],
    ]);
    expect([status, process.exitCode]).to.deep.equal(["ready", 0]);
    scene.cluster.psql(
      "ALTER TABLE profiles ADD COLUMN nickname text",
      "takumi",
    );
    await run("dr:db:backup");
    const after = await readiness();
    expect(process.exitCode).to.equal(3);
    expect(
      after.items
        .filter((one) => one.status === "stale")
        .map((one) => one.procedure ?? one.kind),
    ).to.deep.equal(["database-restore", "complete-loss", "database"]);
  });

  async function open(keyFile: string) {
    const project = await DrillProject.open(join(scene.folder, "project"), {
      database: { url: scene.cluster.url("takumi") },
      encryption: { keyFile },
      files: ["uploads"],
    });
    await project.write("uploads/one.txt", "one");
    await project.deploy();
    return { hre: project.hre, drill: project.drill.bind(project) };
  }
});
