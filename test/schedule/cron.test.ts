import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { cronFiles } from "../../src/schedule/cron.js";
import { JOBS } from "../../src/schedule/jobs.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { contextOf, EVERYTHING } from "./context.js";

describe("the schedule for cron", () => {
  const folder = useTemporaryFolder();
  const name = "hardhat-dr-takumi-platform";

  /** A project whose folder has a quote and a per cent sign in its name. */
  const root = () => join(folder.path, "it's 100% takumi");
  const out = () => join(root(), "schedules");
  const script = () => join(out(), `${name}.sh`);

  async function write(): Promise<ReadonlyMap<string, string>> {
    const files = cronFiles(contextOf(EVERYTHING, { root: root() }), out());
    await mkdir(out(), { recursive: true });
    for (const { path, text: content } of files) {
      await writeFile(join(out(), path), content);
    }
    return new Map(files.map((file) => [file.path, file.text]));
  }

  /** `npx` that writes down how it was called, and does what a line of shell says. */
  async function fakeNpx(line: string): Promise<string> {
    const bin = join(folder.path, "bin");
    await mkdir(bin, { recursive: true });
    await writeFile(
      join(bin, "npx"),
      `#!/bin/sh\necho "$*" >>'${folder.path}/calls'\n${line}\n`,
      { mode: 0o755 },
    );
    return `${bin}:${process.env.PATH ?? ""}`;
  }

  const calls = async () =>
    (await readFile(join(folder.path, "calls"), "utf8")).trim().split("\n");

  function run(job: string, PATH: string) {
    const { status, stdout, stderr } = spawnSync("/bin/sh", [script(), job], {
      encoding: "utf8",
      env: { PATH },
    });
    return { status, stdout, stderr };
  }

  it("is nothing that shellcheck has to say of", async function () {
    requirePrograms(this, "shellcheck");
    this.timeout(20_000);
    await write();
    const { status, stdout } = spawnSync("shellcheck", [script()], {
      encoding: "utf8",
    });
    expect(stdout).to.equal("");
    expect(status).to.equal(0);
  });

  it("is a file for /etc/cron.d, whose names may have no dot", async () => {
    const files = await write();
    expect([...files.keys()]).to.deep.equal([
      ...[name, `${name}.sh`, `${name}.env.example`],
    ]);
    expect(name).to.match(/^[A-Za-z0-9_-]+$/);
  });

  it("has six fields a line, in UTC, and no per cent sign that cron would take for a new line", async () => {
    const crontab = (await write()).get(name)!;
    const lines = crontab.split("\n").filter((line) => /^\d/.test(line));
    expect(lines).to.have.length(JOBS.length);
    expect(crontab).to.include("\nCRON_TZ=UTC\n");
    expect(crontab).to.include(
      "\nPATH=/opt/node/bin:/usr/local/bin:/usr/bin:/bin\n",
    );
    for (const line of lines) {
      expect(line).to.match(/^0 \d (\*|1|1-7) (\*|1,4,7,10) (\*|0) root \S/);
      expect(line.replaceAll("\\%", "")).to.not.include("%");
    }
  });

  it("asks whether it is Monday where cron can't", async () => {
    const crontab = (await write()).get(name)!;
    const [, command = ""] = /^0 5 1-7 \* \* root (.*)$/m.exec(crontab) ?? [];
    const PATH = await fakeNpx("exit 0");
    for (const [date, isRun] of [
      ["1", true],
      ["2", false],
    ] as const) {
      await writeFile(
        join(folder.path, "bin/date"),
        `#!/bin/sh\n[ "$*" = "-u +%u" ] && echo ${date}\nexit 0\n`,
        { mode: 0o755 },
      );
      await writeFile(join(folder.path, "calls"), "");
      // What cron makes of it.
      const line = command.replaceAll("\\%", "%");
      const { status } = spawnSync("/bin/sh", ["-c", line], { env: { PATH } });
      expect(status).to.equal(0);
      expect(await calls()).to.deep.equal([
        isRun ? "--no hardhat dr:drill --network mainnet" : "",
      ]);
    }
  });

  it("is silent when all is well, so that nothing is mailed", async function () {
    requirePrograms(this, "flock");
    await write();
    const PATH = await fakeNpx("echo working; exit 0");
    expect(run("backup", PATH)).to.deep.equal({
      status: 0,
      stdout: "",
      stderr: "",
    });
    const log = await readFile(
      join(root(), "logs/schedule-backup.log"),
      "utf8",
    );
    expect(log).to.match(/=== .*Z begins\nworking\n=== .*Z ends with 0\n$/);
    expect(await calls()).to.deep.equal([
      "--no hardhat dr:backup --network mainnet",
    ]);
  });

  it("mails what was refused otherwise than what failed", async function () {
    requirePrograms(this, "flock");
    await write();
    for (const [code, words] of [
      [3, "was refused before anything was changed (exit code 3)"],
      [1, "failed (exit code 1)"],
      [5, "stopped part-way (exit code 5)"],
    ] as const) {
      const PATH = await fakeNpx(`echo the reason; exit ${String(code)}`);
      const { status, stdout } = run("replication", PATH);
      expect(status).to.equal(code);
      expect(stdout).to.match(/^replication of Takumi\.Platform /);
      expect(stdout).to.include(words);
      expect(stdout).to.include("the reason");
    }
  });

  it("watches incidents every five minutes, and mails nothing while somebody is late", async function () {
    requirePrograms(this, "flock");
    const crontab = (await write()).get(name)!;
    expect(crontab).to.match(/^\*\/5 \* \* \* \* root .* incidents$/m);
    for (const [code, status] of [
      [0, 0],
      [4, 0],
      [1, 1],
    ] as const) {
      const PATH = await fakeNpx(`echo looking; exit ${String(code)}`);
      const watched = run("incidents", PATH);
      expect(watched.status, String(code)).to.equal(status);
      expect(watched.stdout === "", String(code)).to.equal(status === 0);
    }
    expect(await calls()).to.include(
      "--no hardhat dr:incident:list --network mainnet",
    );
    // Of the last time alone: it would grow without end.
    const path = join(root(), "logs/schedule-incidents.log");
    const log = await readFile(path, "utf8");
    expect(log.match(/looking/g)).to.have.length(1);
  });

  it("watches incidents while another job runs", async function () {
    requirePrograms(this, "flock");
    await write();
    const PATH = await fakeNpx(
      `case "$*" in *dr:backup*) "${script()}.watch" ;; esac`,
    );
    await writeFile(
      `${script()}.watch`,
      `#!/bin/sh\nexec /bin/sh "${script()}" incidents\n`,
      { mode: 0o755 },
    );
    expect(run("backup", PATH).status).to.equal(0);
    expect(await calls()).to.deep.equal([
      "--no hardhat dr:backup --network mainnet",
      "--no hardhat dr:incident:list --network mainnet",
    ]);
  });

  it("runs all commands of a job, and ends with the first failure", async function () {
    requirePrograms(this, "flock");
    await write();
    const PATH = await fakeNpx(
      'case "$*" in *verify*) exit 3 ;; *) exit 1 ;; esac',
    );
    expect(run("verification", PATH).status).to.equal(3);
    expect(await calls()).to.deep.equal([
      "--no hardhat dr:db:verify --network mainnet",
      "--no hardhat dr:offsite:list --network mainnet",
    ]);
  });

  it("runs one job at a time", async function () {
    requirePrograms(this, "flock");
    await write();
    const PATH = await fakeNpx(
      `mkdir '${folder.path}/alone' || exit 1; sleep 0.2; rmdir '${folder.path}/alone'`,
    );
    const children = ["backup", "replication"].map((job) =>
      spawn("/bin/sh", [script(), job], { env: { PATH } }),
    );
    const ends = await Promise.all(
      children.map(async (child) => {
        const [printed, [status]] = await Promise.all([
          text(child.stdout),
          once(child, "exit") as Promise<[number]>,
        ]);
        return { printed, status };
      }),
    );
    expect(ends).to.deep.equal([
      { printed: "", status: 0 },
      { printed: "", status: 0 },
    ]);
  });

  it("knows no other job", async () => {
    await write();
    expect(run("reboot", "/usr/bin:/bin").status).to.equal(64);
  });
});
