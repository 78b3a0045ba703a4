import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { FsTarget } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import type { Copies } from "../../src/drill/copies.js";
import { measureEqual, type Measurement } from "../../src/drill/measurement.js";
import type { Scenario } from "../../src/drill/scenario.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { checksOf, DrillProject, lostFiles } from "./scene.js";

describe("runDrill", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  let project: DrillProject;

  beforeEach(async () => {
    project = await DrillProject.open(join(folder.path, "project"), {
      files: ["uploads"],
    });
    await project.write("uploads/one.txt", "one");
    await project.write("uploads/deep/two.txt", "two");
  });

  const reasonOf = async (scenario: Scenario, id: string) => {
    const report = await project.run([scenario]);
    expect(report.status).to.equal("FAILED");
    expect(await project.left(), "left").to.deep.equal([]);
    const check = report.checks.find((one) => one.id === `lost-files/${id}`);
    expect(check?.status, JSON.stringify(report.issues)).to.equal("failed");
    return check?.reason ?? check?.measured;
  };

  it("brings files back from what was replicated, and leaves the real ones alone", async () => {
    const report = await project.run([lostFiles()]);
    expect(checksOf(report, "failed")).to.deep.equal([]);
    expect(report.status).to.equal("PASSED");
    const [scenario] = report.scenarios;
    expect(scenario).to.deep.include({ status: "passed", reason: null });
    expect(scenario?.rto.measuredSeconds).to.be.greaterThan(0);
    expect(scenario?.rpo.measuredSeconds).to.be.greaterThan(0);
    expect(scenario?.recoveries[0]).to.deep.include({
      task: "dr:offsite:restore",
      from: report.backups[0]?.name,
    });
    expect(report.nextDue.slice(0, 10)).to.equal(
      new Date(Date.parse(report.startedAt) + 90 * 86_400_000)
        .toISOString()
        .slice(0, 10),
    );
    const one = join(project.root, "uploads/one.txt");
    expect(await readFile(one, "utf8")).to.equal("one");
    expect(await project.left()).to.deep.equal([]);
  });

  it("uses the offsite copy and nothing else: without it nothing comes back", async () => {
    const loseOffsite = {
      title: "the replica is gone",
      breaks: "offsite" as const,
      inject: async ({ offsite }: Copies) => {
        for (const target of offsite?.targets ?? []) {
          expect(target.kind).to.equal("fs");
          await rm((target as FsTarget).directory, { recursive: true });
        }
      },
    };
    const reason = await reasonOf(
      lostFiles({ inject: [{ kind: "lose-files" }, loseOffsite] }),
      "same-files",
    );
    expect(reason).to.match(/one\.txt is gone/);
  });

  describe("fails", () => {
    it("when a scenario breaks nothing", async () => {
      const harmless = {
        title: "nothing much",
        breaks: "files" as const,
        inject: async () => {
          await Promise.resolve();
        },
      };
      expect(
        await reasonOf(lostFiles({ inject: [harmless] }), "broken-1-files"),
      ).to.equal("nothing is broken");
      // The second one finds it broken already, and adds nothing.
      const partly = {
        ...harmless,
        inject: async ({ files }: Copies) => {
          await rm(join(files?.path ?? "", "uploads/one.txt"));
        },
      };
      const twice = lostFiles({ inject: [partly, harmless] });
      expect(await reasonOf(twice, "broken-2-files")).to.equal(
        "nothing is broken",
      );
    });

    it("when something else lies where the copy was", async () => {
      const nothing = async () => {
        await Promise.resolve();
      };
      const after = { title: "x", breaks: "files" as const, inject: nothing };
      const scenario = lostFiles({ inject: [{ kind: "lose-files" }, after] });
      expect(await reasonOf(scenario, "broken-2-files")).to.match(
        /^DRILL_NOT_ITS_OWN/,
      );
    });

    it("when something can't be broken", async () => {
      const failing = {
        title: "a failing injection",
        breaks: "files" as const,
        inject: async () => await Promise.reject(new TypeError("no way")),
      };
      expect(
        await reasonOf(lostFiles({ inject: [failing] }), "broken-1-files"),
      ).to.equal("no way");
    });

    it("when what shall be broken isn't drilled at all", async () => {
      const scenario = lostFiles({ inject: [{ kind: "drop-table" }] });
      expect(await reasonOf(scenario, "broken-1-database")).to.equal(
        "nothing is broken",
      );
    });

    it("when a recovery says that it went well, and nothing came back", async () => {
      const report = await project.run([lostFiles()], {
        tasks: { run: async () => await Promise.resolve(0) },
      });
      expect(report.status).to.equal("FAILED");
      expect(checksOf(report, "failed")).to.deep.equal([
        "lost-files/same-files",
        "lost-files/rto",
      ]);
      const [scenario] = report.scenarios;
      expect(scenario?.status).to.equal("failed");
      expect(scenario?.rto).to.deep.include({
        measuredSeconds: null,
        isMet: null,
      });
      expect(scenario?.recoveries[0]?.status).to.equal("done");
    });

    it("when a recovery brings back something else", async () => {
      const report = await project.run([lostFiles()], {
        tasks: {
          run: async (_, { files }) => {
            await mkdir(join(files, "uploads/deep"), { recursive: true });
            await writeFile(join(files, "uploads/one.txt"), "two");
            await writeFile(join(files, "uploads/deep/two.txt"), "two");
            return 0;
          },
        },
      });
      expect(report.issues[0]).to.deep.equal({
        severity: "failure",
        text: "The copy of the files is what it was before: uploads/one.txt is another.",
        check: "lost-files/same-files",
      });
    });

    it("when a recovery ends with another exit code, or throws", async () => {
      for (const run of [
        async () => await Promise.resolve(5),
        async () => await Promise.reject(new TypeError("broken")),
      ]) {
        const report = await project.run([lostFiles()], { tasks: { run } });
        expect(checksOf(report, "failed").slice(0, 2)).to.deep.equal([
          "lost-files/recovered-1",
          "lost-files/same-files",
        ]);
        const [failed] = report.issues;
        expect(failed?.text).to.match(/: (DRILL_RECOVERY_FAILED: |broken)/);
        expect(report.scenarios[0]?.recoveries[0]?.status).to.equal("failed");
      }
    });

    it("when a check throws, or returns nothing", async () => {
      const check = (id: string, measure: () => Promise<unknown>) => ({
        id,
        title: id,
        critical: true,
        measure: measure as () => Promise<Measurement>,
      });
      const report = await project.run([
        lostFiles({
          checks: [
            check("throws", async () => await Promise.reject(new Error("x"))),
            check("nothing", async () => {
              await Promise.resolve();
            }),
            check("true", async () => await Promise.resolve(true)),
            check(
              "empty",
              async () => await Promise.resolve({ ...measureEqual("", "") }),
            ),
            check(
              "good",
              async () => await Promise.resolve(measureEqual(1, 1)),
            ),
          ],
        }),
      ]);
      expect(checksOf(report, "failed")).to.deep.equal([
        "lost-files/throws",
        "lost-files/nothing",
        "lost-files/true",
        "lost-files/empty",
        "lost-files/rto",
      ]);
      expect(report.status).to.equal("FAILED");
    });

    it("when all that could be drilled is skipped", async () => {
      const scenario: Scenario = {
        ...lostFiles({ needs: ["database"] }),
        name: "database-lost",
      };
      const report = await project.run([scenario]);
      expect(report.scenarios[0]).to.deep.include({
        status: "skipped",
        reason: "No database is configured.",
      });
      expect(report.status).to.equal("FAILED");
      expect(checksOf(report, "skipped")).to.include("database-lost/scenario");
    });
  });

  it("goes on with other scenarios after one that failed", async () => {
    const failing = lostFiles({ recover: [{ task: "dr:db:restore" }] });
    const { scenarios } = await project.run([
      failing,
      { ...lostFiles(), name: "again" },
    ]);
    expect(scenarios.map(({ status }) => status)).to.deep.equal([
      "failed",
      "passed",
    ]);
  });

  it("says when an objective isn't met, and fails not for that alone", async () => {
    const { config } = project.hre;
    const tight = await DrillProject.open(join(folder.path, "tight"), {
      files: ["uploads"],
      objectives: { rtoMinutes: { database: 1e-6 }, rpoHours: 1e-9 },
      paths: { backups: config.dr.paths.backups },
    });
    await tight.write("uploads/one.txt", "one");
    const report = await tight.run([lostFiles()]);
    expect(checksOf(report, "failed")).to.deep.equal([
      "lost-files/rto",
      "lost-files/rpo",
    ]);
    expect(report.scenarios[0]).to.deep.include({ status: "passed" });
    expect(report.scenarios[0]?.rto.isMet).to.equal(false);
  });

  it("bans one of several offsite targets, by a seed, and goes by the other", async () => {
    const disks = ["one", "two"].map((name) => join(folder.path, name));
    for (const disk of disks) {
      await mkdir(disk);
    }
    await writeFile(join(folder.path, "key"), `${"ab".repeat(32)}\n`, {
      mode: 0o600,
    });
    const other = await DrillProject.open(join(folder.path, "other"), {
      files: ["uploads"],
      encryption: { keyFile: join(folder.path, "key") },
      offsite: {
        targets: disks.map((directory) => ({ kind: "fs", directory })),
      },
    });
    await other.write("uploads/one.txt", "one");
    const found = new Set<string>();
    for (const seed of [0, 1]) {
      const lines: string[] = [];
      const { absent, status } = await other.run(
        [lostFiles()],
        { progress: (line) => lines.push(line) },
        seed,
      );
      expect(status).to.equal("PASSED");
      expect(absent?.kind).to.equal("offsite");
      found.add(absent?.name ?? "");
      const text = lines.join("\n");
      const used = absent?.name === "one" ? "two" : "one";
      expect(text).to.include(`baseline/replicated-${used}`);
      expect(text).not.to.include(
        `baseline/replicated-${String(absent?.name)}`,
      );
      expect(text).to.include(`Download from ${join(folder.path, used)}`);
    }
    expect(found).to.deep.equal(new Set(["one", "two"]));
    for (const disk of disks) {
      expect(await readdir(disk)).to.deep.equal([]);
    }
  });

  it("doesn't say that the disk is full where the database can't be asked for its size", async () => {
    const unreachable = await DrillProject.open(
      join(folder.path, "unreachable"),
      {
        files: ["uploads"],
        database: { url: "postgres://127.0.0.1:1/takumi" },
      },
    );
    await unreachable.write("uploads/one.txt", "one");
    const report = await unreachable.run([lostFiles()]);
    expect(checksOf(report, "failed")).to.include("validation/database-tools");
    expect(checksOf(report, "skipped")).to.include("validation/room");
  });

  it("begins nothing where it can't write its report", async () => {
    await mkdir(join(project.root, "logs"), { recursive: true });
    await writeFile(join(project.root, "logs/dr-drills"), "a file");
    const error = await refusalOf(() => project.run([lostFiles()]));
    expect(error.code).to.equal("NOT_WRITABLE");
    expect(error.exitCode).to.equal(3);
    await chmod(join(project.root, "logs"), 0o700);
    expect(await project.left()).to.deep.equal([]);
  });

  it("keeps its times where the machine's clock is set back", async () => {
    let now = Date.parse("2024-01-15T14:00:00Z");
    const clock = {
      ...systemClock,
      now: () => {
        now -= 500;
        return new Date(now);
      },
    };
    const first = await project.run([lostFiles()], { clock });
    expect(first.status).to.equal("PASSED");
    expect(first.issues.map(({ text }) => text).join()).to.match(
      /clock was set back by \d+ s/,
    );
    expect(first.endedAt > first.startedAt).to.equal(true);
    for (const { seconds, startSeconds } of first.phases) {
      expect(seconds).to.be.at.least(0);
      expect(startSeconds).to.be.at.least(0);
    }
    expect(first.scenarios[0]?.rpo.measuredSeconds).to.be.greaterThan(0);
    // The same second comes once more: another name.
    now = Date.parse("2024-01-15T14:00:00Z");
    const second = await project.run([lostFiles()], { clock });
    expect(second.startedAt).to.equal(first.startedAt);
    expect(second.drillId).not.to.equal(first.drillId);
    expect(second.logFile).not.to.equal(first.logFile);
  });

  it("stops when it is interrupted, and leaves nothing", async () => {
    const controller = new AbortController();
    const scenario = lostFiles({
      checks: [
        {
          id: "interrupts",
          title: "interrupts",
          measure: async () => {
            controller.abort(new DrError("DRILL_INTERRUPTED", {}));
            return await Promise.resolve(measureEqual(1, 1));
          },
        },
      ],
    });
    const again = { ...lostFiles(), name: "again" };
    const { signal } = controller;
    const error = await refusalOf(() =>
      project.run([scenario, again], { signal }),
    );
    expect(error.code).to.equal("DRILL_INTERRUPTED");
    expect(await project.left()).to.deep.equal([]);
  });

  it("lets one drill at a time into a project", async () => {
    const inside = lostFiles({
      checks: [
        {
          id: "second",
          title: "a second drill",
          critical: true,
          measure: async () =>
            measureEqual(
              (await refusalOf(() => project.run([lostFiles()]))).code,
              "RUN_LOCKED",
            ),
        },
      ],
    });
    expect((await project.run([inside])).status).to.equal("PASSED");
  });
});
