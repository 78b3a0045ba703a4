import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { JOBS, withoutMemory } from "../../src/schedule/jobs.js";
import { WATCH } from "../../src/schedule/watch.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { openProject } from "./project.js";

interface ScheduleJson {
  readonly status?: string;
  readonly files?: readonly {
    readonly file: string;
    readonly status: string;
    readonly text?: string;
  }[];
  readonly notices?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

describe("dr:schedule", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    hre = await openProject(folder.path, { dr: { project: "takumi" } });
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run(
    args: Readonly<Record<string, unknown>>,
  ): Promise<ScheduleJson> {
    process.exitCode = undefined;
    return (await hre.tasks
      .getTask("dr:schedule")
      .run({ json: true, ...args })) as ScheduleJson;
  }

  const place = {
    cron: "schedules/cron",
    github: ".github/workflows",
    systemd: "schedules/systemd",
    kubernetes: "schedules/kubernetes",
  } as const;

  it("writes for each target, where it looks for it, and says what is missing", async () => {
    for (const [target, where] of Object.entries(place)) {
      const { status, files, notices } = await run({ target });
      expect(process.exitCode).to.equal(0);
      expect(status).to.equal("done");
      const there = await readdir(join(folder.path, where));
      expect(files!.map(({ file }) => file)).to.have.members(
        there.map((name) => join(folder.path, where, name)),
      );
      expect(notices!.join("\n")).to.include("No database is configured");
    }
  });

  it("says that it is all there the second time", async () => {
    await run({ target: "systemd" });
    const { files } = await run({ target: "systemd" });
    expect(new Set(files!.map(({ status }) => status))).to.deep.equal(
      new Set(["same"]),
    );
    expect(process.exitCode).to.equal(0);
  });

  it("leaves alone what says something else, unless it is forced", async () => {
    await run({ target: "github", out: "flows" });
    const changed = join(folder.path, "flows/dr-backup.yml");
    await writeFile(changed, "# mine\n");
    const missing = join(folder.path, "flows/dr-drill.yml");
    const drill = await readFile(missing, "utf8");
    await writeFile(missing, drill);
    const { error } = await run({ target: "github", out: "flows" });
    expect(error?.code).to.equal("SCHEDULE_DIFFERS");
    expect(error?.message).to.include(changed);
    expect(error?.message).to.not.include(missing);
    expect(process.exitCode).to.equal(3);
    expect(await readFile(changed, "utf8")).to.equal("# mine\n");
    await run({ target: "github", out: "flows", force: true });
    expect(process.exitCode).to.equal(0);
    expect(await readFile(changed, "utf8")).to.include("dr:backup");
  });

  it("shows it all, and what would change, in a dry run, and writes nothing", async () => {
    const planned = await run({ target: "cron", dryRun: true });
    expect(planned.status).to.equal("planned");
    expect(planned.files![0]!.text).to.include("0 2 1 1,4,7,10 *");
    expect(await readdir(folder.path)).to.not.include("schedules");
    await run({ target: "cron" });
    const crontab = join(folder.path, "schedules/cron/hardhat-dr-takumi");
    await writeFile(crontab, "# mine\n");
    const { files } = await run({ target: "cron", dryRun: true });
    expect(files!.map(({ status }) => status)).to.deep.equal([
      ...["differs", "same", "same"],
    ]);
    expect(await readFile(crontab, "utf8")).to.equal("# mine\n");
  });

  it("says what it knows", async () => {
    for (const target of ["", "jenkins"]) {
      const { error } = await run({ target });
      expect(error?.code).to.equal("OPTION_INVALID");
      expect(error?.message).to.include("cron, github, systemd, kubernetes");
    }
  });

  it("schedules only tasks that there are, with options that they have", () => {
    const commands = [...JOBS, ...withoutMemory(JOBS), WATCH].flatMap(
      (job) => job.commands,
    );
    const unknown = commands.flatMap(([id = "", ...options]) => {
      const task = hre.tasks.rootTasks.get(id) ?? find(id);
      if (task === undefined) {
        return [id];
      }
      return options
        .map((option) => toName(option))
        .filter((name) => !task.options.has(name))
        .map((name) => `${id} --${name}`);
    });
    expect(unknown).to.deep.equal([]);
    for (const id of ["dr:db:verify", "dr:offsite:test"]) {
      expect(find(id)!.options.has("noOwner"), id).to.equal(true);
    }
  });

  function find(id: string) {
    try {
      return hre.tasks.getTask(id);
    } catch {
      return undefined;
    }
  }

  /** `--no-owner` is `noOwner` in code. */
  function toName(option: string): string {
    return option
      .replace(/^--/, "")
      .replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  }
});
