import { once } from "node:events";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { DrUserConfig } from "../../src/config/types.js";
import type { DrillReport } from "../../src/drill/report.js";
import { RestoreScene } from "../database/restore-scene.js";
import { checksOf, DrillProject } from "../drill/scene.js";
import { runKilled, startWorker } from "../helpers/killed-worker.js";

const WORKER = join(import.meta.dirname, "../drill/worker.ts");

describe("dr:drill", function () {
  this.timeout(60_000);
  const scene = new RestoreScene();

  beforeEach(async () => {
    await scene.create(42);
  });

  afterEach(() => {
    process.exitCode = undefined;
    scene.drop();
  });

  const root = () => join(scene.folder, "project");
  const disk = () => join(scene.folder, "disk");

  function config(section: DrUserConfig = {}): DrUserConfig {
    return {
      project: "takumi",
      database: {
        url: scene.cluster.url("takumi"),
        criticalTables: ["profiles"],
      },
      ...section,
    };
  }

  /** With another disk, which is used. */
  async function withDisk(): Promise<DrUserConfig> {
    await mkdir(disk(), { recursive: true });
    return config({
      encryption: { keyFile: scene.keyFile },
      offsite: { targets: [{ kind: "fs", directory: disk() }] },
    });
  }

  async function filesOn(folder: string): Promise<readonly string[]> {
    const entries = await readdir(folder, {
      recursive: true,
      withFileTypes: true,
    });
    return entries.filter((one) => one.isFile()).map(({ name }) => name);
  }

  it("breaks copies of everything and brings them back", async () => {
    const project = await DrillProject.open(
      root(),
      config({
        files: ["uploads"],
        drill: { documents: ["docs/RUNBOOK.md"] },
      }),
    );
    await project.write("uploads/one.txt", "one");
    await project.write("docs/RUNBOOK.md", "Keep calm.");
    await project.deploy();
    const report = await project.drill({ seed: "7" });
    const { files, ...kept } = report;
    expect(
      checksOf(report, "failed"),
      JSON.stringify(report.issues),
    ).to.deep.equal([]);
    expect(report.status).to.equal("PASSED");
    expect(process.exitCode).to.equal(0);
    expect(
      report.scenarios.map(({ name, status }) => `${name} ${status}`),
    ).to.deep.equal([
      "database-corruption passed",
      "contract-upgrade-failure passed",
      "complete-loss passed",
    ]);
    expect(report.phases.map(({ status }) => status)).to.deep.equal(
      Array.from({ length: 6 }, () => "passed"),
    );
    expect(report.contracts).to.have.length(3);
    expect(report.backups.map(({ kind }) => kind)).to.deep.equal([
      "database",
      "contracts",
      "files",
    ]);
    expect(report.seed).to.equal(7);
    // What is real is as it was, and nothing of the drill is left.
    expect(await project.left()).to.deep.equal([]);
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(scene.liveRows()).to.equal("42");
    expect(JSON.parse(await readFile(files.json, "utf8"))).to.deep.equal(kept);
    expect(files.json).to.match(
      /logs\/dr-drills\/dr_drill_report_\d{8}_\d{6}\.json$/,
    );
    expect(await readFile(files.junit, "utf8")).to.include("<testsuites ");
    expect(await readFile(files.html, "utf8")).to.include(report.drillId);
    expect(report.logFile).to.match(/dr-drills\/dr_drill_\d{8}_\d{6}\.log$/);
    expect(await project.log(report)).to.include("dr:offsite:restore: ");
  });

  it("shows what it would do, and makes nothing", async () => {
    const project = await DrillProject.open(root(), config());
    const planned = await project.drill({ dryRun: true });
    expect(process.exitCode).to.equal(0);
    expect(planned.status).to.equal("planned");
    expect(planned.made?.join("\n")).to.match(
      /contract-upgrade-failure: skipped. There is no .*deploy.json/,
    );
    expect(await readdir(root())).not.to.include("logs");
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("refuses before anything what it wasn't meant to be asked", async () => {
    const project = await DrillProject.open(root(), config());
    for (const [options, code] of [
      [{ seed: "many" }, "OPTION_INVALID"],
      [{ seed: "4294967296" }, "OPTION_INVALID"],
      [{ scenario: "meteorite" }, "DRILL_SCENARIO_UNKNOWN"],
    ] as const) {
      expect((await project.drill(options)).error?.code).to.equal(code);
      expect(process.exitCode).to.equal(3);
    }
    await project.write("drills/x.json", "{}");
    expect((await project.drill()).error?.code).to.equal(
      "DRILL_SCENARIO_INVALID",
    );
    expect(await readdir(root())).not.to.include("logs");
  });

  it("fails with 1 where a recovery fails, with its report written", async () => {
    const project = await DrillProject.open(root(), config());
    await project.write(
      "drills/damaged.json",
      JSON.stringify({
        name: "damaged",
        title: "The backups are damaged too",
        objective: "database",
        needs: ["database", "backups"],
        inject: [
          { kind: "corrupt-rows", table: "public.profiles" },
          { kind: "damage-backups" },
        ],
        recover: [{ task: "dr:db:restore" }],
      }),
    );
    const report = await project.drill({ scenario: "damaged" });
    expect(process.exitCode).to.equal(1);
    expect(report.status).to.equal("FAILED");
    expect(checksOf(report, "failed")).to.deep.equal([
      "damaged/recovered-1",
      "damaged/same-database",
      "damaged/rto",
    ]);
    expect(
      report.checks.find(({ id }) => id === "damaged/recovered-1")?.reason,
    ).to.match(/^ARTIFACT_DAMAGED/);
    expect(await readFile(report.files.html, "utf8")).to.include(
      "ARTIFACT_DAMAGED",
    );
    expect(await project.left()).to.deep.equal([]);
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("fails where a restored database has the right number of other rows", async () => {
    const project = await DrillProject.open(root(), config());
    const scenario = {
      name: "imposter",
      title: "A restore brings back something else",
      objective: "database" as const,
      needs: ["database" as const],
      inject: [{ kind: "corrupt-rows" as const, table: "public.profiles" }],
      recover: [{ task: "dr:db:restore" as const }],
    };
    const report = await project.run([scenario], {
      tasks: {
        run: async (_, { config: { database } }) => {
          const name = new URL((await database?.url.get()) ?? "").pathname;
          scene.psql(
            "UPDATE profiles SET name = md5(id::text || 'x')",
            name.slice(1),
          );
          return 0;
        },
      },
    });
    expect(report.status).to.equal("FAILED");
    expect(report.issues[0]?.text).to.match(/profiles holds something else/);
  });

  it("skips what isn't configured, and never counts that as passed", async () => {
    const project = await DrillProject.open(root(), { project: "takumi" });
    const nothing = await project.drill();
    const statuses = ({ scenarios }: DrillReport) =>
      scenarios.map(({ status }) => status);
    expect(statuses(nothing)).to.deep.equal(["skipped", "skipped", "skipped"]);
    expect(nothing.status).to.equal("FAILED");
    expect(process.exitCode).to.equal(1);
    await project.deploy();
    const report = await project.drill();
    expect(report.status, JSON.stringify(report.issues)).to.equal("PASSED");
    expect(statuses(report)).to.deep.equal(["skipped", "passed", "passed"]);
    expect(checksOf(report, "skipped")).to.include.members([
      "database-corruption/scenario",
      "complete-loss/broken-2-database",
    ]);
    expect(report.tests.skipped).to.equal(checksOf(report, "skipped").length);
    expect(report.tests.passed + report.tests.failed).to.equal(
      report.tests.total - report.tests.skipped,
    );
  });

  it("removes what one that was killed has left, and tells that first", async () => {
    const dr = await withDisk();
    const project = await DrillProject.open(root(), dr);
    await runKilled(WORKER, [root(), JSON.stringify(dr), "Broken: dropped"]);
    const left = await project.left();
    expect(left, String(left)).to.have.length(2);
    expect(scene.databases()).to.have.length(2);
    expect(await filesOn(disk())).not.to.deep.equal([]);
    const report = await project.drill({ scenario: "complete-loss" });
    expect(report.status, JSON.stringify(report.issues)).to.equal("PASSED");
    const log = await project.log(report);
    for (const what of [
      "the folder ",
      "the database dr_drill_",
      "objects below drills/",
    ]) {
      expect(log).to.match(new RegExp(`Left by DR_DRILL_\\d+_\\d+: ${what}`));
    }
    expect(log.indexOf("Left by")).to.be.below(log.indexOf("Removed what"));
    expect(await project.left()).to.deep.equal([]);
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(await filesOn(disk())).to.deep.equal([]);
  });

  it("removes all it made when it is interrupted, and ends with 3", async () => {
    const dr = await withDisk();
    const project = await DrillProject.open(root(), dr);
    const child = startWorker(
      WORKER,
      [root(), JSON.stringify(dr), "Broken: dropped", "SIGINT"],
      "ignore",
    );
    expect(await once(child, "exit")).to.deep.equal([3, null]);
    expect(await project.left()).to.deep.equal([]);
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(await filesOn(disk())).to.deep.equal([]);
    const names = await readdir(project.reports);
    expect(names.filter((name) => name.endsWith(".json"))).to.deep.equal([]);
  });
});
