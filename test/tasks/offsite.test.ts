import { execFileSync } from "node:child_process";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { encodeManifest, type Manifest } from "../../src/artifact/manifest.js";
import type { DrUserConfig } from "../../src/index.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { abandonedBeside } from "../helpers/abandoned.js";
import { stderrOf } from "../helpers/stderr.js";
import { Backups } from "../offsite/backups.js";
import { openProject } from "./project.js";

interface OffsiteJson {
  readonly error?: { readonly code: string; readonly message: string };
  readonly status?: string;
  readonly summary?: string;
  readonly report?: string;
  readonly log_file?: string;
  readonly targets?: readonly {
    readonly target: string;
    readonly status: string;
    readonly backups: readonly { readonly name: string; status: string }[];
    readonly breaks:
      readonly { readonly status: string; readonly reason?: string }[] | null;
    readonly retention: { readonly removed: readonly string[] } | null;
    readonly error?: { readonly code: string };
  }[];
  readonly restored?: readonly {
    readonly name: string;
    readonly result?: { readonly file?: string; readonly folder?: string };
    readonly error?: { readonly code: string };
  }[];
}

/** Of nobody's key. */
const WRONG = { publicKey: "ab".repeat(32), value: "cd".repeat(64) };

describe("dr:offsite", () => {
  const folder = useTemporaryFolder();
  let backups: Backups;
  let hre: HardhatRuntimeEnvironment;
  let disks: readonly string[];
  let listeners: number;

  beforeEach(async () => {
    listeners = process.listenerCount("SIGINT");
    disks = ["disk-a", "disk-b"].map((name) => join(folder.path, name));
    await Promise.all(
      disks.map(async (disk) => {
        await mkdir(disk);
      }),
    );
    await open();
    backups = await Backups.create(folder.path);
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function open(dr: DrUserConfig = {}): Promise<void> {
    await rm(join(folder.path, "artifacts"), { force: true });
    hre = await openProject(folder.path, {
      dr: {
        project: "takumi",
        files: ["uploads"],
        encryption: { keyFile: "backup.key" },
        offsite: {
          targets: ["disk-a", "disk-b"].map((directory) => ({
            kind: "fs" as const,
            directory,
          })),
        },
        ...dr,
      },
    });
  }

  async function run(
    task: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<OffsiteJson> {
    process.exitCode = undefined;
    return (await hre.tasks
      .getTask(task)
      .run({ json: true, ...args })) as OffsiteJson;
  }

  const replicate = async (args: Readonly<Record<string, unknown>> = {}) =>
    await run("dr:offsite:replicate", { yes: true, ...args });
  const restore = async (
    what: readonly string[],
    args: Readonly<Record<string, unknown>> = {},
  ) => await run("dr:offsite:restore", { what, yes: true, ...args });

  describe(":replicate", () => {
    it("replicates to all targets, and leaves a report and a log", async () => {
      const { path } = await backups.make("database");
      const name = basename(path);
      const result = await replicate();
      expect(process.exitCode).to.equal(0);
      expect(result.summary).to.equal(
        "Offsite replication completed: All backups replicated to disk-a, disk-b",
      );
      for (const disk of disks) {
        const there = await readdir(join(disk, "database"));
        expect(there).to.have.members([
          name,
          `${name}.sha256`,
          `${name}.manifest.json`,
        ]);
        execFileSync("sha256sum", ["-c", `${name}.sha256`], {
          cwd: join(disk, "database"),
        });
      }
      expect(basename(result.report!)).to.match(
        /^offsite_replication_\d{8}_\d{6}\.json$/,
      );
      const report = JSON.parse(
        await readFile(result.report!, "utf8"),
      ) as OffsiteJson;
      expect(report.status).to.equal("SUCCESS");
      expect(report.targets![0]!.backups[0]).to.include({
        name,
        status: "uploaded",
      });
      expect(await readFile(result.log_file!, "utf8")).to.include(
        `disk-b: ${name} uploaded`,
      );
    });

    it("does the others when one is gone, and says so", async () => {
      const { path } = await backups.make("database");
      await rm(disks[0]!, { recursive: true });
      let result: OffsiteJson = {};
      const told = await stderrOf(async () => {
        result = await replicate();
      });
      expect(told).to.include("✖ disk-a: not done\n");
      expect(told).to.include("✔ disk-b: done\n");
      expect(process.exitCode).to.equal(5);
      expect(result.status).to.equal("PARTIAL");
      expect(result.targets!.map((one) => one.error?.code)).to.deep.equal([
        "OFFSITE_FAILED",
        undefined,
      ]);
      expect(await readdir(join(disks[1]!, "database"))).to.include(
        basename(path),
      );
      expect(result.summary).to.match(/^Offsite replication failed: disk-a: /);
    });

    it("says that the same command goes on, when it was interrupted", async () => {
      for (const daysAgo of [2, 1]) {
        await backups.make("database", daysAgo);
      }
      await open({
        offsite: {
          targets: [{ kind: "fs", directory: "disk-a" }],
          bytesPerSecond: 1,
        },
      });
      const replication = replicate();
      while (process.listenerCount("SIGINT") === listeners) {
        await setTimeout(10);
      }
      process.emit("SIGINT");
      const { targets } = await replication;
      expect(process.exitCode).to.equal(5);
      expect(targets![0]!.error?.code).to.equal("OFFSITE_INTERRUPTED");
      await open();
      expect((await replicate()).status).to.equal("SUCCESS");
    });

    it("touches nothing in a dry run", async () => {
      await backups.make("database");
      await replicate({ dryRun: true, yes: false });
      expect(process.exitCode).to.equal(0);
      expect(await readdir(disks[0]!)).to.deep.equal([]);
    });

    it("asks before anything else, and doesn't without a terminal", async () => {
      const { error } = await replicate({ yes: false });
      expect(error?.code).to.equal("NO_TERMINAL");
      expect(process.exitCode).to.equal(3);
    });

    it("refuses a key that is missing, or that others may read", async () => {
      await backups.make("database");
      await chmod(backups.keyFile, 0o644);
      expect((await replicate()).error?.code).to.equal("KEY_FILE_EXPOSED");
      await rm(backups.keyFile);
      expect((await replicate()).error?.code).to.equal("KEY_FILE_UNREADABLE");
      await open({ encryption: { format: "age" } });
      expect((await replicate()).error?.code).to.equal(
        "ENCRYPTION_NOT_CONFIGURED",
      );
      expect(await readdir(disks[0]!)).to.deep.equal([]);
    });

    it("says what isn't configured, and what the environment has wrong", async () => {
      await open({ offsite: { targets: [] } });
      expect((await replicate()).error?.code).to.equal(
        "OFFSITE_NOT_CONFIGURED",
      );
      process.env.OFFSITE_PROVIDER = "ftp";
      const { error } = await replicate();
      delete process.env.OFFSITE_PROVIDER;
      expect(error?.code).to.equal("ENVIRONMENT_INVALID");
      expect(error?.message).to.include("s3, gcs or azure");
      process.env.RETENTION_DAYS = "ninety";
      await open();
      expect((await replicate()).error?.code).to.equal("ENVIRONMENT_INVALID");
      delete process.env.RETENTION_DAYS;
      await open();
      expect((await replicate({ target: "disk-c" })).error?.code).to.equal(
        "OFFSITE_TARGET_UNKNOWN",
      );
      expect((await replicate({ since: "soon" })).error?.code).to.equal(
        "OPTION_INVALID",
      );
    });

    it("says that nothing was young enough, instead of that all went", async () => {
      await backups.make("database", 10);
      expect((await replicate()).summary).to.equal(
        "Offsite replication completed: No backup was young enough to be replicated to disk-a, disk-b",
      );
    });

    it("takes what is as old as asked for", async () => {
      await backups.make("database", 10);
      const names = async (since?: string) =>
        (await replicate(since === undefined ? {} : { since })).targets![0]!
          .backups.length;
      expect(await names()).to.equal(0);
      expect(await names("2w")).to.equal(1);
    });

    it("comes after dr:backup when that is configured", async () => {
      await mkdir(join(folder.path, "uploads"));
      await writeFile(join(folder.path, "uploads", "a.txt"), "words");
      process.env.CLOUD_BACKUP = "true";
      await open();
      delete process.env.CLOUD_BACKUP;
      await run("dr:backup");
      expect(process.exitCode).to.equal(0);
      for (const disk of disks) {
        expect(await readdir(join(disk, "files"))).to.have.length(3);
      }
    });

    it("fails dr:backup when it fails, though the backup is made", async () => {
      await mkdir(join(folder.path, "uploads"));
      await rm(disks[1]!, { recursive: true });
      await open({ backup: { offsite: true } });
      const { parts } = (await run("dr:backup")) as unknown as {
        parts: { kind: string; status: string; error?: { code: string } }[];
      };
      expect(process.exitCode).to.equal(5);
      expect(parts.find(({ kind }) => kind === "files")!.status).to.equal(
        "done",
      );
      expect(parts.at(-1)!.error!.code).to.equal("OFFSITE_INCOMPLETE");
      expect(await readdir(join(disks[0]!, "files"))).to.have.length(3);
    });
  });

  describe(":list and :prune", () => {
    it("show that a backup was taken away, or put in another's place", async () => {
      for (const daysAgo of [3, 2, 1]) {
        await backups.make("database", daysAgo);
      }
      await replicate();
      await run("dr:offsite:list");
      expect(process.exitCode).to.equal(0);
      const there = join(disks[0]!, "database");
      const [, second] = (await readdir(there)).filter((name) =>
        name.endsWith(".enc"),
      );
      for (const suffix of ["", ".sha256", ".manifest.json"]) {
        await rm(join(there, `${second!}${suffix}`));
      }
      const { targets } = await run("dr:offsite:list");
      expect(process.exitCode).to.equal(1);
      expect(
        targets!.map((one) => one.breaks!.map(({ status }) => status)),
      ).to.deep.equal([["deleted"], []]);
      // Another machine doesn't know what was there, and sees the gap.
      await rm(join(folder.path, "backups"), { recursive: true });
      const again = await run("dr:offsite:list");
      expect(
        again.targets![0]!.breaks!.map(({ status }) => status),
      ).to.deep.equal(["missing"]);
    });

    it("show what isn't there as its manifest says", async () => {
      const { path } = await backups.make("database");
      await replicate();
      const there = join(disks[0]!, "database", basename(path));
      const manifest = `${there}.manifest.json`;
      const text = await readFile(manifest, "utf8");
      const damage = async () => {
        const { targets } = await run("dr:offsite:list");
        expect(process.exitCode).to.equal(1);
        return targets![0]!.breaks!.map(({ status, reason }) => [
          status,
          reason,
        ]);
      };
      const signed = { ...(JSON.parse(text) as object), signature: WRONG };
      await writeFile(manifest, encodeManifest(signed as Manifest));
      expect(await damage()).to.deep.include([
        "damaged",
        `The signature of ${basename(path)}'s manifest, by ${WRONG.publicKey}, isn't of this manifest.`,
      ]);
      await writeFile(manifest, text);
      const { size } = await stat(there);
      await truncate(there, 10);
      expect(await damage()).to.deep.equal([
        ["damaged", `it has 10 bytes instead of ${String(size)}`],
      ]);
      await rm(there);
      expect(await damage()).to.deep.equal([
        ["damaged", "only its manifest is there"],
      ]);
    });

    it("show a manifest that is another backup's", async () => {
      const { path } = await backups.make("database");
      await replicate();
      const there = join(disks[0]!, "database", basename(path));
      const other = there.replace(/_\d{8}_/, "_20310101_");
      for (const suffix of ["", ".manifest.json"]) {
        await copyFile(`${there}${suffix}`, `${other}${suffix}`);
      }
      const { targets } = await run("dr:offsite:list");
      expect(process.exitCode).to.equal(1);
      expect(targets![0]!.breaks!.map(({ reason }) => reason)).to.include(
        `its manifest is that of ${basename(path)}`,
      );
    });

    it("show the other targets when one is gone", async () => {
      await rm(disks[0]!, { recursive: true });
      const { targets } = await run("dr:offsite:list");
      expect(process.exitCode).to.equal(1);
      expect(targets!.map((one) => one.error?.code)).to.deep.equal([
        "OFFSITE_FAILED",
        undefined,
      ]);
      await run("dr:offsite:prune", { yes: true });
      expect(process.exitCode).to.equal(5);
    });

    it("remove what is too old, when that is meant", async () => {
      const old = await backups.make("database", 80);
      await backups.make("database", 1);
      await replicate({ since: "12w" });
      await open({ retention: { offsiteDays: 60 } });
      const planned = await run("dr:offsite:prune", { dryRun: true });
      const key = `database/${basename(old.path)}`;
      expect(planned.targets![0]!.retention!.removed).to.deep.equal([key]);
      expect(await readdir(join(disks[0]!, "database"))).to.have.length(6);
      await run("dr:offsite:prune", { yes: true });
      expect(process.exitCode).to.equal(0);
      for (const disk of disks) {
        expect(await readdir(join(disk, "database"))).to.have.length(3);
      }
      // The gap is older than what is kept: it is none.
      await run("dr:offsite:list");
      expect(process.exitCode).to.equal(0);
    });
  });

  describe(":restore", () => {
    const left = async () =>
      (await readdir(backups.folder)).filter((name) => name.startsWith("."));

    it("brings a database's backup here, or its dump", async () => {
      const { path } = await backups.make("database");
      const name = basename(path);
      await replicate();
      await rm(join(backups.folder, "database"), { recursive: true });
      await restore(["database", name]);
      expect(process.exitCode).to.equal(0);
      expect(await readdir(join(backups.folder, "database"))).to.have.length(3);
      const { restored } = await restore(["database"], { into: "dumps" });
      const { file } = restored![0]!.result!;
      expect(await readFile(file!, "utf8")).to.equal("database of 0 days ago");
      expect((await stat(file!)).mode & 0o777).to.equal(0o600);
      expect(
        (await restore(["database"], { into: "dumps" })).error?.code,
      ).to.equal("FILE_EXISTS");
      expect(await left()).to.deep.equal([]);
      const { targets } = await run("dr:offsite:list", { target: "disk-a" });
      expect(targets![0]!.backups[0]).to.have.property("provenAt").not.null;
    });

    it("tells how far it is", async () => {
      const { path } = await backups.make("database");
      const name = basename(path);
      await replicate();
      for (const args of [
        {},
        { into: "dumps" },
        { dryRun: true, yes: false },
      ]) {
        const told = await stderrOf(async () => {
          await restore(["database"], args);
        });
        expect(told.split("\n")).to.deep.equal([
          `✔ Download from ${disks[0]!}: ${name} is here, and is what was sent`,
          `✔ ${"into" in args ? "Unpack" : "Check"}: ${name} is whole`,
          "",
        ]);
      }
    });

    it("brings files back, from another target when asked", async () => {
      const uploads = join(folder.path, "uploads");
      await mkdir(uploads);
      await writeFile(join(uploads, "a.txt"), "words");
      await run("dr:backup");
      await replicate();
      await rm(uploads, { recursive: true });
      await rm(disks[0]!, { recursive: true });
      expect((await restore(["files"])).error?.code).to.equal("OFFSITE_FAILED");
      await restore(["full"], { target: "disk-b" });
      expect(process.exitCode).to.equal(0);
      expect(await readFile(join(uploads, "a.txt"), "utf8")).to.equal("words");
      expect(await left()).to.deep.equal([]);
    });

    it("leaves nothing when it has the wrong key", async () => {
      await backups.make("database");
      await replicate();
      await rm(backups.keyFile);
      await Backups.create(folder.path);
      const { error } = await restore(["database"], { into: "dumps" });
      expect(error?.code).to.equal("KEY_UNKNOWN");
      expect(await left()).to.deep.equal([]);
      expect(await readdir(folder.path)).to.not.include("dumps");
    });

    it("downloads nothing that no key here opens", async () => {
      const { path } = await backups.make("database");
      await replicate();
      await truncate(join(disks[0]!, "database", basename(path)), 10);
      await rm(backups.keyFile);
      await Backups.create(folder.path);
      const { error } = await restore(["database"]);
      // That it is damaged shows when it is downloaded.
      expect(error?.code).to.equal("KEY_UNKNOWN");
    });

    it("lets nobody else take away what is being downloaded", async () => {
      await backups.make("database");
      await replicate();
      const both = await Promise.all(
        ["one", "two"].map(
          async (into) => await restore(["database"], { into }),
        ),
      );
      const codes = both.map(({ error }) => error?.code);
      expect(codes).to.have.members([undefined, "RUN_LOCKED"]);
      expect(await left()).to.deep.equal([]);
    });

    it("takes the newest before a time, and knows what it isn't asked for", async () => {
      const old = await backups.make("database", 3);
      await backups.make("database", 1);
      await replicate();
      const before = new Date(Date.now() - 2 * 86_400_000).toISOString();
      const { restored } = await restore(["database"], { before });
      expect(restored![0]!.name).to.equal(basename(old.path));
      for (const [what, code] of [
        [["everything"], "OPTION_INVALID"],
        [["full", "old.sql"], "OPTION_INVALID"],
        [["database", "none.sql.gz"], "OFFSITE_MISSING"],
        [["contracts"], "OFFSITE_MISSING"],
      ] as const) {
        expect((await restore(what)).error?.code).to.equal(code);
      }
      expect(
        (await restore(["database"], { before: "noon" })).error?.code,
      ).to.equal("OPTION_INVALID");
      expect(
        (await restore(["database"], { region: "eu-west-1" })).error?.code,
      ).to.equal("OFFSITE_TARGET_UNKNOWN");
      expect((await restore([])).error?.code).to.equal("MENU_NEEDS_TERMINAL");
    });

    it("proves it and leaves nothing in a dry run", async () => {
      await backups.make("database");
      await replicate();
      await rm(join(backups.folder, "database"), { recursive: true });
      await restore(["database"], { dryRun: true, yes: false });
      expect(process.exitCode).to.equal(0);
      expect(await readdir(backups.folder)).to.deep.equal(["reports"]);
    });

    it("takes what the old scripts left there, when that is accepted", async () => {
      const there = join(disks[0]!, "database");
      await mkdir(there);
      const name = "takumi_db_20240115_140000.sql.gz.enc";
      execFileSync(
        "openssl",
        [
          ...["enc", "-aes-256-cbc", "-salt", "-pbkdf2"],
          ...["-pass", `file:${backups.keyFile}`, "-out", join(there, name)],
        ],
        { input: gzipSync("old words") },
      );
      const sums = execFileSync("sha256sum", [name], { cwd: there });
      await writeFile(join(there, `${name}.sha256`), sums);
      const what = ["database", name];
      expect((await restore(what)).error?.code).to.equal(
        "ARTIFACT_UNAUTHENTICATED",
      );
      const accepted = { acceptUnauthenticated: true };
      expect((await restore(what, accepted)).error?.code).to.equal(
        "RESTORE_INTO_NEEDED",
      );
      const { restored } = await restore(what, { ...accepted, into: "dumps" });
      expect(await readFile(restored![0]!.result!.file!, "utf8")).to.equal(
        "old words",
      );
      const bytes = await readFile(join(there, name));
      bytes[40]! ^= 1;
      await writeFile(join(there, name), bytes);
      expect(
        (await restore(what, { ...accepted, into: "more" })).error?.code,
      ).to.equal("ARTIFACT_DAMAGED");
      expect(await readdir(folder.path)).to.not.include("more");
    });

    it("unpacks an old script's archive into a folder of its own", async () => {
      const there = join(disks[0]!, "contracts");
      await mkdir(there);
      const name = "contract_snapshot_20240115_140000.tar.gz";
      await writeFile(join(folder.path, "abi.json"), "[]");
      await mkdir(abandonedBeside(join(folder.path, "old/x")), {
        recursive: true,
      });
      execFileSync("tar", [
        ...["-czf", join(there, name), "-C", folder.path, "abi.json"],
      ]);
      const { restored } = await restore(["contracts", name], {
        acceptUnauthenticated: true,
        into: "old",
      });
      expect(await readdir(restored![0]!.result!.folder!)).to.deep.equal([
        "abi.json",
      ]);
      const all = await readdir(join(folder.path, "old"));
      expect(all, "what was left half").to.have.length(1);
    });
  });
});
