import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { JOBS } from "../../src/schedule/jobs.js";
import { systemdFiles } from "../../src/schedule/systemd.js";
import { WATCH } from "../../src/schedule/watch.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { contextOf, EVERYTHING } from "./context.js";

describe("the schedule for systemd", () => {
  const folder = useTemporaryFolder();

  async function write(root: string): Promise<string[]> {
    await mkdir(root, { recursive: true });
    const files = systemdFiles(contextOf(EVERYTHING, { root }));
    const units = files.filter(({ path }) => /\.(service|timer)$/.test(path));
    for (const { path, text } of units) {
      await writeFile(join(folder.path, path), text);
    }
    return units.map(({ path }) => join(folder.path, path));
  }

  it("has a service and a timer for each job", async () => {
    const units = await write(join(folder.path, "takumi"));
    expect(units).to.have.length(JOBS.length * 2 + 2);
    for (const { name } of [...JOBS, WATCH]) {
      const unit = join(folder.path, `hardhat-dr-takumi-platform-${name}`);
      expect(units).to.include.members([`${unit}.service`, `${unit}.timer`]);
    }
  });

  it("is nothing that systemd-analyze has to say of", async function () {
    requirePrograms(this, "systemd-analyze", "flock");
    this.timeout(20_000);
    for (const root of ["takumi", `it's 100% "takumi" $HOME`]) {
      const units = await write(join(folder.path, root));
      const { status, stderr, stdout } = spawnSync(
        "systemd-analyze",
        ["verify", "--man=no", ...units],
        { encoding: "utf8" },
      );
      const ours = `${stdout}${stderr}`
        .split("\n")
        .filter((line) => line.includes("hardhat-dr-"));
      expect(ours).to.deep.equal([]);
      expect(status).to.equal(0);
    }
  });

  it("gives a task no more than it needs", async function () {
    requirePrograms(this, "systemd-analyze");
    const units = await write(join(folder.path, "takumi"));
    const service = units.find((path) => path.endsWith("backup.service"))!;
    const { status, stdout, stderr } = spawnSync(
      "systemd-analyze",
      ["security", "--offline=yes", "--threshold=45", "--no-pager", service],
      { encoding: "utf8" },
    );
    expect(status, `${stdout.slice(-300)}${stderr}`).to.equal(0);
  });

  it("makes up for what was missed, and lets a task stop at a safe point", () => {
    const texts = systemdFiles(contextOf()).map(({ text }) => text);
    for (const text of texts.filter((one) => one.includes("[Timer]"))) {
      expect(text).to.match(/^OnCalendar=.* UTC$/m);
      expect(text).to.include("\nPersistent=true\n");
    }
    for (const text of texts.filter((one) => one.includes("[Service]"))) {
      expect(text).to.include("\nTimeoutStopSec=5min\n");
      const [start = ""] =
        /^ExecStart=\/(usr\/bin\/flock|bin\/sh) .*$/m.exec(text) ?? [];
      expect(start).to.include("npx --no hardhat dr:");
      // A single one would be systemd's own, and empty.
      expect(start.replaceAll("$$", "")).to.not.include("$");
    }
  });

  it("watches incidents every five minutes, beside all else, and doesn't fail while somebody is late", function () {
    requirePrograms(this, "systemd-analyze");
    const unit = (kind: string) =>
      systemdFiles(contextOf()).find(({ path }) =>
        path.endsWith(`-incidents.${kind}`),
      )!.text;
    const [, calendar = ""] = /^OnCalendar=(.*)$/m.exec(unit("timer")) ?? [];
    const { stdout } = spawnSync(
      "systemd-analyze",
      [
        ...["calendar", "--base-time=2028-01-01 00:58:00 UTC"],
        ...["--iterations=2", calendar],
      ],
      { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } },
    );
    expect(
      [...stdout.matchAll(/: \w+ \S+ (\d\d:\d\d:\d\d) UTC$/gm)].map(
        ([, time]) => time,
      ),
    ).to.include.members(["01:00:00", "01:05:00"]);
    expect(unit("service")).to.include("dr:incident:list");
    expect(unit("service")).to.include("\nSuccessExitStatus=4\n");
    expect(unit("service")).to.not.include("flock");
  });

  it("may write where backups go, wherever that is", () => {
    const files = systemdFiles(
      contextOf(EVERYTHING, {
        paths: { backups: "/var/backups/takumi", logs: "/srv/takumi/logs" },
      }),
    );
    expect(files[0]!.text).to.include(
      '\nReadWritePaths="/srv/takumi" "/var/backups/takumi"\n',
    );
  });
});
